"""Stops that have triggered: each enters in turn, finished before the next.

    price moved ──► queue_triggered ──► queue ──► triggered, trades, rest ──► price moved? ──┐
                          ▲                                                                  │
                          └──────────────── those that it triggers queue behind ─────────────┘

A stop that enters is judged like a new order, but has been accepted: what would have been a
refusal cancels it, for the same reason.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    FLAG_POST_ONLY,
    REASON_FOK,
    REASON_POST_ONLY,
    TIF_FOK,
    TIF_IOC,
)
from components.titan.engine.answers import tell_cut, tell_triggered
from components.titan.engine.matching import enter_seldom, is_market, worst_key, would_take
from components.titan.engine.order_pool import close_order
from components.titan.engine.orders.fill_or_kill import can_fill
from components.titan.engine.orders.iceberg import unhide
from components.titan.engine.orders.stop_list import queue_triggered
from components.titan.engine.positions import position_of, reducible
from components.titan.engine.state import (
    LAYER_ICEBERG,
    LAYER_REDUCE_ONLY,
    QUEUE_HEAD,
    QUEUE_TAIL,
    Outbox,
    TitanState,
    int64,
)
from disruptor.compiled import inlined, internal


@inlined
def run_queue(state: TitanState, outbox: Outbox) -> None:
    """Let all that triggered enter, and all that they trigger."""
    if state.totals[QUEUE_TAIL] != 0:
        _run_queue(state, outbox)


@internal
def _run_queue(state: TitanState, outbox: Outbox) -> None:
    totals = state.totals
    while totals[QUEUE_HEAD] < totals[QUEUE_TAIL]:
        slot = state.queue[totals[QUEUE_HEAD]]
        totals[QUEUE_HEAD] += 1
        symbol = int64(state.orders[slot]["symbol"])
        if _trigger(state, outbox, slot):
            queue_triggered(state, symbol)
    totals[QUEUE_HEAD] = 0
    totals[QUEUE_TAIL] = 0


@internal
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


@internal
def _why_not(state: TitanState, slot: np.uint32) -> int:
    """Why it cannot enter, or 0; a reduce-only excess is cut on entry, so it is no reason."""
    order = state.orders[slot]
    side = int64(order["side"])
    limit_key = worst_key(side, order["order_type"], order["price"])
    if order["flags"] & FLAG_POST_ONLY and (
        is_market(order["order_type"])
        or order["tif"] == TIF_IOC
        or order["tif"] == TIF_FOK
        or would_take(state, int64(order["symbol"]), side, limit_key)
    ):
        return REASON_POST_ONLY
    wanted = order["qty"]
    if order["layers"] & LAYER_REDUCE_ONLY:
        wanted = min(wanted, reducible(position_of(state, slot), side))
    if order["tif"] == TIF_FOK and not can_fill(state, slot, wanted, limit_key):
        return REASON_FOK
    return 0
