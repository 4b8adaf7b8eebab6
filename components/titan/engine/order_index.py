"""Finds an order by (account, id): open addressing, linear probing, backward-shift deletion.

An entry is the order's hash (31 bits) above its slot (32 bits), so a probe compares one word and
rarely looks at another order, and deletion knows each entry's home without looking at any.
Deleting moves later entries back instead of leaving tombstones, so the table never ages.  It
starts small, to stay in the cache, and doubles when half full.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.titan.engine.state import ID_MASK, LIVE, ORDER_TOP, TitanState, int64
from disruptor.compiled import inlined, internal

_LOW: Final = 0xFFFF_FFFF
_TAG: Final = 0x7FFF_FFFF


@inlined
def hash_of(first: int, second: int) -> int:
    """31 bits that depend on every bit of two numbers; no product passes 63 bits."""
    mixed = (first & _LOW) * 0x6F4F2A53 ^ (second & _LOW) * 0x5BD1E995
    mixed ^= (first >> 32) * 0x2C1B3C6D ^ (second >> 32) * 0x297A2D39
    return ((mixed >> 17) ^ (mixed >> 3)) & _TAG


@inlined
def find_order(state: TitanState, account: int, order_id: int) -> np.uint32:
    """The slot of a live order, or 0."""
    tag = hash_of(account, order_id)
    mask = state.totals[ID_MASK]
    place = tag & mask
    found = np.uint32(0)
    while True:
        entry = state.ids[np.uint64(place)]
        if entry == 0:
            break
        if entry >> 32 == tag:
            slot = np.uint32(entry & _LOW)
            order = state.orders[slot]
            if order["order_id"] == order_id and order["account"] == account:
                found = slot
                break
        place = (place + 1) & mask
    return found


@inlined
def index_order(state: TitanState, slot: np.uint32) -> None:
    """Enter a live order that is not there yet; ``reserve_index`` has made room."""
    order = state.orders[slot]
    tag = hash_of(order["account"], order["order_id"])
    mask = state.totals[ID_MASK]
    place = tag & mask
    while state.ids[np.uint64(place)] != 0:
        place = (place + 1) & mask
    state.ids[np.uint64(place)] = (tag << 32) | int64(slot)
    state.totals[LIVE] += 1


@inlined
def unindex_order(state: TitanState, slot: np.uint32) -> None:
    """Take a live order out; its id is free again."""
    order = state.orders[slot]
    tag = hash_of(order["account"], order["order_id"])
    mask = state.totals[ID_MASK]
    entry = (tag << 32) | int64(slot)
    hole = tag & mask
    while state.ids[np.uint64(hole)] != entry:
        hole = (hole + 1) & mask
    place = hole
    while True:
        place = (place + 1) & mask
        entry = state.ids[np.uint64(place)]
        if entry == 0:
            break
        home = (entry >> 32) & mask
        if ((place - home) & mask) >= ((place - hole) & mask):
            state.ids[np.uint64(hole)] = entry
            hole = place
    state.ids[np.uint64(hole)] = 0
    state.totals[LIVE] -= 1


@inlined
def reserve_index(state: TitanState) -> None:
    """Make room for one more order; call it while every used slot is indexed."""
    if state.totals[LIVE] * 2 > state.totals[ID_MASK]:
        _grow_index(state)


@internal
def _grow_index(state: TitanState) -> None:
    """Double the table, once a doubling of the live orders; some 10 ns an order."""
    size = (state.totals[ID_MASK] + 1) * 2
    if size > len(state.ids):
        return
    state.totals[ID_MASK] = size - 1
    state.totals[LIVE] = 0
    state.ids[:size] = 0
    for number in range(1, state.totals[ORDER_TOP] + 1):
        if state.orders[number]["order_id"] != 0:
            index_order(state, np.uint32(number))
