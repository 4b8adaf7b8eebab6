"""Which order expires next: a binary heap by (expires, placement), over all symbols.

Each order knows its place in the heap, so one that ends earlier leaves in O(log n).
"""

from __future__ import annotations

import numpy as np

from components.titan.engine.state import EXPIRY_COUNT, TitanState
from disruptor.compiled import inlined, internal


@inlined
def _is_before(state: TitanState, first: np.uint32, second: np.uint32) -> bool:
    one = state.terms[first]["expires"]
    other = state.terms[second]["expires"]
    if one != other:
        return one < other
    return state.orders[first]["placement"] < state.orders[second]["placement"]


@inlined
def _put(state: TitanState, place: int, slot: np.uint32) -> None:
    state.expiries[place] = slot
    state.terms[slot]["heap_place"] = place


@internal
def _rise(state: TitanState, place: int) -> None:
    slot = state.expiries[place]
    while place > 0:
        parent = (place - 1) // 2
        if not _is_before(state, slot, state.expiries[parent]):
            break
        _put(state, place, state.expiries[parent])
        place = parent
    _put(state, place, slot)


@internal
def _sink(state: TitanState, place: int) -> None:
    count = state.totals[EXPIRY_COUNT]
    slot = state.expiries[place]
    while 2 * place + 1 < count:
        child = 2 * place + 1
        if child + 1 < count and _is_before(
            state, state.expiries[child + 1], state.expiries[child]
        ):
            child += 1
        if not _is_before(state, state.expiries[child], slot):
            break
        _put(state, place, state.expiries[child])
        place = child
    _put(state, place, slot)


@internal
def schedule_expiry(state: TitanState, slot: np.uint32) -> None:
    """The order ends at its ``expires``."""
    place = state.totals[EXPIRY_COUNT]
    state.totals[EXPIRY_COUNT] += 1
    _put(state, place, slot)
    _rise(state, place)


@internal
def unschedule_expiry(state: TitanState, slot: np.uint32) -> None:
    """The order has ended otherwise."""
    place = state.terms[slot]["heap_place"]
    state.totals[EXPIRY_COUNT] -= 1
    last = state.expiries[state.totals[EXPIRY_COUNT]]
    if last != slot:
        _put(state, place, last)
        _rise(state, place)
        _sink(state, state.terms[last]["heap_place"])
