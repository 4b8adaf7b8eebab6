"""Stops that wait: one list a symbol, in order of placement, which is the order they enter in.

Two bounds a symbol, the lowest buy stop and the highest sell stop, decide whether a price can
trigger anything; they are exact or cautious, and made exact whenever the list is walked.  Waiting
icebergs are counted whole, so that the bound on a command's events holds when they enter.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import BUY, FLAG_STOPS_ON_MARK
from components.titan.engine.state import (
    LAYER_WAITING,
    NO_KEY,
    QUEUE_TAIL,
    TitanState,
)
from disruptor.compiled import inlined, internal


@inlined
def reference_price(book: np.void) -> int:
    """What the symbol's stops look at: the last trade or the mark; 0 before the first."""
    return book["mark"] if book["flags"] & FLAG_STOPS_ON_MARK else book["last"]


@inlined
def is_through(side: int, stop_price: int, reference: int) -> bool:
    """Whether a stop triggers at a price; equality counts."""
    if reference == 0:
        return False
    return reference >= stop_price if side == BUY else reference <= stop_price


@internal
def join_stops(state: TitanState, slot: np.uint32) -> None:
    """The order waits, last of its symbol."""
    order = state.orders[slot]
    book = state.books[order["symbol"]]
    order["layers"] |= LAYER_WAITING
    last = book["stops_last"]
    order["prev"] = last
    order["next"] = 0
    if last != 0:
        state.orders[last]["next"] = slot
    else:
        book["stops_first"] = slot
    book["stops_last"] = slot
    _widen(state, slot)


@inlined
def _widen(state: TitanState, slot: np.uint32) -> None:
    order = state.orders[slot]
    book = state.books[order["symbol"]]
    stop_price = state.terms[slot]["stop_price"]
    if order["side"] == BUY:
        book["buy_stop_low"] = min(book["buy_stop_low"], stop_price)
    else:
        book["sell_stop_high"] = max(book["sell_stop_high"], stop_price)


@internal
def leave_stops(state: TitanState, slot: np.uint32) -> None:
    """The order waits no longer."""
    order = state.orders[slot]
    book = state.books[order["symbol"]]
    order["layers"] &= ~LAYER_WAITING & 0xFF
    if order["prev"] != 0:
        state.orders[order["prev"]]["next"] = order["next"]
    else:
        book["stops_first"] = order["next"]
    if order["next"] != 0:
        state.orders[order["next"]]["prev"] = order["prev"]
    else:
        book["stops_last"] = order["prev"]


@inlined
def queue_triggered(state: TitanState, symbol: int) -> None:
    """Move the stops that the reference price has reached to the end of the queue."""
    book = state.books[np.uint64(symbol)]
    if book["stops_first"] != 0:
        reference = reference_price(book)
        if reference != 0 and (
            reference >= book["buy_stop_low"] or reference <= book["sell_stop_high"]
        ):
            _queue_triggered(state, symbol, reference)


@internal
def _queue_triggered(state: TitanState, symbol: int, reference: int) -> None:
    book = state.books[symbol]
    book["buy_stop_low"] = NO_KEY
    book["sell_stop_high"] = 0
    slot = book["stops_first"]
    while slot != 0:
        order = state.orders[slot]
        following = order["next"]
        if is_through(order["side"], state.terms[slot]["stop_price"], reference):
            leave_stops(state, slot)
            state.queue[state.totals[QUEUE_TAIL]] = slot
            state.totals[QUEUE_TAIL] += 1
        else:
            _widen(state, slot)
        slot = following
