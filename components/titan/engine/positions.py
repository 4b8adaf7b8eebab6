"""Net position of each account in each symbol: what reduce-only orders are measured against.

An order holds its position's slot from placement to its end, so a trade adds to two positions
without a search.  A position that is zero and that no live order refers to is given back, so what
is stored, and when the pool is full, depends on nothing but the orders and positions themselves.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import BUY
from components.titan.engine.order_index import hash_of
from components.titan.engine.state import (
    POSITION_COUNT,
    POSITION_FREE,
    POSITION_MASK,
    POSITION_TOP,
    TitanState,
    int64,
)
from disruptor.compiled import inlined, internal

POSITION_LOTS_MAX: Final = 1 << 61
"""Beyond it orders are refused; with the bound on live orders no position can pass 63 bits."""

_LOW: Final = 0xFFFF_FFFF


@inlined
def find_position(state: TitanState, account: int, symbol: int) -> np.uint32:
    """The slot of a position that is stored, or 0."""
    tag = hash_of(account, symbol)
    mask = state.totals[POSITION_MASK]
    place = tag & mask
    found = np.uint32(0)
    while True:
        entry = state.position_ids[np.uint64(place)]
        if entry == 0:
            break
        if entry >> 32 == tag:
            slot = np.uint32(entry & _LOW)
            position = state.positions[slot]
            if position["account"] == account and position["symbol"] == symbol:
                found = slot
                break
        place = (place + 1) & mask
    return found


@internal
def add_position(state: TitanState, account: int, symbol: int) -> np.uint32:
    """Store a position of zero; 0 when the pool is full."""
    totals = state.totals
    if totals[POSITION_COUNT] >= len(state.positions) - 1:
        return np.uint32(0)
    slot = np.uint32(totals[POSITION_FREE])
    if slot != 0:
        totals[POSITION_FREE] = state.positions[slot]["symbol"]
    else:
        totals[POSITION_TOP] += 1
        slot = np.uint32(totals[POSITION_TOP])
    totals[POSITION_COUNT] += 1
    position = state.positions[slot]
    position["account"] = account
    position["symbol"] = symbol
    position["qty"] = 0
    position["orders"] = 0
    tag = hash_of(account, symbol)
    mask = totals[POSITION_MASK]
    place = tag & mask
    while state.position_ids[np.uint64(place)] != 0:
        place = (place + 1) & mask
    state.position_ids[np.uint64(place)] = (tag << 32) | int64(slot)
    return slot


@internal
def drop_position(state: TitanState, slot: np.uint32) -> None:
    """Give back a position of zero that no order refers to."""
    position = state.positions[slot]
    tag = hash_of(position["account"], position["symbol"])
    mask = state.totals[POSITION_MASK]
    entry = (tag << 32) | int64(slot)
    hole = tag & mask
    while state.position_ids[np.uint64(hole)] != entry:
        hole = (hole + 1) & mask
    place = hole
    while True:
        place = (place + 1) & mask
        entry = state.position_ids[np.uint64(place)]
        if entry == 0:
            break
        home = (entry >> 32) & mask
        if ((place - home) & mask) >= ((place - hole) & mask):
            state.position_ids[np.uint64(hole)] = entry
            hole = place
    state.position_ids[np.uint64(hole)] = 0
    position["account"] = 0
    position["symbol"] = state.totals[POSITION_FREE]
    state.totals[POSITION_FREE] = int64(slot)
    state.totals[POSITION_COUNT] -= 1


@inlined
def hold_position(state: TitanState, account: int, symbol: int) -> np.uint32:
    """The position's slot for a new order, or 0 when the pool is full or the position huge."""
    slot = find_position(state, account, symbol)
    if slot == 0:
        slot = add_position(state, account, symbol)
    if slot != 0:
        position = state.positions[slot]
        if abs(position["qty"]) > POSITION_LOTS_MAX:
            slot = np.uint32(0)
        else:
            position["orders"] += 1
    return slot


@inlined
def release_position(state: TitanState, slot: np.uint32) -> None:
    """An order that held it has ended."""
    position = state.positions[slot]
    position["orders"] -= 1
    if position["orders"] == 0 and position["qty"] == 0:
        drop_position(state, slot)


@inlined
def reducible(position_qty: int, side: int) -> int:
    """How many lots an order on ``side`` can trade before the position is closed."""
    wanted = -position_qty if side == BUY else position_qty
    return max(wanted, 0)
