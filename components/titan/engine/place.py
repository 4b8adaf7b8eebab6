"""Placing an order: judged, answered, matched.

A plain order (a limit order, good till cancelled or immediate-or-cancel) that nothing speaks
against takes the short way; all others are judged in full by ``place_layered``.  A refusal names
the first rule that is broken, in this order: unknown_symbol, bad_id, bad_type, duplicate_id,
bad_price, bad_qty, bad_stop_price, bad_display_qty, bad_expires, bad_notional, unknown_order (of a
pair) and bad_link, min_qty, max_qty, min_notional, max_notional, halted, auction, collar, insufficient_margin, expired,
pool_full, reduce_only, post_only, fok.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    FLAG_BY_AMOUNT,
    FLAG_HIDDEN,
    FLAG_LIQUIDATION,
    FLAG_OCO,
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    FLAG_SLIDE,
    FLAG_TRAIL_PPM,
    REASON_BAD_DISPLAY_QTY,
    REASON_BAD_EXPIRES,
    REASON_BAD_ID,
    REASON_BAD_LINK,
    REASON_BAD_NOTIONAL,
    REASON_BAD_PRICE,
    REASON_BAD_QTY,
    REASON_BAD_STOP_PRICE,
    REASON_BAD_TYPE,
    REASON_DUPLICATE_ID,
    REASON_EXPIRED,
    REASON_NONE,
    REASON_POOL_FULL,
    REASON_REDUCE_ONLY,
    REASON_REPLACED,
    REASON_UNKNOWN_ORDER,
    REASON_UNKNOWN_SYMBOL,
    SELL,
    STP_DECREMENT,
    TIF_DAY,
    TIF_FOK,
    TIF_GTC,
    TIF_GTD,
    TIF_IOC,
    TYPE_LIMIT,
    TYPE_MARKET,
    TYPE_STOP_LIMIT,
    TYPE_TRAILING_STOP,
    TYPE_TRAILING_STOP_LIMIT,
)
from components.titan.engine.answers import tell_accepted, tell_cut, tell_rejected
from components.titan.engine.entering import judge_entry
from components.titan.engine.expiry import schedule_expiry
from components.titan.engine.fees import notional_fits
from components.titan.engine.guards import judge_guarded
from components.titan.engine.hash_table import hash_of
from components.titan.engine.matching import enter, enter_seldom
from components.titan.engine.order_index import find_order, index_order
from components.titan.engine.order_pool import drop_order, give_slot, open_qty, take_slot
from components.titan.engine.orders.by_amount import enter_by_amount
from components.titan.engine.orders.iceberg import hide
from components.titan.engine.orders.linked import tie, unreachable_stop
from components.titan.engine.orders.stop_list import join_stops, queue_triggered
from components.titan.engine.orders.trailing import is_trailing
from components.titan.engine.positions import has_position_room, position_of, reducible
from components.titan.engine.state import (
    BOOK_GUARDED,
    FATE_NONE,
    ICEBERG_SLICES_MAX,
    LAYER_EXPIRES,
    LAYER_HIDDEN,
    LAYER_ICEBERG,
    LAYER_LINKED,
    LAYER_REDUCE_ONLY,
    LAYERS_ENDED,
    NOW,
    PLACEMENTS,
    Outbox,
    TitanState,
    has_room,
    int64,
)
from components.units import (
    ACCOUNT_MAX,
    MONEY_MAX,
    ORDER_ID_MAX,
    PPM,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
)
from disruptor.compiled import inlined, internal, pasted
from disruptor.instructions import copy_run


@inlined
def is_listed(state: TitanState, symbol: int) -> bool:
    """Whether an instrument of this index was set up."""
    return symbol < len(state.books) and state.books[np.uint64(symbol)]["money_unit"] > 0


@inlined
def within(value: int, highest: int) -> bool:
    """From 1 to ``highest``."""
    return 0 < value <= highest


@pasted
def place(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one place command, with all that follows from it in its symbol."""
    if not (_is_plain(command) and _may_enter(state, command)):
        place_layered(state, outbox, command, np.uint32(0))
        return
    slot = open_order(state, command)
    tell_accepted(state, outbox, slot, command["qty"])
    if enter(state, outbox, slot, False):
        queue_triggered(state, int64(command["symbol"]))


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
    book = state.books[np.uint64(symbol)]
    if book["flags"] & BOOK_GUARDED:
        return False
    if not notional_fits(command["price"], command["qty"], book["money_unit"]):
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
def open_order(state: TitanState, command: np.void) -> np.uint32:
    """A slot holding the order, in no structure yet; there is room for one."""
    slot = take_slot(state)
    placement = state.totals[PLACEMENTS] + 1
    state.totals[PLACEMENTS] = placement
    order = state.orders[slot]
    copy_run(order, command, "account", 4)
    order["placement"] = placement
    order["tag"] = hash_of(command["account"], command["order_id"])
    order["symbol"] = command["symbol"]
    copy_run(order, command, "side", 5)
    order["layers"] = 0
    return slot


@internal
def place_layered(state: TitanState, outbox: Outbox, command: np.void, old: np.uint32) -> None:
    """A place command in full; with ``old`` a replace command, which ends that order."""
    reason = _judge_layered(state, command, old)
    if reason != REASON_NONE:
        tell_rejected(state, outbox, command, reason)
        return
    slot = open_order(state, command)
    add_layers(state, slot, command["stop_price"], command["display_qty"], command["expires"])
    is_stop = command["order_type"] > TYPE_MARKET
    if not is_stop:
        reason = judge_new_entry(state, slot)
        if reason != REASON_NONE:
            tell_rejected(state, outbox, command, reason)
            give_slot(state, slot)
            return
    if old != 0:
        tell_cut(state, outbox, old, open_qty(state, old), REASON_REPLACED)
        drop_order(state, old)
    if command["flags"] & FLAG_OCO:
        tie(state, slot, find_order(state, command["account"], command["cause"]))
    tell_accepted(state, outbox, slot, command["qty"])
    if is_stop:
        _place_stop(state, slot)
        traded = True
    elif command["flags"] & FLAG_BY_AMOUNT:
        traded = enter_by_amount(state, outbox, slot)
    else:
        traded = _enter_layered(state, outbox, slot)
    if traded:
        queue_triggered(state, int64(command["symbol"]))


@pasted
def _enter_layered(state: TitanState, outbox: Outbox, slot: np.uint32) -> bool:
    """What may have to be found while it takes is indexed before."""
    _schedule(state, slot)
    is_live = state.orders[slot]["layers"] & LAYERS_ENDED != 0
    if is_live:
        index_order(state, slot)
    return enter_seldom(state, outbox, slot, is_live)


@pasted
def _judge_layered(state: TitanState, command: np.void, old: np.uint32) -> int:
    symbol = int64(command["symbol"])
    if not is_listed(state, symbol):
        return REASON_UNKNOWN_SYMBOL
    reason = judge_order(
        state, command, old, command["stop_price"], command["display_qty"], command["expires"]
    )
    if reason == REASON_NONE and command["flags"] & FLAG_OCO:
        reason = _judge_pair(state, command)
    if reason == REASON_NONE:
        reason = judge_guarded(state, command)
    if reason != REASON_NONE:
        return reason
    if command["tif"] == TIF_GTD and command["expires"] <= state.totals[NOW]:
        return REASON_EXPIRED
    if may_stay(command) and old == 0 and not has_room(state):
        return REASON_POOL_FULL
    if not has_position_room(state, command["account"], symbol):
        return REASON_POOL_FULL
    return REASON_NONE


@internal
def may_stay(command: np.void) -> bool:
    """Whether the order may rest or wait."""
    if command["order_type"] > TYPE_MARKET:
        return True
    return command["order_type"] == TYPE_LIMIT and command["tif"] not in (TIF_IOC, TIF_FOK)


@internal
def judge_order(
    state: TitanState,
    command: np.void,
    old: np.uint32,
    stop_price: int,
    display_qty: int,
    expires: int,
) -> int:
    """Names, kind and numbers of an order by itself; ``old`` may have its id."""
    reason = _judge_names(state, command)
    if reason == REASON_BAD_ID:
        return reason
    if not _is_kind_known(command, old != 0):
        return REASON_BAD_TYPE
    if reason == REASON_DUPLICATE_ID:
        in_use = find_order(state, command["account"], command["order_id"])
        reason = REASON_NONE if in_use == old else reason
    if reason != REASON_NONE:
        return reason
    return _judge_numbers(state, command, stop_price, display_qty, expires)


@internal
def _is_kind_known(command: np.void, replaces: bool) -> bool:
    flags = int64(command["flags"])
    order_type = command["order_type"]
    if order_type > TYPE_TRAILING_STOP_LIMIT or command["tif"] > TIF_DAY:
        return False
    if flags & FLAG_SLIDE and not flags & FLAG_POST_ONLY:
        return False
    if flags & FLAG_TRAIL_PPM and not is_trailing(order_type):
        return False
    if flags & FLAG_OCO and (replaces or flags & FLAG_LIQUIDATION):
        return False
    if not flags & FLAG_BY_AMOUNT:
        return True
    at_once = order_type == TYPE_MARKET and command["tif"] in (TIF_GTC, TIF_IOC)
    return at_once and not flags & (FLAG_REDUCE_ONLY | FLAG_HIDDEN | FLAG_OCO)


@internal
def _judge_numbers(
    state: TitanState, command: np.void, stop_price: int, display_qty: int, expires: int
) -> int:
    price = command["price"]
    qty = command["qty"]
    flags = int64(command["flags"])
    order_type = command["order_type"]
    if not is_price_fine(order_type, price):
        return REASON_BAD_PRICE
    if not within(qty, MONEY_MAX if flags & FLAG_BY_AMOUNT else QTY_LOTS_MAX):
        return REASON_BAD_QTY
    farthest = PPM if flags & FLAG_TRAIL_PPM else PRICE_TICKS_MAX
    is_stop = order_type > TYPE_MARKET
    if not within(stop_price, farthest) if is_stop else stop_price != 0:
        return REASON_BAD_STOP_PRICE
    if display_qty != 0 and (
        flags & (FLAG_HIDDEN | FLAG_BY_AMOUNT) or not is_display_fine(display_qty, qty)
    ):
        return REASON_BAD_DISPLAY_QTY
    if (expires <= 0) if command["tif"] == TIF_GTD else (expires != 0):
        return REASON_BAD_EXPIRES
    if price == 0 or is_trailing(order_type) or flags & FLAG_BY_AMOUNT:
        return REASON_NONE
    money_unit = state.books[command["symbol"]]["money_unit"]
    return REASON_NONE if notional_fits(price, qty, money_unit) else REASON_BAD_NOTIONAL


@internal
def is_price_fine(order_type: int, price: int) -> bool:
    """A limit needs one; what takes at any price may name the worst, or how far a limit trails."""
    if price == 0:
        return order_type not in (TYPE_LIMIT, TYPE_STOP_LIMIT)
    return within(price, PRICE_TICKS_MAX) and order_type != TYPE_TRAILING_STOP


@pasted
def _judge_pair(state: TitanState, command: np.void) -> int:
    """Both orders of a pair must be able to stay, and have no other links."""
    other = find_order(state, command["account"], command["cause"])
    if other == 0:
        return REASON_UNKNOWN_ORDER
    stays = may_stay(command) and command["tif"] not in (TIF_IOC, TIF_FOK)
    if state.orders[other]["layers"] & LAYER_LINKED or not stays:
        return REASON_BAD_LINK
    return REASON_NONE


@inlined
def is_display_fine(display_qty: int, qty: int) -> bool:
    """At most ICEBERG_SLICES_MAX slices: bounds what one command can cause."""
    return within(display_qty, QTY_LOTS_MAX) and -(-qty // display_qty) <= ICEBERG_SLICES_MAX


@internal
def add_layers(
    state: TitanState, slot: np.uint32, stop_price: int, display_qty: int, expires: int
) -> None:
    """Mark what is special about an order that was just opened, and write all of its terms."""
    order = state.orders[slot]
    terms = state.terms[slot]
    layers = 0
    if display_qty != 0:
        layers |= LAYER_ICEBERG
    if order["flags"] & FLAG_HIDDEN:
        layers |= LAYER_ICEBERG | LAYER_HIDDEN
    if order["flags"] & FLAG_REDUCE_ONLY:
        layers |= LAYER_REDUCE_ONLY
    order["layers"] = layers
    terms["hidden"] = 0
    terms["display_qty"] = display_qty
    terms["expires"] = expires
    terms["stop_price"] = stop_price
    terms["trail"] = 0
    terms["peak"] = 0
    terms["armed_stop"] = 0
    terms["traded"] = 0
    terms["money"] = 0
    terms["link"] = 0
    terms["entry"] = 0
    terms["fate"] = FATE_NONE
    if is_trailing(order["order_type"]):
        terms["trail"] = stop_price
        terms["stop_price"] = unreachable_stop(order["side"])
    if order["flags"] & FLAG_BY_AMOUNT:
        terms["money"] = order["qty"]
        order["qty"] = 0


@pasted
def _schedule(state: TitanState, slot: np.uint32) -> None:
    order = state.orders[slot]
    if order["tif"] == TIF_GTD:
        order["layers"] |= LAYER_EXPIRES
        schedule_expiry(state, slot)


@internal
def judge_new_entry(state: TitanState, slot: np.uint32) -> int:
    """Why an order must not enter the book now: the rules that depend on what is there."""
    order = state.orders[slot]
    reduces = order["layers"] & LAYER_REDUCE_ONLY
    if reduces and reducible(position_of(state, slot), int64(order["side"])) == 0:
        return REASON_REDUCE_ONLY
    return judge_entry(state, slot)


@pasted
def _place_stop(state: TitanState, slot: np.uint32) -> None:
    """Index it and let it wait; one that is through already is found there at once."""
    order = state.orders[slot]
    index_order(state, slot)
    _schedule(state, slot)
    if order["layers"] & LAYER_ICEBERG:
        hide(state, slot)
    join_stops(state, slot)
