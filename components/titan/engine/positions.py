"""Net position of each account in each symbol: what reduce-only orders are measured against.

Only positions that are not zero are stored, and they are searched for when something trades, so an
order that rests and is cancelled costs nothing here.  A placement is refused unless a new position
for it and one for each live order would fit: so no trade ever lacks room, and what is refused
depends on nothing but the orders and positions themselves.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import BUY
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
    HUGE_POSITIONS,
    LIVE,
    POSITION_COUNT,
    POSITION_FREE,
    POSITION_TABLE,
    POSITION_TOP,
    POSITIONS_ALLOWED,
    TABLE_CURSOR,
    TABLE_SIZE,
    TitanState,
    int64,
)
from disruptor.compiled import inlined, internal

POSITION_LOTS_MAX: Final = 1 << 61
"""Beyond it orders are refused; with the bound on live orders no position can pass 63 bits."""


@inlined
def find_position(state: TitanState, account: int, symbol: int) -> np.uint32:
    """The slot of a position that is stored, or 0, which holds zero lots."""
    tag = hash_of(account, symbol)
    size = state.totals[POSITION_TABLE + TABLE_SIZE]
    found = _search(state, home_of(state.totals, POSITION_TABLE, tag), size, tag, account, symbol)
    if found == 0 and state.totals[POSITION_TABLE + TABLE_CURSOR] != 0:
        found = _search_old(state, tag, account, symbol)
    return found


@inlined
def _search(
    state: TitanState, place: np.uint64, size: int, tag: int, account: int, symbol: int
) -> np.uint32:
    found = np.uint32(0)
    while True:
        entry = state.position_ids[place]
        if entry == 0:
            break
        if tag_of(entry) == tag:
            slot = slot_of(entry)
            position = state.positions[slot]
            if position["account"] == account and position["symbol"] == symbol:
                found = slot
                break
        place = place_after(place, size)
    return found


@internal
def _search_old(state: TitanState, tag: int, account: int, symbol: int) -> np.uint32:
    """While the table grows, what was not moved yet is in the one of half its size."""
    size = state.totals[POSITION_TABLE + TABLE_SIZE] >> 1
    return _search(
        state, old_home_of(state.totals, POSITION_TABLE, tag), size, tag, account, symbol
    )


@internal
def position_of(state: TitanState, slot: np.uint32) -> int:
    """Net lots that the order's account has in its symbol."""
    order = state.orders[slot]
    held = find_position(state, order["account"], int64(order["symbol"]))
    return int64(state.positions[held]["qty"])


@inlined
def move_position(state: TitanState, account: int, symbol: int, lots: int) -> None:
    """The account bought ``lots``, which are not 0, or sold them if negative."""
    slot = find_position(state, account, symbol)
    if slot == 0:
        slot = _add_position(state, account, symbol)
    position = state.positions[slot]
    before = position["qty"]
    after = before + lots
    position["qty"] = after
    if not -POSITION_LOTS_MAX <= after <= POSITION_LOTS_MAX or state.totals[HUGE_POSITIONS] != 0:
        _count_huge(state, before, after)
    if after == 0:
        _drop_position(state, slot)


@internal
def set_position(state: TitanState, account: int, symbol: int, lots: int) -> None:
    """``move_position`` as a call."""
    move_position(state, account, symbol, lots)


@internal
def _add_position(state: TitanState, account: int, symbol: int) -> np.uint32:
    totals = state.totals
    slot = np.uint32(totals[POSITION_FREE])
    if slot != 0:
        totals[POSITION_FREE] = state.positions[slot]["symbol"]
    else:
        totals[POSITION_TOP] += 1
        slot = np.uint32(totals[POSITION_TOP])
    position = state.positions[slot]
    position["account"] = account
    position["symbol"] = symbol
    tag = hash_of(account, symbol)
    insert_entry(state.position_ids, totals, POSITION_TABLE, tag, slot)
    return slot


@internal
def _drop_position(state: TitanState, slot: np.uint32) -> None:
    position = state.positions[slot]
    tag = hash_of(position["account"], position["symbol"])
    remove_entry(state.position_ids, state.totals, POSITION_TABLE, tag, slot)
    position["account"] = 0
    position["symbol"] = state.totals[POSITION_FREE]
    state.totals[POSITION_FREE] = int64(slot)


@internal
def _count_huge(state: TitanState, before: int, after: int) -> None:
    state.totals[HUGE_POSITIONS] += abs(after) > POSITION_LOTS_MAX
    state.totals[HUGE_POSITIONS] -= abs(before) > POSITION_LOTS_MAX


@inlined
def has_position_room(state: TitanState, account: int, symbol: int) -> bool:
    """Whether a position for one more order, and its lots, will fit."""
    totals = state.totals
    if totals[POSITION_COUNT] + totals[LIVE] >= totals[POSITIONS_ALLOWED]:
        return False
    return totals[HUGE_POSITIONS] == 0 or not _is_huge(state, account, symbol)


@internal
def _is_huge(state: TitanState, account: int, symbol: int) -> bool:
    held = find_position(state, account, symbol)
    return abs(state.positions[held]["qty"]) > POSITION_LOTS_MAX


@inlined
def reducible(position_qty: int, side: int) -> int:
    """How many lots an order on ``side`` can trade before the position is closed."""
    wanted = -position_qty if side == BUY else position_qty
    return max(wanted, 0)
