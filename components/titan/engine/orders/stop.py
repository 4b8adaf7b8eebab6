"""The queue of orders whose fate is sealed: each has its turn, finished before the next.

    price moved ──► queue_triggered ──► queue ──► triggered, trades, rest ──► price moved? ──┐
                          ▲               ▲                                                  │
                          └───────────────┼── those that it triggers queue behind ───────────┘
    a linked order ends ──► armed exits ──┤
                        ──► doomed partner┘

A stop that enters is judged like a new order, but has been accepted: what would have been a
refusal cancels it, for the same reason.  An armed take-profit enters the book, an armed stop begins
to wait.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    REASON_BAD_NOTIONAL,
    REASON_COLLAR,
    REASON_LINKED,
    TYPE_LIMIT,
)
from components.titan.engine.answers import tell_armed, tell_cut, tell_triggered
from components.titan.engine.entering import judge_entry
from components.titan.engine.fees import notional_fits
from components.titan.engine.guards import is_collared
from components.titan.engine.matching import enter_seldom, is_market
from components.titan.engine.order_pool import close_order, drop_order, open_qty
from components.titan.engine.orders.iceberg import unhide
from components.titan.engine.orders.linked import untie
from components.titan.engine.orders.stop_list import leave_stops, queue_triggered, widen
from components.titan.engine.state import (
    EVERY_TOUCH,
    FATE_ARMING,
    FATE_DOOMED,
    FATE_NONE,
    FATE_TRIGGERED,
    LAYER_ICEBERG,
    QUEUE_HEAD,
    QUEUE_TAIL,
    Outbox,
    TitanState,
    int64,
)
from disruptor.compiled import internal, pasted


@pasted
def run_queue(state: TitanState, outbox: Outbox) -> None:
    """Give each order in the queue its turn, and those that they bring into it."""
    if state.totals[QUEUE_TAIL] != 0:
        _run_queue(state, outbox)


@internal
def _run_queue(state: TitanState, outbox: Outbox) -> None:
    totals = state.totals
    while totals[QUEUE_HEAD] < totals[QUEUE_TAIL]:
        slot = state.queue[totals[QUEUE_HEAD]]
        totals[QUEUE_HEAD] += 1
        if state.orders[slot]["order_id"] != 0:
            _take_turn(state, outbox, slot)
    totals[QUEUE_HEAD] = 0
    totals[QUEUE_TAIL] = 0


@pasted
def _take_turn(state: TitanState, outbox: Outbox, slot: np.uint32) -> None:
    symbol = int64(state.orders[slot]["symbol"])
    fate = state.terms[slot]["fate"]
    state.terms[slot]["fate"] = FATE_NONE
    if fate == FATE_DOOMED:
        state.totals[EVERY_TOUCH] = 1
        tell_cut(state, outbox, slot, open_qty(state, slot), REASON_LINKED)
        drop_order(state, slot)
    elif fate == FATE_ARMING:
        _arm(state, outbox, slot)
        queue_triggered(state, symbol)
    elif fate == FATE_TRIGGERED and _trigger(state, outbox, slot):
        queue_triggered(state, symbol)


@pasted
def _arm(state: TitanState, outbox: Outbox, slot: np.uint32) -> None:
    """The entry of this exit is done."""
    order = state.orders[slot]
    terms = state.terms[slot]
    if terms["link"] == 0:
        untie(state, slot)
    order["qty"] = terms["traded"]
    tell_armed(state, outbox, slot, order["qty"])
    if order["order_type"] == TYPE_LIMIT:
        leave_stops(state, slot)
        enter_seldom(state, outbox, slot, True)
    else:
        terms["stop_price"] = terms["armed_stop"]
        widen(state, slot)


@pasted
def _trigger(state: TitanState, outbox: Outbox, slot: np.uint32) -> bool:
    """One stop enters; True if it traded."""
    order = state.orders[slot]
    if order["layers"] & LAYER_ICEBERG:
        unhide(state, slot)
    tell_triggered(state, outbox, slot)
    reason = _why_not(state, slot)
    if reason:
        tell_cut(state, outbox, slot, order["qty"], reason)
        close_order(state, slot)
        return False
    return enter_seldom(state, outbox, slot, True)


@pasted
def _why_not(state: TitanState, slot: np.uint32) -> int:
    """Why it cannot enter, or 0; a reduce-only excess is cut on entry, so it is no reason."""
    order = state.orders[slot]
    book = state.books[order["symbol"]]
    price = order["price"]
    if price != 0 and not notional_fits(price, order["qty"], book["money_unit"]):
        return REASON_BAD_NOTIONAL
    if not is_market(order["order_type"]) and is_collared(book, int64(order["flags"]), price):
        return REASON_COLLAR
    return judge_entry(state, slot)
