"""Runs recorded orders through the engine, and shows fills and books as a recording has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from components.messages.code import (
    EVENT_REJECTED,
    EVENT_TRADE,
    OP_AMEND,
    OP_CANCEL,
    OP_INSTRUMENT,
    OP_PLACE,
    REASON_NAMES,
    TIF_GTC,
)
from components.messages.command import UNCHANGED, new_commands
from components.titan.engine import apply_batch, depth, new_outbox, new_state, outbox_bound
from components.titan.engine.state import ORDERS_MAX

ACCOUNT: Final = 1
"""Recordings do not say whose an order is: all belong to one account, which may trade with itself."""

Levels = list[tuple[int, int]]
"""Price and quantity of each level, the best first."""


class Fill(NamedTuple):
    """One execution of an incoming order."""

    maker: int
    price: int
    qty: int


class Step(NamedTuple):
    """One command of a recording, and what the exchange reported for it."""

    op: int
    order_id: int
    side: int = 0
    price: int = 0
    qty: int = 0
    tif: int = TIF_GTC
    ts: int = 0
    symbol: int = 0
    stop_price: int = 0
    fills: tuple[Fill, ...] = ()


def listing(symbol: int = 0) -> Step:
    """An instrument whose tick and lot are one unit of the recording each."""
    return Step(OP_INSTRUMENT, 0, price=1, qty=1, stop_price=1, symbol=symbol)


def place(
    order_id: int, side: int, price: int, qty: int, *, tif: int = TIF_GTC, ts: int = 0,
    symbol: int = 0, fills: Iterable[Fill] = (),
) -> Step:  # fmt: skip
    """A limit order."""
    return Step(OP_PLACE, order_id, side, price, qty, tif, ts, symbol, fills=tuple(fills))


def cancel(order_id: int, *, ts: int = 0, symbol: int = 0) -> Step:
    """The end of an order."""
    return Step(OP_CANCEL, order_id, ts=ts, symbol=symbol)


def reduce(order_id: int, qty: int, *, ts: int = 0, symbol: int = 0) -> Step:
    """Less of an order, at its place: ``qty`` is what stays open."""
    return Step(OP_AMEND, order_id, price=UNCHANGED, qty=qty, ts=ts, symbol=symbol)


class Outcome(NamedTuple):
    """What the engine made of a step."""

    fills: tuple[Fill, ...]
    refusal: str  # why it was rejected; empty if it was not


class Venue:
    """An engine, and what it says to steps; the first instrument is listed from the start."""

    def __init__(self, *, max_orders: int, max_symbols: int = 1) -> None:
        self.state = new_state(max_orders=min(max_orders, ORDERS_MAX), max_symbols=max_symbols)
        self._outbox = new_outbox(1 << 16)
        self._command = new_commands(1)
        self._command["account"] = ACCOUNT
        self.sequence = 0
        self.apply(listing())

    def apply(self, step: Step) -> Outcome:
        """One command, and what the engine answers."""
        self.sequence += 1
        command = self._command[0]
        for name, value in zip(Step._fields[:-1], step, strict=False):
            command[name] = value
        if apply_batch(self.state, self._command, self.sequence, self._outbox) == 0:
            self._outbox = new_outbox(2 * int(outbox_bound(self.state)))
            apply_batch(self.state, self._command, self.sequence, self._outbox)
        fills, refusal = [], ""
        for event in self._outbox.slots[: int(self._outbox.count[0])]:
            kind = event["kind"]
            if kind == EVENT_TRADE:
                maker, price, qty = event["maker_order_id"], event["price"], event["qty"]
                fills.append(Fill(int(maker), int(price), int(qty)))
            elif kind == EVENT_REJECTED:
                refusal = REASON_NAMES[int(event["reason"])]
        self._outbox.count[0] = 0
        return Outcome(tuple(fills), refusal)

    def book(self, levels: int, symbol: int = 0) -> tuple[Levels, Levels]:
        """Best bids and asks."""
        bids, asks = depth(self.state, symbol, levels)
        return [(p, q) for p, q in bids.tolist()], [(p, q) for p, q in asks.tolist()]
