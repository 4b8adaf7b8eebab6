"""Stops that wait: one list a symbol, in order of placement, which is the order they enter in.

Two bounds a symbol decide whether a price can trigger or move anything: from the lowest buy stop
upwards, and from the highest sell stop downwards; a price that a trailing sell stop would follow
counts as a buy stop there, and the other way round.  They are exact or cautious, and made exact
whenever the list is walked.  Stops see nothing while their symbol does not trade continuously.
Waiting icebergs are counted whole, so that the bound on a command's events holds when they enter.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import BUY, FLAG_STOPS_ON_MARK, PHASE_CONTINUOUS
from components.titan.engine.orders.linked import doom_partner, is_doomed, push
from components.titan.engine.orders.trailing import become_plain, is_trailing, trail
from components.titan.engine.state import (
    FATE_TRIGGERED,
    LAYER_LINKED,
    LAYER_WAITING,
    NO_KEY,
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
    widen(state, slot)


@internal
def widen(state: TitanState, slot: np.uint32) -> None:
    """Let the bounds see a stop price that is new."""
    order = state.orders[slot]
    book = state.books[order["symbol"]]
    stop_price = state.terms[slot]["stop_price"]
    followed = is_trailing(order["order_type"])
    peak = state.terms[slot]["peak"]
    if order["side"] == BUY:
        book["buy_stop_low"] = min(book["buy_stop_low"], stop_price)
        if followed:
            highest = peak - 1 if peak else NO_KEY
            book["sell_stop_high"] = max(book["sell_stop_high"], highest)
    else:
        book["sell_stop_high"] = max(book["sell_stop_high"], stop_price)
        if followed:
            book["buy_stop_low"] = min(book["buy_stop_low"], peak + 1)


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
    if book["phase"] != PHASE_CONTINUOUS:
        return
    book["buy_stop_low"] = NO_KEY
    book["sell_stop_high"] = 0
    slot = book["stops_first"]
    while slot != 0:
        order = state.orders[slot]
        following = order["next"]
        if not is_doomed(state, slot):
            if is_trailing(order["order_type"]):
                trail(state, slot, reference)
            if is_through(order["side"], state.terms[slot]["stop_price"], reference):
                _pull(state, slot)
            else:
                widen(state, slot)
        slot = following


@internal
def _pull(state: TitanState, slot: np.uint32) -> None:
    """It triggers."""
    order = state.orders[slot]
    if order["layers"] & LAYER_LINKED:
        doom_partner(state, slot)
    leave_stops(state, slot)
    if is_trailing(order["order_type"]):
        become_plain(state, slot)
    push(state, slot, FATE_TRIGGERED)
