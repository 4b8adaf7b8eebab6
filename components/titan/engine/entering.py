"""The last judgement of an order that is about to enter the book: the rules that look into it.

Placed orders and triggered stops pass here, in the same way: what refuses the one cancels the other.
A post-only that would take is refused, or slides to one tick short of the other side's best price.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BUY,
    FLAG_POST_ONLY,
    FLAG_SLIDE,
    PHASE_CONTINUOUS,
    REASON_BAD_NOTIONAL,
    REASON_FOK,
    REASON_NONE,
    REASON_POST_ONLY,
    TIF_FOK,
    TIF_IOC,
)
from components.titan.engine.fees import notional_fits
from components.titan.engine.guards import clamp_worst_price
from components.titan.engine.matching import is_market, worst_key, would_take
from components.titan.engine.orders.fill_or_kill import can_fill
from components.titan.engine.positions import position_of, reducible
from components.titan.engine.state import LAYER_REDUCE_ONLY, TitanState, flip_of, int64
from components.units import PRICE_TICKS_MAX
from disruptor.compiled import internal, pasted


@internal
def judge_entry(state: TitanState, slot: np.uint32) -> int:
    """Why it must not enter now, or REASON_NONE; clamps and slides its price."""
    order = state.orders[slot]
    market = is_market(order["order_type"])
    if market:
        clamp_worst_price(state, slot)
    if state.books[order["symbol"]]["phase"] != PHASE_CONTINUOUS:
        return REASON_NONE
    if order["flags"] & FLAG_POST_ONLY:
        if market or order["tif"] in (TIF_IOC, TIF_FOK):
            return REASON_POST_ONLY
        price = price_short_of_taking(state, slot, order["price"], order["qty"])
        if price < 0:
            return -price
        order["price"] = price
    if order["tif"] == TIF_FOK and not _can_fill(state, slot):
        return REASON_FOK
    return REASON_NONE


@pasted
def _can_fill(state: TitanState, slot: np.uint32) -> bool:
    order = state.orders[slot]
    side = int64(order["side"])
    wanted = order["qty"]
    if order["layers"] & LAYER_REDUCE_ONLY:
        wanted = min(wanted, reducible(position_of(state, slot), side))
    limit_key = worst_key(side, order["order_type"], order["price"])
    return can_fill(state, slot, wanted, limit_key)


@internal
def price_short_of_taking(state: TitanState, slot: np.uint32, price: int, qty: int) -> int:
    """Where a post-only order may rest that asks for this price; minus a reason if nowhere."""
    order = state.orders[slot]
    side = int64(order["side"])
    symbol = int64(order["symbol"])
    if not would_take(state, symbol, side, worst_key(side, order["order_type"], price)):
        return price
    if not order["flags"] & FLAG_SLIDE:
        return -REASON_POST_ONLY
    best = state.sides[np.uint64(symbol * 2 + 1 - side)]["best_key"] ^ flip_of(1 - side)
    short = best - 1 if side == BUY else best + 1
    if not 0 < short <= PRICE_TICKS_MAX:
        return -REASON_POST_ONLY
    if not notional_fits(short, qty, state.books[order["symbol"]]["money_unit"]):
        return -REASON_BAD_NOTIONAL
    return short
