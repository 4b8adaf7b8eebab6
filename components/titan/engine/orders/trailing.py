"""Trailing stops: the stop price follows the best reference price at a distance, and never back.

The distance is in ticks, or a ratio of the price that is trailed, rounded down to a tick but never
to none.  Once triggered it is a plain stop, and its limit, if it has one, lies as far beyond the
stop price as its ``price`` said.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BUY,
    FLAG_TRAIL_PPM,
    TYPE_STOP,
    TYPE_STOP_LIMIT,
    TYPE_TRAILING_STOP,
    TYPE_TRAILING_STOP_LIMIT,
)
from components.titan.engine.state import TitanState
from components.units import PPM, PRICE_TICKS_MAX
from disruptor.compiled import inlined, internal


@inlined
def is_trailing(order_type: int) -> bool:
    """Whether its stop price moves."""
    return order_type >= TYPE_TRAILING_STOP


@internal
def trail(state: TitanState, slot: np.uint32, reference: int) -> None:
    """The reference price was seen."""
    order = state.orders[slot]
    terms = state.terms[slot]
    peak = terms["peak"]
    buys = order["side"] == BUY
    if peak == 0 or (reference < peak if buys else reference > peak):
        distance = terms["trail"]
        if order["flags"] & FLAG_TRAIL_PPM:
            distance = max(1, reference * distance // PPM)
        terms["peak"] = reference
        terms["stop_price"] = reference + distance if buys else max(reference - distance, 0)


@internal
def become_plain(state: TitanState, slot: np.uint32) -> None:
    """It triggers."""
    order = state.orders[slot]
    if order["order_type"] == TYPE_TRAILING_STOP_LIMIT:
        stop_price = state.terms[slot]["stop_price"]
        beyond = order["price"] if order["side"] == BUY else -order["price"]
        order["price"] = min(max(stop_price + beyond, 1), PRICE_TICKS_MAX)
        order["order_type"] = TYPE_STOP_LIMIT
    else:
        order["order_type"] = TYPE_STOP
