"""Amending an order: less at the same price keeps its place, all else is a new arrival.

waiting stop                       price and quantity change, it goes on waiting
same price, quantity not raised    in place
otherwise, post-only into a cross  rejected, the order stays as it was
otherwise                          ``amended``, then it arrives at the new price and may trade
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    FLAG_POST_ONLY,
    REASON_BAD_DISPLAY_QTY,
    REASON_BAD_NOTIONAL,
    REASON_BAD_PRICE,
    REASON_BAD_QTY,
    REASON_NONE,
    REASON_POST_ONLY,
    REASON_UNKNOWN_ORDER,
    REASON_UNKNOWN_SYMBOL,
)
from components.messages.command import UNCHANGED
from components.titan.engine.answers import tell_amended, tell_rejected
from components.titan.engine.fees import notional_fits
from components.titan.engine.ladder import quit_level
from components.titan.engine.matching import enter_seldom, is_market, worst_key, would_take
from components.titan.engine.order_index import find_order
from components.titan.engine.order_pool import open_qty
from components.titan.engine.orders.iceberg import hide, shrink_resting, unhide
from components.titan.engine.orders.stop import run_queue
from components.titan.engine.orders.stop_list import queue_triggered
from components.titan.engine.place import is_display_fine, is_listed, within
from components.titan.engine.state import LAYER_ICEBERG, LAYER_WAITING, Outbox, TitanState, int64
from components.units import PRICE_TICKS_MAX, QTY_LOTS_MAX
from disruptor.compiled import internal


@internal
def amend(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one amend command, with all that follows from it in its symbol."""
    symbol = int64(command["symbol"])
    if not is_listed(state, symbol):
        tell_rejected(state, outbox, command, REASON_UNKNOWN_SYMBOL)
        return
    slot = find_order(state, command["account"], command["order_id"])
    if slot == 0 or int64(state.orders[slot]["symbol"]) != symbol:
        tell_rejected(state, outbox, command, REASON_UNKNOWN_ORDER)
        return
    order = state.orders[slot]
    price = order["price"] if command["price"] == UNCHANGED else command["price"]
    qty = open_qty(state, slot) if command["qty"] == UNCHANGED else command["qty"]
    reason = _judge(state, slot, price, qty)
    if reason != REASON_NONE:
        tell_rejected(state, outbox, command, reason)
    elif order["layers"] & LAYER_WAITING:
        _amend_waiting(state, slot, price, qty)
        tell_amended(state, outbox, slot, qty)
    elif price == order["price"] and qty <= open_qty(state, slot):
        shrink_resting(state, slot, qty)
        tell_amended(state, outbox, slot, qty)
    elif _arrive_again(state, outbox, slot, price, qty):
        queue_triggered(state, symbol)
        run_queue(state, outbox)


@internal
def _judge(state: TitanState, slot: np.uint32, price: int, qty: int) -> int:
    order = state.orders[slot]
    unpriced = is_market(order["order_type"]) and price == 0
    if not within(price, PRICE_TICKS_MAX) and not unpriced:
        return REASON_BAD_PRICE
    if not within(qty, QTY_LOTS_MAX):
        return REASON_BAD_QTY
    display_qty = state.terms[slot]["display_qty"]
    if order["layers"] & LAYER_ICEBERG and not is_display_fine(display_qty, qty):
        return REASON_BAD_DISPLAY_QTY
    money_unit = state.books[order["symbol"]]["money_unit"]
    if not unpriced and not notional_fits(price, qty, money_unit):
        return REASON_BAD_NOTIONAL
    moved = price != order["price"] and not order["layers"] & LAYER_WAITING
    if moved and order["flags"] & FLAG_POST_ONLY:
        side = int64(order["side"])
        limit_key = worst_key(side, order["order_type"], price)
        if would_take(state, int64(order["symbol"]), side, limit_key):
            return REASON_POST_ONLY
    return REASON_NONE


@internal
def _amend_waiting(state: TitanState, slot: np.uint32, price: int, qty: int) -> None:
    order = state.orders[slot]
    order["price"] = price
    if order["layers"] & LAYER_ICEBERG:
        unhide(state, slot)
        order["qty"] = qty
        hide(state, slot)
    else:
        order["qty"] = qty


@internal
def _arrive_again(state: TitanState, outbox: Outbox, slot: np.uint32, price: int, qty: int) -> bool:
    """It leaves its place and arrives like a new order; True if it traded."""
    order = state.orders[slot]
    quit_level(state, slot)
    if order["layers"] & LAYER_ICEBERG:
        unhide(state, slot)
    order["price"] = price
    order["qty"] = qty
    tell_amended(state, outbox, slot, qty)
    return enter_seldom(state, outbox, slot, True)
