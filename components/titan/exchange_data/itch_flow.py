"""What ITCH says of orders, as commands for the engine, and the book that it says there is.

    A F   an order rests             place
    E     it is executed             an immediate-or-cancel order of the other side, at its price
    C     … at another price         less of it: a cross, which no order book decides
    X     part of it is cancelled    less of it, at its place
    D     it is deleted              cancel
    U     it is replaced             cancel, and a new order at the back of its level

All else (states, imbalances, trades with hidden orders, crosses) leaves the book alone.  An
execution must hit the very order that the exchange names: the first one at the best price.  The
reader keeps the book that the messages make, which is compared at every system event and at the
end; where the engine went another way, it is told once, and the engine's book is set right again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.messages.code import BUY, OP_CANCEL_ALL, SELL, TIF_IOC
from components.messages.json_lines import TextError
from components.titan.engine.state import ORDERS_MAX, SYMBOLS_MAX
from components.titan.exchange_data.comparison import Comparison
from components.titan.exchange_data.itch import LAYOUTS, Message, read
from components.titan.exchange_data.venue import (
    Fill,
    Levels,
    Step,
    Venue,
    cancel,
    listing,
    place,
    reduce,
)

_INCOMING_IDS: Final = 1 << 60
"""Above all order references, so that an incoming order's id is never one of theirs."""

_LEVELS: Final = 1 << 12


@dataclass
class Resting:
    """An order that the messages say rests."""

    symbol: int
    side: int
    price: int
    shares: int


class Flow:
    """One file's messages on their way through an engine."""

    def __init__(self, only: frozenset[str] = frozenset()) -> None:
        self.venue = Venue(max_orders=ORDERS_MAX, max_symbols=SYMBOLS_MAX)
        self.told = Comparison()
        self.stocks: list[str] = []
        self._only = only
        self._symbols: dict[int, int | None] = {}  # by stock locate; None: not wanted
        self._orders: list[dict[int, Resting]] = []  # by symbol, in order of arrival
        self._incoming = 0

    def run(self, messages: Iterator[tuple[str, Message | None]]) -> None:
        """All messages, then the books as they stand at the end."""
        for number, (kind, message) in enumerate(messages, 1):
            layout = LAYOUTS.get(kind)
            self.told.messages[layout.name if layout else f"unknown type {kind!r}"] += 1
            if message is None:
                continue
            if kind == "S":
                self._compare_books(f"message {number}")
                continue
            symbol = self._symbol(message)
            if symbol is None:
                continue
            where = f"message {number} ({self.stocks[symbol]})"
            if not self._follow(message, symbol, where):
                self._set_right(symbol)
        self._compare_books("the end")

    def _follow(self, message: Message, symbol: int, where: str) -> bool:
        went_along = True
        for step in self._steps(message, symbol, where):
            outcome = self.venue.apply(step)
            self.told.judge_step(step, outcome, where)
            went_along &= outcome.fills == step.fills and not outcome.refusal
        return went_along

    def _symbol(self, message: Message) -> int | None:
        if message.locate in self._symbols:
            return self._symbols[message.locate]
        stock = message.fields.get("stock")
        if message.locate == 0 or not isinstance(stock, str):
            return None
        wanted = not self._only or stock in self._only
        self._symbols[message.locate] = len(self.stocks) if wanted else None
        if not wanted:
            return None
        self.stocks.append(stock)
        self._orders.append({})
        if len(self.stocks) > 1:
            self.venue.apply(listing(len(self.stocks) - 1))
        return len(self.stocks) - 1

    def _steps(self, message: Message, symbol: int, where: str) -> Iterator[Step]:
        orders = self._orders[symbol]
        time = message.time_ns
        if message.kind in ("A", "F"):
            side = BUY if message.fields["side"] == "B" else SELL
            shares, price = message.number("shares"), message.number("price")
            orders[message.number("reference")] = Resting(symbol, side, price, shares)
            yield place(message.number("reference"), side, price, shares, ts=time, symbol=symbol)
            return
        if message.kind not in ("E", "C", "X", "D", "U"):
            return
        reference = message.number("reference")
        order = orders.get(reference)
        if order is None:
            raise TextError(
                f"{where}: order {reference} was never added; give the file's beginning"
            )
        if message.kind == "D":
            del orders[reference]
            yield cancel(reference, ts=time, symbol=symbol)
        elif message.kind == "U":
            del orders[reference]
            new, shares = message.number("new_reference"), message.number("shares")
            orders[new] = Resting(symbol, order.side, message.number("price"), shares)
            yield cancel(reference, ts=time, symbol=symbol)
            yield place(new, order.side, orders[new].price, shares, ts=time, symbol=symbol)
        else:
            shares = message.number("shares")
            order.shares -= shares
            if order.shares <= 0:
                del orders[reference]
            if message.kind == "E":
                self._incoming += 1
                yield place(
                    _INCOMING_IDS + self._incoming, 1 - order.side, order.price, shares,
                    tif=TIF_IOC, ts=time, symbol=symbol,
                    fills=[Fill(reference, order.price, shares)],
                )  # fmt: skip
            elif order.shares > 0:
                yield reduce(reference, order.shares, ts=time, symbol=symbol)
            else:
                yield cancel(reference, ts=time, symbol=symbol)

    def _set_right(self, symbol: int) -> None:
        """Give the engine the book that the messages make, every order at its place."""
        self.venue.apply(Step(OP_CANCEL_ALL, 0, symbol=symbol))
        for reference, order in self._orders[symbol].items():
            self.venue.apply(place(reference, order.side, order.price, order.shares, symbol=symbol))

    def _compare_books(self, where: str) -> None:
        for symbol, stock in enumerate(self.stocks):
            recorded = self._levels(symbol, BUY), self._levels(symbol, SELL)
            engine = self.venue.book(_LEVELS, symbol)
            self.told.judge_book(recorded, engine, f"{where} ({stock})")

    def _levels(self, symbol: int, side: int) -> Levels:
        levels: dict[int, int] = {}
        for order in self._orders[symbol].values():
            if order.side == side:
                levels[order.price] = levels.get(order.price, 0) + order.shares
        return sorted(levels.items(), reverse=side == BUY)[:_LEVELS]


def compare(path: Path, only: frozenset[str] = frozenset()) -> tuple[Comparison, Venue]:
    """Run a file, or some stocks of it, and compare every execution and the books."""
    flow = Flow(only)
    flow.run(read(path))
    return flow.told, flow.venue
