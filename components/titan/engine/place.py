"""Placing an order: judged, answered, matched.

A plain order (a limit order, good till cancelled or immediate-or-cancel) that nothing speaks
against takes the short way.  All others are judged in full by ``_place_layered``.  A refusal names the first rule that is broken, in
this order: unknown_symbol, bad_id, bad_type, duplicate_id, bad_price, bad_qty, bad_stop_price,
bad_display_qty, bad_expires, bad_notional, expired, pool_full, reduce_only, post_only, fok.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    FLAG_LIQUIDATION,
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    REASON_BAD_DISPLAY_QTY,
    REASON_BAD_EXPIRES,
    REASON_BAD_ID,
    REASON_BAD_NOTIONAL,
    REASON_BAD_PRICE,
    REASON_BAD_QTY,
    REASON_BAD_STOP_PRICE,
    REASON_BAD_TYPE,
    REASON_DUPLICATE_ID,
    REASON_EXPIRED,
    REASON_FOK,
    REASON_NONE,
    REASON_POOL_FULL,
    REASON_POST_ONLY,
    REASON_REDUCE_ONLY,
    REASON_UNKNOWN_SYMBOL,
    SELL,
    STP_DECREMENT,
    TIF_FOK,
    TIF_GTD,
    TIF_IOC,
    TYPE_STOP_LIMIT,
)
from components.titan.engine.answers import tell_accepted, tell_rejected
from components.titan.engine.expiry import schedule_expiry
from components.titan.engine.fees import notional_fits
from components.titan.engine.hash_table import hash_of
from components.titan.engine.matching import enter, enter_seldom, is_market, worst_key, would_take
from components.titan.engine.order_index import find_order, index_order
from components.titan.engine.order_pool import give_slot, take_slot
from components.titan.engine.orders.fill_or_kill import can_fill
from components.titan.engine.orders.iceberg import hide
from components.titan.engine.orders.stop import run_queue
from components.titan.engine.orders.stop_list import (
    join_stops,
    queue_triggered,
)
from components.titan.engine.positions import has_position_room, position_of, reducible
from components.titan.engine.state import (
    ICEBERG_SLICES_MAX,
    LAYER_EXPIRES,
    LAYER_ICEBERG,
    LAYER_REDUCE_ONLY,
    NOW,
    PLACEMENTS,
    Outbox,
    TitanState,
    has_room,
    int64,
)
from components.units import ACCOUNT_MAX, ORDER_ID_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from disruptor.compiled import inlined, internal, pasted


@inlined
def is_listed(state: TitanState, symbol: int) -> bool:
    """Whether an instrument of this index was set up."""
    return symbol < len(state.books) and state.books[np.uint64(symbol)]["money_unit"] != 0


@inlined
def within(value: int, highest: int) -> bool:
    """From 1 to ``highest``."""
    return 0 < value <= highest


@pasted
def place(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one place command, with all that follows from it in its symbol."""
    if not (_is_plain(command) and _may_enter(state, command)):
        _place_layered(state, outbox, command)
        return
    slot = _open(state, command)
    tell_accepted(state, outbox, slot, command["qty"])
    if enter(state, outbox, slot, False):
        queue_triggered(state, int64(command["symbol"]))
        run_queue(state, outbox)


@inlined
def _is_plain(command: np.void) -> bool:
    """Nothing special asked for, and every value in bounds: one condition, so one branch."""
    special = (
        command["order_type"]
        | command["tif"] >> 1
        | command["side"] >> 1
        | command["flags"]
        | command["stop_price"]
        | command["display_qty"]
        | command["expires"]
    )
    return (
        (special == 0)
        & (command["stp"] <= STP_DECREMENT)
        & within(command["account"], ACCOUNT_MAX)
        & within(command["order_id"], ORDER_ID_MAX)
        & within(command["price"], PRICE_TICKS_MAX)
        & within(command["qty"], QTY_LOTS_MAX)
    )


@inlined
def _may_enter(state: TitanState, command: np.void) -> bool:
    """Whether nothing that is there speaks against it."""
    symbol = int64(command["symbol"])
    if not is_listed(state, symbol) or not has_room(state):
        return False
    money_unit = state.books[np.uint64(symbol)]["money_unit"]
    if not notional_fits(command["price"], command["qty"], money_unit):
        return False
    if find_order(state, command["account"], command["order_id"]) != 0:
        return False
    return has_position_room(state, command["account"], symbol)


@inlined
def _judge_names(state: TitanState, command: np.void) -> int:
    account = command["account"]
    order_id = command["order_id"]
    if not within(account, ACCOUNT_MAX) or not within(order_id, ORDER_ID_MAX):
        return REASON_BAD_ID
    if command["side"] > SELL or command["stp"] > STP_DECREMENT:
        return REASON_BAD_TYPE
    if find_order(state, account, order_id) != 0:
        return REASON_DUPLICATE_ID
    return REASON_NONE


@inlined
def _open(state: TitanState, command: np.void) -> np.uint32:
    """A slot holding the order, in no structure yet; there is room for one."""
    account, order_id = command["account"], command["order_id"]
    price, qty = command["price"], command["qty"]
    slot = take_slot(state)
    placement = state.totals[PLACEMENTS] + 1
    state.totals[PLACEMENTS] = placement
    order = state.orders[slot]
    order["account"] = account
    order["order_id"] = order_id
    order["price"] = price
    order["qty"] = qty
    order["placement"] = placement
    order["tag"] = hash_of(account, order_id)
    order["symbol"] = command["symbol"]
    order["side"] = command["side"]
    order["layers"] = 0
    order["flags"] = command["flags"]
    order["stp"] = command["stp"]
    order["order_type"] = command["order_type"]
    order["tif"] = command["tif"]
    return slot


@internal
def _place_layered(state: TitanState, outbox: Outbox, command: np.void) -> None:
    reason = _judge_layered(state, command)
    if reason != REASON_NONE:
        tell_rejected(state, outbox, command, reason)
        return
    slot = _open(state, command)
    _add_layers(state, command, slot)
    is_stop = command["order_type"] > 1
    if not is_stop:
        reason = _judge_entry(state, slot)
        if reason != REASON_NONE:
            tell_rejected(state, outbox, command, reason)
            give_slot(state, slot)
            return
    tell_accepted(state, outbox, slot, command["qty"])
    if is_stop:
        _place_stop(state, slot)
    else:
        _schedule(state, slot)
        if state.orders[slot]["layers"] & LAYER_EXPIRES:
            index_order(state, slot)
            traded = enter_seldom(state, outbox, slot, True)
        else:
            traded = enter_seldom(state, outbox, slot, False)
        if not traded:
            return
    queue_triggered(state, int64(command["symbol"]))
    run_queue(state, outbox)


@internal
def _judge_layered(state: TitanState, command: np.void) -> int:
    symbol = int64(command["symbol"])
    if not is_listed(state, symbol):
        return REASON_UNKNOWN_SYMBOL
    order_type = command["order_type"]
    known = FLAG_POST_ONLY | FLAG_REDUCE_ONLY | FLAG_LIQUIDATION
    if order_type > TYPE_STOP_LIMIT or command["tif"] > TIF_GTD or int64(command["flags"]) & ~known:
        names = _judge_names(state, command)
        return REASON_BAD_ID if names == REASON_BAD_ID else REASON_BAD_TYPE
    reason = _judge_names(state, command)
    if reason == REASON_NONE:
        reason = _judge_numbers(state, command)
    if reason != REASON_NONE:
        return reason
    if command["tif"] == TIF_GTD and command["expires"] <= state.totals[NOW]:
        return REASON_EXPIRED
    may_stay = order_type > 1 or (not is_market(order_type) and command["tif"] != TIF_IOC)
    may_stay = may_stay and not (order_type <= 1 and command["tif"] == TIF_FOK)
    has_places = has_room(state) or not may_stay
    if not has_places or not has_position_room(state, command["account"], symbol):
        return REASON_POOL_FULL
    return REASON_NONE


@internal
def _judge_numbers(state: TitanState, command: np.void) -> int:
    price = command["price"]
    qty = command["qty"]
    market = is_market(command["order_type"])
    if not within(price, PRICE_TICKS_MAX) and not (market and price == 0):
        return REASON_BAD_PRICE
    if not within(qty, QTY_LOTS_MAX):
        return REASON_BAD_QTY
    is_stop = command["order_type"] > 1
    if not within(command["stop_price"], PRICE_TICKS_MAX) and (is_stop or command["stop_price"]):
        return REASON_BAD_STOP_PRICE
    if command["stop_price"] and not is_stop:
        return REASON_BAD_STOP_PRICE
    display_qty = command["display_qty"]
    if display_qty and not is_display_fine(display_qty, qty):
        return REASON_BAD_DISPLAY_QTY
    expires = command["expires"]
    if (expires <= 0) if command["tif"] == TIF_GTD else (expires != 0):
        return REASON_BAD_EXPIRES
    money_unit = state.books[command["symbol"]]["money_unit"]
    if price and not notional_fits(price, qty, money_unit):
        return REASON_BAD_NOTIONAL
    return REASON_NONE


@inlined
def is_display_fine(display_qty: int, qty: int) -> bool:
    """At most ICEBERG_SLICES_MAX slices: bounds what one command can cause."""
    return within(display_qty, QTY_LOTS_MAX) and -(-qty // display_qty) <= ICEBERG_SLICES_MAX


@internal
def _add_layers(state: TitanState, command: np.void, slot: np.uint32) -> None:
    layers = 0
    if command["display_qty"] != 0:
        layers |= LAYER_ICEBERG
    if command["flags"] & FLAG_REDUCE_ONLY:
        layers |= LAYER_REDUCE_ONLY
    state.orders[slot]["layers"] = layers
    terms = state.terms[slot]
    terms["hidden"] = 0
    terms["display_qty"] = command["display_qty"]
    terms["expires"] = command["expires"]
    terms["stop_price"] = command["stop_price"]


@internal
def _schedule(state: TitanState, slot: np.uint32) -> None:
    order = state.orders[slot]
    if order["tif"] == TIF_GTD:
        order["layers"] |= LAYER_EXPIRES
        schedule_expiry(state, slot)


@internal
def _judge_entry(state: TitanState, slot: np.uint32) -> int:
    """Why an order must not enter the book now: the rules that depend on what is there."""
    order = state.orders[slot]
    side = int64(order["side"])
    wanted = order["qty"]
    if order["layers"] & LAYER_REDUCE_ONLY:
        wanted = min(wanted, reducible(position_of(state, slot), side))
        if wanted == 0:
            return REASON_REDUCE_ONLY
    market = is_market(order["order_type"])
    limit_key = worst_key(side, order["order_type"], order["price"])
    at_once = market or order["tif"] == TIF_IOC or order["tif"] == TIF_FOK
    if order["flags"] & FLAG_POST_ONLY and (
        at_once or would_take(state, int64(order["symbol"]), side, limit_key)
    ):
        return REASON_POST_ONLY
    if order["tif"] == TIF_FOK and not can_fill(state, slot, wanted, limit_key):
        return REASON_FOK
    return REASON_NONE


@internal
def _place_stop(state: TitanState, slot: np.uint32) -> None:
    """Index it and let it wait; one that is through already is found there at once."""
    order = state.orders[slot]
    index_order(state, slot)
    _schedule(state, slot)
    if order["layers"] & LAYER_ICEBERG:
        hide(state, slot)
    join_stops(state, slot)
