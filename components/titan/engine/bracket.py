"""A bracket: an entry with a take-profit, a stop, or both, which wait until the entry is done.

The take-profit is a limit order, the stop a stop or stop-limit order, both good till cancelled and
on the other side.  What happens to them is told in orders/linked.py.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    FLAG_HIDDEN,
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    FLAG_SLIDE,
    REASON_BAD_ID,
    REASON_BAD_LINK,
    REASON_BAD_NOTIONAL,
    REASON_BAD_PRICE,
    REASON_BAD_STOP_PRICE,
    REASON_BAD_TYPE,
    REASON_DUPLICATE_ID,
    REASON_NONE,
    REASON_POOL_FULL,
    REASON_UNKNOWN_SYMBOL,
    TIF_GTC,
    TIF_GTD,
    TYPE_LIMIT,
    TYPE_MARKET,
    TYPE_STOP,
    TYPE_STOP_LIMIT,
)
from components.titan.engine.answers import tell_accepted, tell_rejected
from components.titan.engine.fees import notional_fits
from components.titan.engine.guards import judge_guarded
from components.titan.engine.hash_table import hash_of
from components.titan.engine.matching import enter_seldom
from components.titan.engine.order_index import find_order, index_order
from components.titan.engine.order_pool import give_slot, take_slot
from components.titan.engine.orders.linked import tie, unreachable_stop
from components.titan.engine.orders.stop_list import join_stops, queue_triggered
from components.titan.engine.place import (
    add_layers,
    is_listed,
    judge_new_entry,
    judge_order,
    open_order,
    within,
)
from components.titan.engine.positions import has_position_room
from components.titan.engine.state import (
    LAYER_LINKED,
    LIVE,
    ORDERS_ALLOWED,
    PLACEMENTS,
    Outbox,
    TitanState,
    int64,
)
from components.units import ORDER_ID_MAX, PRICE_TICKS_MAX
from disruptor.compiled import internal, pasted


@pasted
def place_bracket(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one bracket command: entry, take-profit and stop are accepted, or nothing is."""
    reason = _judge(state, command)
    if reason != REASON_NONE:
        tell_rejected(state, outbox, command, reason)
        return
    slot = open_order(state, command)
    add_layers(state, slot, 0, 0, 0)
    reason = judge_new_entry(state, slot)
    if reason != REASON_NONE:
        give_slot(state, slot)
        tell_rejected(state, outbox, command, reason)
        return
    tell_accepted(state, outbox, slot, command["qty"])
    index_order(state, slot)
    _open_exits(state, outbox, command, slot)
    if enter_seldom(state, outbox, slot, True):
        queue_triggered(state, int64(command["symbol"]))


@pasted
def _judge(state: TitanState, command: np.void) -> int:
    if not is_listed(state, int64(command["symbol"])):
        return REASON_UNKNOWN_SYMBOL
    reason = judge_order(state, command, np.uint32(0), 0, 0, 0)
    allowed = FLAG_POST_ONLY | FLAG_SLIDE | FLAG_REDUCE_ONLY | FLAG_HIDDEN
    if reason != REASON_BAD_ID and (
        command["order_type"] > TYPE_MARKET
        or command["tif"] == TIF_GTD
        or int64(command["flags"]) & ~allowed
    ):
        return REASON_BAD_TYPE
    if reason == REASON_NONE:
        reason = judge_guarded(state, command)
    if reason == REASON_NONE:
        reason = _judge_exits(state, command)
    if reason != REASON_NONE:
        return reason
    exits = 2 if command["origin_ts"] != 0 and command["cause"] != 0 else 1
    if state.totals[LIVE] + exits >= state.totals[ORDERS_ALLOWED]:
        return REASON_POOL_FULL
    if not has_position_room(state, command["account"], int64(command["symbol"])):
        return REASON_POOL_FULL
    return REASON_NONE


@pasted
def _judge_exits(state: TitanState, command: np.void) -> int:
    profit_id, stop_id = command["origin_ts"], command["cause"]
    profit, stop, stop_limit = command["display_qty"], command["stop_price"], command["expires"]
    if profit_id == 0 and stop_id == 0:
        return REASON_BAD_LINK
    if (profit_id == 0 and profit != 0) or (stop_id == 0 and (stop != 0 or stop_limit != 0)):
        return REASON_BAD_LINK
    reason = _judge_id(state, command, profit_id)
    if reason == REASON_NONE:
        reason = _judge_id(state, command, stop_id)
    if reason != REASON_NONE:
        return reason
    if profit_id == stop_id:
        return REASON_DUPLICATE_ID
    if profit_id != 0 and not within(profit, PRICE_TICKS_MAX):
        return REASON_BAD_PRICE
    if stop_limit != 0 and not within(stop_limit, PRICE_TICKS_MAX):
        return REASON_BAD_PRICE
    if stop_id != 0 and not within(stop, PRICE_TICKS_MAX):
        return REASON_BAD_STOP_PRICE
    money_unit = state.books[command["symbol"]]["money_unit"]
    highest = max(profit, stop_limit)
    if highest != 0 and not notional_fits(highest, command["qty"], money_unit):
        return REASON_BAD_NOTIONAL
    return REASON_NONE


@internal
def _judge_id(state: TitanState, command: np.void, order_id: int) -> int:
    if order_id == 0:
        return REASON_NONE
    if not within(order_id, ORDER_ID_MAX):
        return REASON_BAD_ID
    if order_id == command["order_id"]:
        return REASON_DUPLICATE_ID
    if find_order(state, command["account"], order_id) != 0:
        return REASON_DUPLICATE_ID
    return REASON_NONE


@pasted
def _open_exits(state: TitanState, outbox: Outbox, command: np.void, entry: np.uint32) -> None:
    profit = np.uint32(0)
    stop = np.uint32(0)
    if command["origin_ts"] != 0:
        profit = _open_exit(state, command, command["origin_ts"], command["display_qty"])
        _begin_waiting(state, outbox, profit, TYPE_LIMIT, 0)
    if command["cause"] != 0:
        stop = _open_exit(state, command, command["cause"], command["expires"])
        order_type = TYPE_STOP_LIMIT if command["expires"] else TYPE_STOP
        _begin_waiting(state, outbox, stop, order_type, command["stop_price"])
    if profit != 0 and stop != 0:
        tie(state, profit, stop)
    for exit_slot in (profit, stop):
        if exit_slot != 0:
            state.terms[exit_slot]["entry"] = entry
    state.terms[entry]["link"] = profit if profit != 0 else stop
    state.orders[entry]["layers"] |= LAYER_LINKED


@internal
def _open_exit(state: TitanState, command: np.void, order_id: int, price: int) -> np.uint32:
    slot = take_slot(state)
    state.totals[PLACEMENTS] += 1
    order = state.orders[slot]
    order["account"] = command["account"]
    order["order_id"] = order_id
    order["price"] = price
    order["qty"] = command["qty"]
    order["placement"] = state.totals[PLACEMENTS]
    order["tag"] = hash_of(command["account"], order_id)
    order["symbol"] = command["symbol"]
    order["side"] = 1 - int64(command["side"])
    order["flags"] = 0
    order["stp"] = command["stp"]
    order["tif"] = TIF_GTC
    return slot


@internal
def _begin_waiting(
    state: TitanState, outbox: Outbox, slot: np.uint32, order_type: int, stop_price: int
) -> None:
    order = state.orders[slot]
    order["order_type"] = order_type
    add_layers(state, slot, unreachable_stop(order["side"]), 0, 0)
    state.terms[slot]["armed_stop"] = stop_price
    order["layers"] |= LAYER_LINKED
    index_order(state, slot)
    join_stops(state, slot)
    tell_accepted(state, outbox, slot, order["qty"])
