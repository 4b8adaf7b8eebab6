"""Titan's engine as tracebook-conformance drives one: its events in, its observations out.

Run as a program it speaks that package's protocol over stdin and stdout.  What its judge means by
an order has another shape than here: an id is one of its symbol's, without an account; a price is
snapped to the grid before it is judged; a replacement is a cancel and a new order at the back.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tracebook.conformance import (
    BookSnapshot,
    BookState,
    ConformanceConfig,
    ConformanceError,
    EngineMetadata,
    Observation,
    Outcome,
    RestingOrder,
    TradeFill,
    canonical_decimal,
    serve_stdio,
)

from components.messages import code as c
from components.titan.engine import apply_batch, new_outbox, new_state
from components.titan.engine.state import ORDER_TOP
from tests.strategies import blank, records

LOT = Decimal("0.000000001")
ANONYMOUS = 1 << 40  # accounts of orders without an owner, which never meet themselves
STP = {
    "NONE": c.STP_NONE,
    "CANCEL_RESTING": c.STP_CANCEL_OLDEST,
    "CANCEL_INCOMING": c.STP_CANCEL_NEWEST,
}
TIFS = {"LIMIT": c.TIF_GTC, "MARKET": c.TIF_IOC, "IOC": c.TIF_IOC, "FOK": c.TIF_FOK}
REASONS = {
    c.REASON_DUPLICATE_ID: "DUPLICATE_ORDER_ID",
    c.REASON_UNKNOWN_ORDER: "ORDER_NOT_ACTIVE",
    c.REASON_UNKNOWN_SYMBOL: "ORDER_NOT_ACTIVE",
}


@dataclass
class Name:
    """What the judge calls an order, and whose it is."""

    symbol: int
    number: int
    owner: int
    account: int


class TitanAdapter:
    """One engine for one trace."""

    def __init__(self, config: ConformanceConfig) -> None:
        if config.matching_algorithm != "fifo":
            raise ConformanceError("Titan matches by price and time alone")
        self.metadata = EngineMetadata("titan", "1", "Python")
        self._tick = Decimal(canonical_decimal(config.tick_size))
        self._stp = STP[config.self_trade_policy.name]
        self._state = new_state(max_orders=4096)
        self._outbox = new_outbox(1 << 16)
        self._symbols: dict[str, int] = {}
        self._names: dict[int, Name] = {}  # by the engine's order id
        self._sequence = 0

    def apply(self, event: Any, index: int) -> Observation:
        """One event, and what the engine made of it."""
        events = getattr(self, f"_{event.op}")(event)
        refusals = [each for each in events if each["kind"] == c.EVENT_REJECTED]
        outcome = Outcome("applied")
        if refusals and refusals[0]["reason"] != c.REASON_FOK:
            default = "INVALID_REPLACEMENT" if event.op == "replace" else "INVALID_ORDER"
            outcome = Outcome("rejected", REASONS.get(int(refusals[0]["reason"]), default))
        trades = tuple(
            self._trade(event.symbol, each) for each in events if each["kind"] == c.EVENT_TRADE
        )
        state = self.snapshot()
        return Observation(index, outcome, trades, state.digest(), state.order_count)

    def snapshot(self) -> BookState:
        """Every resting order by symbol, side and priority."""
        used = self._used()
        live = used[used["order_id"] > 0]
        rows: dict[tuple[int, int], list[Any]] = {}
        for order in live:
            rows.setdefault((int(order["symbol"]), int(order["side"])), []).append(order)
        return BookState(
            tuple(
                BookSnapshot(name, *(self._side(rows.get((symbol, side), [])) for side in (0, 1)))
                for name, symbol in sorted(self._symbols.items())
            )
        )

    def close(self) -> None:
        """Nothing is held."""

    def _side(self, orders: list[Any]) -> tuple[RestingOrder, ...]:
        sign = {c.BUY: -1, c.SELL: 1}
        orders.sort(
            key=lambda each: (sign[int(each["side"])] * int(each["price"]), int(each["placement"]))
        )
        return tuple(
            RestingOrder(
                self._names[int(each["order_id"])].number,
                canonical_decimal(int(each["price"]) * self._tick),
                canonical_decimal(int(each["qty"]) * LOT),
                self._names[int(each["order_id"])].owner,
            )
            for each in orders
        )

    def _trade(self, symbol: str, event: Any) -> TradeFill:
        ids = [self._names[int(event[key])].number for key in ("order_id", "maker_order_id")]
        buyer, seller = ids if event["side"] == c.BUY else reversed(ids)
        price, qty = int(event["price"]) * self._tick, int(event["qty"]) * LOT
        return TradeFill(symbol, buyer, seller, canonical_decimal(price), canonical_decimal(qty))

    def _send(self, op: int, **values: int) -> list[Any]:
        self._sequence += 1
        apply_batch(self._state, records([blank(op, **values)]), self._sequence, self._outbox)
        events = self._outbox.slots[: int(self._outbox.count[0])].copy()
        self._outbox.count[0] = 0
        return list(events)

    def _new(self, event: Any) -> list[Any]:
        if event.symbol not in self._symbols:
            self._symbols[event.symbol] = len(self._symbols)
            listing = {"price": 1, "qty": 1, "stop_price": 1}
            self._send(c.OP_INSTRUMENT, symbol=self._symbols[event.symbol], **listing)
        known = self._find(event)
        account = event.owner + 1 if event.owner >= 0 else ANONYMOUS + event.order_id
        name = known or Name(self._symbols[event.symbol], event.order_id, event.owner, account)
        kind = event.order_type.name
        price = 0 if kind == "MARKET" else round(Decimal(str(event.price)) / self._tick)
        return self._place(name, int(event.side != 1), price, event.quantity, kind)

    def _place(self, name: Name, side: int, price: int, quantity: Any, kind: str) -> list[Any]:
        order_id = self._order_id(name.symbol, name.number)
        self._names[order_id] = name
        return self._send(
            c.OP_PLACE, symbol=name.symbol, account=name.account, order_id=order_id, side=side,
            price=price, qty=int(Decimal(str(quantity)) / LOT), tif=TIFS[kind], stp=self._stp,
            order_type=c.TYPE_MARKET if kind == "MARKET" else c.TYPE_LIMIT,
        )  # fmt: skip

    def _cancel(self, event: Any) -> list[Any]:
        return self._send(c.OP_CANCEL, **self._words(event))

    def _reduce(self, event: Any) -> list[Any]:
        words = self._words(event)
        live = self._live(words["order_id"])
        left = int(live["qty"]) - int(Decimal(str(event.quantity)) / LOT) if live is not None else 0
        if left == 0:
            return self._send(c.OP_CANCEL, **words)
        return self._send(c.OP_AMEND, **words, price=int(live["price"]), qty=left)

    def _replace(self, event: Any) -> list[Any]:
        words = self._words(event)
        live = self._live(words["order_id"])
        if live is None:
            return self._send(c.OP_CANCEL, **words)
        side, price, qty = int(live["side"]), int(live["price"]), int(live["qty"]) * LOT
        if event.price is not None:
            price = round(Decimal(str(event.price)) / self._tick)
        name = self._names[words["order_id"]]
        ended = self._send(c.OP_CANCEL, **words)
        return ended + self._place(name, side, price, event.quantity or qty, "LIMIT")

    def _clear(self, event: Any) -> list[Any]:
        symbol = self._symbols.get(event.symbol, -1)
        accounts = {name.account for name in self._names.values() if name.symbol == symbol}
        for account in sorted(accounts):
            self._send(c.OP_CANCEL_ALL, symbol=symbol, account=account)
        return []

    @staticmethod
    def _order_id(symbol: int, number: int) -> int:
        return symbol << 40 | number

    def _words(self, event: Any) -> dict[str, int]:
        symbol = self._symbols.get(event.symbol, len(self._symbols))
        order_id = self._order_id(symbol, event.order_id)
        account = self._names[order_id].account if order_id in self._names else 1
        return {"symbol": symbol, "order_id": order_id, "account": account}

    def _live(self, order_id: int) -> Any:
        used = self._used()
        found = used[used["order_id"] == order_id]
        return found[0] if len(found) else None

    def _used(self) -> Any:
        """The slots that hold orders or did, of a pool that is far larger."""
        return self._state.orders[: int(self._state.totals[ORDER_TOP]) + 1]

    def _find(self, event: Any) -> Name | None:
        order_id = self._order_id(self._symbols[event.symbol], event.order_id)
        return self._names[order_id] if self._live(order_id) is not None else None


if __name__ == "__main__":
    raise SystemExit(serve_stdio(TitanAdapter))
