"""The peer for Titan from PyPI: nautilus_trader's matching engine, Cython over a book in Rust.

It is made for backtests: one trader's orders meet a book that market data builds.  So all that
rests comes as order-by-order book deltas, what crosses is an order of the trader, and what it took
of the book is told by deltas after it, as a recording would.  All its objects are made beforehand.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

from components.messages.code import (
    BUY,
    EVENT_ACCEPTED,
    EVENT_AMENDED,
    EVENT_CANCELLED,
    EVENT_TRADE,
    OP_PLACE,
    TIF_IOC,
)
from components.messages.command import Commands
from components.titan.engine import apply_batch
from perf.harness.titan_replay import fresh_state

NAME = "nautilus_trader"
_ADD, _UPDATE, _DELETE = "ADD", "UPDATE", "DELETE"
Change = tuple[str, int, int, int, int]  # action, side, price, quantity, id


def changes(commands: Commands) -> list[tuple[list[Change], tuple[int, int, int] | None]]:
    """For each command what it does to the book, and side, price and quantity of one that takes."""
    state, outbox = fresh_state(commands[:1], len(commands))
    told = []
    book: dict[int, list[int]] = {}  # side, price, quantity by order id
    for number in range(1, len(commands)):
        command = commands[number]
        takes = command["op"] == OP_PLACE and command["tif"] == TIF_IOC
        apply_batch(state, commands[number : number + 1], number, outbox)
        found: list[Change] = []
        for event in outbox.slots[: int(outbox.count[0])]:
            _follow(event, book, found, takes)
        outbox.count[0] = 0
        taker = tuple(int(command[name]) for name in ("side", "price", "qty")) if takes else None
        told.append((found, taker))
    return told  # type: ignore[return-value]


def _follow(event: Any, book: dict[int, list[int]], found: list[Change], takes: bool) -> None:
    kind, number = int(event["kind"]), int(event["order_id"])
    if kind == EVENT_TRADE:
        for traded in (int(event["maker_order_id"]), *(() if takes else (number,))):
            side, price, left = book[traded]
            book[traded][2] = left = left - int(event["qty"])
            if left == 0:
                del book[traded]
            found.append((_UPDATE if left else _DELETE, side, price, left, traded))
    elif takes:
        return
    elif kind == EVENT_ACCEPTED:
        book[number] = [int(event[name]) for name in ("side", "price", "qty")]
        found.append((_ADD, *book[number], number))  # type: ignore[arg-type]
    elif kind == EVENT_AMENDED:
        book[number][2] = int(event["qty"])
        found.append((_UPDATE, *book[number], number))  # type: ignore[arg-type]
    elif kind == EVENT_CANCELLED:
        side, price, _ = book.pop(number)
        found.append((_DELETE, side, price, 0, number))


class Peer:
    """The engine with what it needs around it, and the objects that say our commands."""

    def __init__(self) -> None:
        from nautilus_trader.backtest.engine import OrderMatchingEngine
        from nautilus_trader.backtest.models import FillModel, MakerTakerFeeModel
        from nautilus_trader.cache.cache import Cache
        from nautilus_trader.common.component import MessageBus, TestClock
        from nautilus_trader.model import enums, identifiers
        from nautilus_trader.test_kit.providers import TestInstrumentProvider

        self.enums = enums
        self.instrument = TestInstrumentProvider.btcusdt_binance()
        self.trader = identifiers.TraderId("TRADER-001")
        self.strategy = identifiers.StrategyId("S-1")
        self.account = identifiers.AccountId("A-1")
        clock = TestClock()
        bus = MessageBus(trader_id=self.trader, clock=clock)
        self.cache = Cache(database=None)
        self.cache.add_instrument(self.instrument)
        bus.register("ExecEngine.process", self._handle)
        self.fills = 0
        self.engine = OrderMatchingEngine(
            instrument=self.instrument, raw_id=0, fill_model=FillModel(),
            fee_model=MakerTakerFeeModel(), book_type=enums.BookType.L3_MBO,
            oms_type=enums.OmsType.NETTING, account_type=enums.AccountType.MARGIN,
            msgbus=bus, cache=self.cache, clock=clock,
        )  # fmt: skip

    def _handle(self, event: Any) -> None:
        self.fills += type(event).__name__ == "OrderFilled"
        order = self.cache.order(event.client_order_id)
        order.apply(event)
        self.cache.update_order(order)

    def delta(self, change: Change) -> Any:
        """One change of the book as market data."""
        from nautilus_trader.model.data import BookOrder, OrderBookDelta
        from nautilus_trader.model.objects import Price, Quantity

        action, side, price, qty, number = change
        order = BookOrder(self._side(side), Price(price / 100, 2), Quantity(qty, 6), number)
        action = getattr(self.enums.BookAction, action)
        return OrderBookDelta(self.instrument.id, action, order, 0, 0, 0, 0)

    def order(self, taker: tuple[int, int, int], number: int) -> Any:
        """An immediate-or-cancel order of the trader."""
        from nautilus_trader.core.uuid import UUID4
        from nautilus_trader.model.identifiers import ClientOrderId
        from nautilus_trader.model.objects import Price, Quantity
        from nautilus_trader.model.orders import LimitOrder

        side, price, qty = taker
        order = LimitOrder(
            self.trader, self.strategy, self.instrument.id, ClientOrderId(f"O-{number}"),
            self._side(side), Quantity(qty, 6), Price(price / 100, 2), UUID4(), 0,
            self.enums.TimeInForce.IOC,
        )  # fmt: skip
        self.cache.add_order(order)
        return order

    def _side(self, side: int) -> Any:
        return self.enums.OrderSide.BUY if side == BUY else self.enums.OrderSide.SELL

    def run(self, prepared: list[tuple[Any, list[Any]]]) -> None:
        """Apply prepared objects: the trader's order first, then what the book became."""
        process_order, process_delta = (
            self.engine.process_order,
            self.engine.process_order_book_delta,
        )
        for order, deltas in prepared:
            if order is not None:
                process_order(order, self.account)
            for delta in deltas:
                process_delta(delta)


def replay(commands: Commands, opening: int) -> float:
    """Nanoseconds of CPU a command after the first ``opening``."""
    peer = Peer()
    prepared = [
        (None if taker is None else peer.order(taker, number), [peer.delta(each) for each in found])
        for number, (found, taker) in enumerate(changes(commands))
    ]
    peer.run(prepared[:opening])
    started = time.thread_time_ns()
    peer.run(prepared[opening:])
    taken = time.thread_time_ns() - started
    if peer.fills == 0:
        raise RuntimeError("nautilus_trader filled nothing; its engine is driven wrongly")
    return taken / (len(prepared) - opening)


def label() -> str:
    """Name and version, for the table."""
    return f"{NAME} {version(NAME)}"
