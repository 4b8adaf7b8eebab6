"""The queue of each price: first come, first served; and the best price of each side.

A price's level lies in a block of 64 neighbours with one bit for each that has orders, so the next
level is found by one bit operation, or in the next block of the list.  Blocks near the touch are
found through a direct-mapped cache that follows prices by itself: a jump, however far, costs one
walk of the price tree (`price_tree.py`), and nothing is ever moved.

Whether an order has neighbours is as random as orders are, and a mispredicted branch costs more
than all of these stores: so links are always written, those of nobody into slot 0, which is none.
Hidden orders, of quantity 0 here, stand behind all that is shown at their price.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.titan.engine.level_notes import note_level
from components.titan.engine.price_tree import insert_block, remove_block, search_block
from components.titan.engine.state import (
    LAYER_HIDDEN,
    NEAR_BLOCKS,
    NO_KEY,
    TitanState,
    flip_of,
    int64,
)
from disruptor.compiled import inlined, internal, pasted
from disruptor.instructions import trailing_zeros

_ONE: Final = np.uint64(1)


@inlined
def level_of(block: np.uint32, key: int) -> np.uint64:
    """A key's place in ``levels``, given its block."""
    return (np.uint64(block) << np.uint64(6)) | np.uint64(key & 63)


@inlined
def find_block(state: TitanState, side_index: int, key: int) -> np.uint32:
    """The block of a key, or 0."""
    number = key >> 6
    block = state.near[np.uint64(side_index * NEAR_BLOCKS + number % NEAR_BLOCKS)]
    if block == 0 or state.blocks[block]["number"] != number:
        block = search_block(state, side_index, number)
    return block


@inlined
def join_level(state: TitanState, slot: np.uint32) -> None:
    """Put an order at the back of its price's queue."""
    order = state.orders[slot]
    side = int64(order["side"])
    side_index = int64(order["symbol"]) * 2 + side
    key = order["price"] ^ flip_of(side)
    note_level(state, side_index, key, order["qty"])
    block = find_block(state, side_index, key)
    if block == 0:
        block = insert_block(state, side_index, key >> 6)
    index = level_of(block, key)
    level = state.levels[index]
    first, last = level["head"], level["tail"]
    if state.orders[last]["layers"] & LAYER_HIDDEN and not order["layers"] & LAYER_HIDDEN:
        _join_before_hidden(state, slot, index)
        return
    order["level"] = index
    order["next"] = 0
    order["prev"] = last
    state.orders[last]["next"] = slot
    level["head"] = slot if last == 0 else first
    level["tail"] = slot
    level["qty"] += order["qty"]
    state.blocks[block]["occupied"] |= _ONE << np.uint64(key & 63)
    book_side = state.sides[np.uint64(side_index)]
    book_side["best_key"] = min(key, book_side["best_key"])


@internal
def _join_before_hidden(state: TitanState, slot: np.uint32, index: np.uint64) -> None:
    """What is shown trades before what is hidden at the same price."""
    order, level = state.orders[slot], state.levels[index]
    behind = level["tail"]
    before = state.orders[behind]["prev"]
    while state.orders[before]["layers"] & LAYER_HIDDEN:
        behind = before
        before = state.orders[behind]["prev"]
    order["level"] = index
    order["next"] = behind
    order["prev"] = before
    state.orders[before]["next"] = slot
    state.orders[behind]["prev"] = slot
    if before == 0:
        level["head"] = slot
    level["qty"] += order["qty"]


@inlined
def leave_level(state: TitanState, slot: np.uint32) -> None:
    """Take an order out of its queue; its level, block and best price follow."""
    order = state.orders[slot]
    level = state.levels[order["level"]]
    before, behind = order["prev"], order["next"]
    first, last = level["head"], level["tail"]
    state.orders[before]["next"] = behind
    state.orders[behind]["prev"] = before
    first = behind if before == 0 else first
    level["head"] = first
    level["tail"] = before if behind == 0 else last
    level["qty"] -= order["qty"]
    _note_order(state, order, order["qty"])
    if first == 0:
        _vacate(state, order)


@inlined
def show_less(state: TitanState, slot: np.uint32, qty: int) -> None:
    """A resting order shows ``qty`` lots less, which may be all that it showed."""
    order = state.orders[slot]
    order["qty"] -= qty
    state.levels[order["level"]]["qty"] -= qty
    _note_order(state, order, qty)


@inlined
def _note_order(state: TitanState, order: np.void, change: int) -> None:
    side = int64(order["side"])
    note_level(state, int64(order["symbol"]) * 2 + side, order["price"] ^ flip_of(side), change)


@internal
def enter_level(state: TitanState, slot: np.uint32) -> None:
    """``join_level`` as a call."""
    join_level(state, slot)


@internal
def quit_level(state: TitanState, slot: np.uint32) -> None:
    """``leave_level`` as a call."""
    leave_level(state, slot)


@pasted
def _vacate(state: TitanState, order: np.void) -> None:
    """The level that this order was in has no orders any more."""
    side = int64(order["side"])
    side_index = int64(order["symbol"]) * 2 + side
    key = order["price"] ^ flip_of(side)
    number = np.uint32(order["level"] >> 6)
    block = state.blocks[number]
    left = block["occupied"] & ~(_ONE << np.uint64(key & 63))
    block["occupied"] = left
    book_side = state.sides[np.uint64(side_index)]
    is_best = key == book_side["best_key"]
    if left == np.uint64(0):
        remove_block(state, side_index, number)
        if is_best:
            book_side["best_key"] = first_key(state, book_side["first"])
    elif is_best:
        book_side["best_key"] = (block["number"] << 6) | trailing_zeros(left)


@inlined
def first_key(state: TitanState, block: np.uint32) -> int:
    """The best key in a block; NO_KEY for block 0."""
    key = NO_KEY
    if block != 0:
        record = state.blocks[block]
        key = (record["number"] << 6) | trailing_zeros(record["occupied"])
    return key


@inlined
def key_after(state: TitanState, block: np.uint32, key: int) -> int:
    """The next worse key that has orders, given the block of ``key``; NO_KEY at the end."""
    record = state.blocks[block]
    shift = np.uint64(key & 63)
    worse = (record["occupied"] >> shift) >> _ONE
    if worse != np.uint64(0):
        return key + 1 + trailing_zeros(worse)
    return first_key(state, record["next"])
