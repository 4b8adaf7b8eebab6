"""Finds an order by (account, id), through a table that starts small, to stay in the cache."""

from __future__ import annotations

import numpy as np

from components.titan.engine.hash_table import (
    hash_of,
    home_of,
    insert_entry,
    old_home_of,
    place_after,
    remove_entry,
    slot_of,
    tag_of,
)
from components.titan.engine.state import (
    ORDER_TABLE,
    TABLE_CURSOR,
    TABLE_SIZE,
    TitanState,
    int64,
)
from disruptor.compiled import inlined, internal


@inlined
def find_order(state: TitanState, account: int, order_id: int) -> np.uint32:
    """The slot of a live order, or 0."""
    tag = hash_of(account, order_id)
    size = state.totals[ORDER_TABLE + TABLE_SIZE]
    found = _search(state, home_of(state.totals, ORDER_TABLE, tag), size, tag, account, order_id)
    if found == 0 and state.totals[ORDER_TABLE + TABLE_CURSOR] != 0:
        found = _search_old(state, tag, account, order_id)
    return found


@inlined
def _search(
    state: TitanState, place: np.uint64, size: int, tag: int, account: int, order_id: int
) -> np.uint32:
    found = np.uint32(0)
    while True:
        entry = state.ids[place]
        if entry == 0:
            break
        if tag_of(entry) == tag:
            slot = slot_of(entry)
            order = state.orders[slot]
            if order["order_id"] == order_id and order["account"] == account:
                found = slot
                break
        place = place_after(place, size)
    return found


@internal
def _search_old(state: TitanState, tag: int, account: int, order_id: int) -> np.uint32:
    """While the table grows, what was not moved yet is in the one of half its size."""
    size = state.totals[ORDER_TABLE + TABLE_SIZE] >> 1
    return _search(state, old_home_of(state.totals, ORDER_TABLE, tag), size, tag, account, order_id)


@inlined
def index_order(state: TitanState, slot: np.uint32) -> None:
    """Enter a live order that is not there yet."""
    insert_entry(state.ids, state.totals, ORDER_TABLE, int64(state.orders[slot]["tag"]), slot)


@inlined
def unindex_order(state: TitanState, slot: np.uint32) -> None:
    """Take a live order out; its id is free again."""
    remove_entry(state.ids, state.totals, ORDER_TABLE, int64(state.orders[slot]["tag"]), slot)
