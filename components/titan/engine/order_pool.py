"""An order's slot from placement to its end, and what must be undone when it ends."""

from __future__ import annotations

import numpy as np

from components.titan.engine.expiry import unschedule_expiry
from components.titan.engine.ladder import leave_level, quit_level
from components.titan.engine.order_index import unindex_order
from components.titan.engine.orders.iceberg import forget_slices
from components.titan.engine.orders.linked import unlink
from components.titan.engine.orders.stop_list import leave_stops
from components.titan.engine.state import (
    LAYER_EXPIRES,
    LAYER_ICEBERG,
    LAYER_LINKED,
    LAYER_WAITING,
    LAYERS_ENDED,
    ORDER_FREE,
    ORDER_TOP,
    TitanState,
    int64,
)
from disruptor.compiled import inlined, internal


@inlined
def take_slot(state: TitanState) -> np.uint32:
    """A free slot; the caller has made sure that there is one."""
    slot = state.totals[ORDER_FREE]
    if slot != 0:
        state.totals[ORDER_FREE] = int64(state.orders[np.uint64(slot)]["next"])
    else:
        state.totals[ORDER_TOP] += 1
        slot = state.totals[ORDER_TOP]
    return np.uint32(slot)


@inlined
def give_slot(state: TitanState, slot: np.uint32) -> None:
    """Return the slot of an order that is in no structure any more."""
    order = state.orders[slot]
    order["order_id"] = 0
    order["next"] = state.totals[ORDER_FREE]
    state.totals[ORDER_FREE] = int64(slot)


@internal
def _settle_end(state: TitanState, slot: np.uint32) -> None:
    if state.orders[slot]["layers"] & LAYER_EXPIRES:
        unschedule_expiry(state, slot)
    if state.orders[slot]["layers"] & LAYER_LINKED:
        unlink(state, slot)


@inlined
def end_live_order(state: TitanState, slot: np.uint32) -> None:
    """End an indexed order that is in no level and no list any more."""
    if state.orders[slot]["layers"] & LAYERS_ENDED:
        _settle_end(state, slot)
    unindex_order(state, slot)
    give_slot(state, slot)


@internal
def _leave_layers(state: TitanState, slot: np.uint32) -> None:
    if state.orders[slot]["layers"] & LAYER_ICEBERG:
        forget_slices(state, slot)
    if state.orders[slot]["layers"] & LAYER_WAITING:
        leave_stops(state, slot)
    else:
        quit_level(state, slot)


@inlined
def remove_order(state: TitanState, slot: np.uint32) -> None:
    """End an order that rests or waits."""
    if state.orders[slot]["layers"] == 0:
        leave_level(state, slot)
    else:
        _leave_layers(state, slot)
    end_live_order(state, slot)


@internal
def close_order(state: TitanState, slot: np.uint32) -> None:
    """``end_live_order`` as a call."""
    end_live_order(state, slot)


@internal
def drop_order(state: TitanState, slot: np.uint32) -> None:
    """``remove_order`` as a call."""
    remove_order(state, slot)


@inlined
def open_qty(state: TitanState, slot: np.uint32) -> int:
    """All that may still trade, an iceberg's hidden part too."""
    qty = state.orders[slot]["qty"]
    if state.orders[slot]["layers"] & LAYER_ICEBERG:
        qty += state.terms[slot]["hidden"]
    return qty
