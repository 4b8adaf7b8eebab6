"""Amending an order: less at the same price keeps its place, all else is a new arrival.

exit of an entry not done yet      rejected
waiting stop                       price and quantity change, it goes on waiting
same price, quantity not raised    in place
otherwise, post-only into a cross  rejected, the order stays as it was; or it slides
otherwise                          ``amended``, then it arrives at the new price and may trade
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    FLAG_LIQUIDATION,
    FLAG_POST_ONLY,
    PHASE_HALTED,
    REASON_BAD_DISPLAY_QTY,
    REASON_BAD_LINK,
    REASON_BAD_NOTIONAL,
    REASON_BAD_PRICE,
    REASON_BAD_QTY,
    REASON_COLLAR,
    REASON_HALTED,
    REASON_NONE,
    REASON_UNKNOWN_ORDER,
    REASON_UNKNOWN_SYMBOL,
    TYPE_LIMIT,
    TYPE_STOP_LIMIT,
)
from components.messages.command import UNCHANGED
from components.titan.engine.answers import tell_amended, tell_rejected
from components.titan.engine.entering import price_short_of_taking
from components.titan.engine.fees import notional_fits
from components.titan.engine.guards import is_collared, judge_limits, verdict_of
from components.titan.engine.ladder import quit_level
from components.titan.engine.matching import enter_seldom
from components.titan.engine.order_index import find_order
from components.titan.engine.order_pool import open_qty
from components.titan.engine.orders.iceberg import hide, shrink_resting, unhide
from components.titan.engine.orders.stop_list import queue_triggered
from components.titan.engine.orders.trailing import is_trailing
from components.titan.engine.place import is_display_fine, is_listed, is_price_fine, within
from components.titan.engine.state import (
    BOOK_GUARDED,
    LAYER_HIDDEN,
    LAYER_ICEBERG,
    LAYER_LINKED,
    LAYER_WAITING,
    Outbox,
    TitanState,
    int64,
)
from components.units import QTY_LOTS_MAX
from disruptor.compiled import internal, pasted


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
    lowest = command["qty"] != UNCHANGED
    reason = _judge(state, slot, price, qty, lowest)
    if reason == REASON_NONE and state.books[symbol]["flags"] & BOOK_GUARDED:
        reason = verdict_of(state, command)
    waits = order["layers"] & LAYER_WAITING
    moves = price != order["price"] and not waits
    if reason == REASON_NONE and moves and order["flags"] & FLAG_POST_ONLY:
        price = price_short_of_taking(state, slot, price, qty)
        reason = -price if price < 0 else REASON_NONE
    if reason != REASON_NONE:
        tell_rejected(state, outbox, command, reason)
    elif waits:
        _amend_waiting(state, slot, price, qty)
        tell_amended(state, outbox, slot, qty)
    elif price == order["price"] and qty <= open_qty(state, slot):
        shrink_resting(state, slot, qty)
        tell_amended(state, outbox, slot, qty)
    elif _arrive_again(state, outbox, slot, price, qty):
        queue_triggered(state, symbol)


@pasted
def _judge(state: TitanState, slot: np.uint32, price: int, qty: int, lowest: bool) -> int:
    order = state.orders[slot]
    order_type = order["order_type"]
    waits = order["layers"] & LAYER_WAITING
    if not is_price_fine(order_type, price):
        return REASON_BAD_PRICE
    if not within(qty, QTY_LOTS_MAX):
        return REASON_BAD_QTY
    display_qty = state.terms[slot]["display_qty"]
    if _is_iceberg(state, slot) and not is_display_fine(display_qty, qty):
        return REASON_BAD_DISPLAY_QTY
    book = state.books[order["symbol"]]
    priced = price != 0 and not is_trailing(order_type)
    if priced and not notional_fits(price, qty, book["money_unit"]):
        return REASON_BAD_NOTIONAL
    if order["layers"] & LAYER_LINKED and state.terms[slot]["entry"] != 0:
        return REASON_BAD_LINK
    if not book["flags"] & BOOK_GUARDED:
        return REASON_NONE
    reason = REASON_NONE
    if not order["flags"] & FLAG_LIQUIDATION:
        limited = order_type in (TYPE_LIMIT, TYPE_STOP_LIMIT)
        worth = price * qty * book["money_unit"] if limited else 0
        reason = judge_limits(book, qty, qty, worth, lowest)
    if reason == REASON_NONE and book["phase"] == PHASE_HALTED:
        reason = REASON_HALTED
    moves = price != order["price"] and not waits
    if reason == REASON_NONE and moves and is_collared(book, int64(order["flags"]), price):
        reason = REASON_COLLAR
    return reason


@pasted
def _is_iceberg(state: TitanState, slot: np.uint32) -> bool:
    layers = state.orders[slot]["layers"]
    return layers & LAYER_ICEBERG != 0 and not layers & LAYER_HIDDEN


@pasted
def _amend_waiting(state: TitanState, slot: np.uint32, price: int, qty: int) -> None:
    order = state.orders[slot]
    order["price"] = price
    if order["layers"] & LAYER_ICEBERG:
        unhide(state, slot)
        order["qty"] = qty
        hide(state, slot)
    else:
        order["qty"] = qty


@pasted
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
