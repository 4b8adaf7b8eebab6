"""Keeps the blocks of one side in order of price: a crit-bit tree, and a list through its leaves.

The touch moves within a block, or to its neighbour in the list; the tree is walked only to find a
block that the near cache does not hold, and when a block appears or goes.  A crit-bit tree needs
no rebalancing, its depth is bounded by the 35 bits of a block's number whatever prices come, and
its shape depends on the set of blocks alone.

A child is a block (number · 2) or a branch (number · 2 + 1); 0 is none.
"""

from __future__ import annotations

import numpy as np

from components.titan.engine.state import (
    BLOCK_FREE,
    BLOCK_TOP,
    BRANCH_FREE,
    BRANCH_TOP,
    NEAR_BLOCKS,
    TitanState,
    int64,
)
from disruptor.compiled import inlined, internal


@inlined
def _child(state: TitanState, link: int, number: int) -> int:
    branch = state.branches[np.uint64(link >> 1)]
    return int64(branch["one"] if (number >> branch["bit"]) & 1 else branch["zero"])


@inlined
def _near(side_index: int, number: int) -> np.uint64:
    return np.uint64(side_index * NEAR_BLOCKS + number % NEAR_BLOCKS)


@internal
def search_block(state: TitanState, side_index: int, number: int) -> np.uint32:
    """The block of that number, or 0; remembers it in the near cache.  At most 35 steps."""
    link = int64(state.sides[np.uint64(side_index)]["root"])
    if link == 0:
        return np.uint32(0)
    while link & 1:
        link = _child(state, link, number)
    block = np.uint32(link >> 1)
    if state.blocks[block]["number"] != number:
        return np.uint32(0)
    state.near[_near(side_index, number)] = block
    return block


@internal
def insert_block(state: TitanState, side_index: int, number: int) -> np.uint32:
    """Make the block of a number that has none, in its place in the list; remember it."""
    block = _take_block(state)
    fresh = state.blocks[block]
    fresh["number"] = number
    fresh["occupied"] = 0
    state.near[_near(side_index, number)] = block
    side = state.sides[np.uint64(side_index)]
    root = int64(side["root"])
    if root == 0:
        side["root"] = int64(block) * 2
        _link(state, side_index, np.uint32(0), block, np.uint32(0))
        return block
    link = root
    while link & 1:
        link = _child(state, link, number)
    differing = state.blocks[np.uint64(link >> 1)]["number"] ^ number
    bit = 0
    while differing >> (bit + 1):
        bit += 1
    parent = 0
    link = root
    while link & 1 and state.branches[np.uint64(link >> 1)]["bit"] > bit:
        parent = link
        link = _child(state, link, number)
    branch = _take_branch(state)
    split = state.branches[np.uint64(branch)]
    split["bit"] = bit
    after = (number >> bit) & 1
    split["one"] = int64(block) * 2 if after else link
    split["zero"] = link if after else int64(block) * 2
    _replace(state, side_index, parent, number, branch * 2 + 1)
    if after:
        before = _outermost(state, link, 1)
        _link(state, side_index, before, block, state.blocks[before]["next"])
    else:
        behind = _outermost(state, link, 0)
        _link(state, side_index, state.blocks[behind]["prev"], block, behind)
    return block


@internal
def remove_block(state: TitanState, side_index: int, block: np.uint32) -> None:
    """Take an empty block out of tree, list and near cache."""
    gone = state.blocks[block]
    number = gone["number"]
    grandparent = 0
    parent = 0
    link = int64(state.sides[np.uint64(side_index)]["root"])
    while link & 1:
        grandparent = parent
        parent = link
        link = _child(state, link, number)
    if parent == 0:
        state.sides[np.uint64(side_index)]["root"] = 0
    else:
        branch = state.branches[np.uint64(parent >> 1)]
        sibling = int64(branch["zero"] if (number >> branch["bit"]) & 1 else branch["one"])
        _replace(state, side_index, grandparent, number, sibling)
        branch["zero"] = state.totals[BRANCH_FREE]
        state.totals[BRANCH_FREE] = parent >> 1
    if gone["prev"] != 0:
        state.blocks[gone["prev"]]["next"] = gone["next"]
    else:
        state.sides[np.uint64(side_index)]["first"] = gone["next"]
    if gone["next"] != 0:
        state.blocks[gone["next"]]["prev"] = gone["prev"]
    if state.near[_near(side_index, number)] == block:
        state.near[_near(side_index, number)] = 0
    gone["next"] = state.totals[BLOCK_FREE]
    state.totals[BLOCK_FREE] = int64(block)


@inlined
def _replace(state: TitanState, side_index: int, parent: int, number: int, link: int) -> None:
    """Hang ``link`` where the path to ``number`` leaves ``parent``, or at the root."""
    if parent == 0:
        state.sides[np.uint64(side_index)]["root"] = link
    else:
        branch = state.branches[np.uint64(parent >> 1)]
        if (number >> branch["bit"]) & 1:
            branch["one"] = link
        else:
            branch["zero"] = link


@inlined
def _outermost(state: TitanState, link: int, last: int) -> np.uint32:
    """The last, or first, block below a link."""
    while link & 1:
        branch = state.branches[np.uint64(link >> 1)]
        link = int64(branch["one"] if last else branch["zero"])
    return np.uint32(link >> 1)


@inlined
def _link(
    state: TitanState, side_index: int, before: np.uint32, block: np.uint32, behind: np.uint32
) -> None:
    state.blocks[block]["prev"] = before
    state.blocks[block]["next"] = behind
    if before != 0:
        state.blocks[before]["next"] = block
    else:
        state.sides[np.uint64(side_index)]["first"] = block
    if behind != 0:
        state.blocks[behind]["prev"] = block


@inlined
def _take_block(state: TitanState) -> np.uint32:
    block = state.totals[BLOCK_FREE]
    if block != 0:
        state.totals[BLOCK_FREE] = int64(state.blocks[np.uint64(block)]["next"])
    else:
        state.totals[BLOCK_TOP] += 1
        block = state.totals[BLOCK_TOP]
    return np.uint32(block)


@inlined
def _take_branch(state: TitanState) -> int:
    branch = state.totals[BRANCH_FREE]
    if branch != 0:
        state.totals[BRANCH_FREE] = int64(state.branches[np.uint64(branch)]["zero"])
    else:
        state.totals[BRANCH_TOP] += 1
        branch = state.totals[BRANCH_TOP]
    return branch
