"""Which position is next to be looked at when a symbol's mark moves: two pairing heaps a symbol.

A heap's nodes are the position slots themselves, linked in ``triggers``; the smallest key is at
the root.  Arming is O(1), as is a smaller key; disarming O(log n) amortised; there is nothing to
grow.  After Fredman,
Sedgewick, Sleator and Tarjan, "The pairing heap" (1986).  How nodes of equal keys hang depends on
history, but nothing that leaves Sentinel depends on it.

    child      the first of a node's children      next      the following sibling
    previous   the preceding sibling; of a first child, its parent
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.state import FALLING, NONE, SentinelState, wide
from disruptor.compiled import inlined, internal


@inlined
def root_of(state: SentinelState, symbol: int, heap: int) -> int:
    """The slot with the smallest key, or NONE."""
    record = state.symbols[symbol]
    return wide(record["falling"]) if heap == FALLING else wide(record["rising"])


@inlined
def _set_root(state: SentinelState, symbol: int, heap: int, slot: int) -> None:
    if heap == FALLING:
        state.symbols[symbol]["falling"] = slot
    else:
        state.symbols[symbol]["rising"] = slot


@internal
def _meld(nodes: NDArray[np.void], one: int, other: int) -> int:
    """One tree of two; either may be NONE."""
    if one == NONE:
        return other
    if other == NONE:
        return one
    if nodes[other]["key"] < nodes[one]["key"]:
        one, other = other, one
    first = wide(nodes[one]["child"])
    nodes[other]["next"] = first
    nodes[other]["previous"] = one
    if first != NONE:
        nodes[first]["previous"] = other
    nodes[one]["child"] = other
    return one


@internal
def _meld_all(nodes: NDArray[np.void], first: int) -> int:
    """One tree of a list of siblings: in pairs from the left, then from the right."""
    pairs = NONE
    while first != NONE:
        second = wide(nodes[first]["next"])
        rest = NONE
        nodes[first]["next"] = nodes[first]["previous"] = NONE
        if second != NONE:
            rest = wide(nodes[second]["next"])
            nodes[second]["next"] = nodes[second]["previous"] = NONE
        tree = _meld(nodes, first, second)
        nodes[tree]["next"] = pairs
        pairs = tree
        first = rest
    merged = NONE
    while pairs != NONE:
        rest = wide(nodes[pairs]["next"])
        nodes[pairs]["next"] = NONE
        merged = _meld(nodes, merged, pairs)
        pairs = rest
    return merged


@internal
def arm(state: SentinelState, slot: int, heap: int, key: int) -> None:
    """Put the position where ``key`` says, if it is not in the heap with that or a smaller one."""
    nodes = state.triggers[heap]
    symbol = wide(state.positions[slot]["symbol"])
    root = root_of(state, symbol, heap)
    if nodes[slot]["is_armed"] == 0:
        nodes[slot]["child"] = nodes[slot]["next"] = nodes[slot]["previous"] = NONE
        nodes[slot]["is_armed"] = 1
    elif nodes[slot]["key"] <= key:
        return
    elif root == slot:
        nodes[slot]["key"] = key
        return
    else:
        _cut(nodes, slot)
    nodes[slot]["key"] = key
    _set_root(state, symbol, heap, _meld(nodes, root, slot))


@internal
def disarm(state: SentinelState, slot: int, heap: int) -> None:
    """Take the position out of the heap, if it is there."""
    nodes = state.triggers[heap]
    if nodes[slot]["is_armed"] == 0:
        return
    symbol = wide(state.positions[slot]["symbol"])
    nodes[slot]["is_armed"] = 0
    subtree = _meld_all(nodes, wide(nodes[slot]["child"]))
    if root_of(state, symbol, heap) == slot:
        _set_root(state, symbol, heap, subtree)
        return
    _cut(nodes, slot)
    _set_root(state, symbol, heap, _meld(nodes, root_of(state, symbol, heap), subtree))


@internal
def _cut(nodes: NDArray[np.void], slot: int) -> None:
    """Take a node that is no root from its siblings, with all below it."""
    before = wide(nodes[slot]["previous"])
    after = wide(nodes[slot]["next"])
    if wide(nodes[before]["child"]) == slot:
        nodes[before]["child"] = after
    else:
        nodes[before]["next"] = after
    if after != NONE:
        nodes[after]["previous"] = before
    nodes[slot]["next"] = nodes[slot]["previous"] = NONE


@internal
def relocate(state: SentinelState, source: int, target: int, heap: int) -> None:
    """The position in ``source`` now lives in ``target``, which is in no heap."""
    nodes = state.triggers[heap]
    nodes[target] = nodes[source]
    if nodes[source]["is_armed"] == 0:
        return
    nodes[source]["is_armed"] = 0
    symbol = wide(state.positions[target]["symbol"])
    before = wide(nodes[target]["previous"])
    after = wide(nodes[target]["next"])
    child = wide(nodes[target]["child"])
    if before == NONE:
        _set_root(state, symbol, heap, target)
    elif wide(nodes[before]["child"]) == source:
        nodes[before]["child"] = target
    else:
        nodes[before]["next"] = target
    if after != NONE:
        nodes[after]["previous"] = target
    if child != NONE:
        nodes[child]["previous"] = target
