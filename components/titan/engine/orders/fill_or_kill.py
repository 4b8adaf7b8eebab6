"""Whether a fill-or-kill can fill: its whole sweep, rehearsed on copies.

A sum over the levels would be wrong: an iceberg's later slices stand behind the taker's own order,
a reduce-only maker can fill less than it shows, and each fill changes what the next reduce-only
order of that account may do.  So each level's queue is copied and played through by the same
rules; the book and the positions stay as they are.  A doomed maker is not there, nor is one whose
partner is met before it: whatever happens to that one cancels it.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import BUY, STP_CANCEL_OLDEST, STP_NONE
from components.titan.engine.ladder import find_block, key_after, level_of
from components.titan.engine.orders.linked import is_doomed, partner_of
from components.titan.engine.positions import find_position, reducible
from components.titan.engine.state import (
    LAYER_HIDDEN,
    LAYER_ICEBERG,
    LAYER_LINKED,
    LAYER_REDUCE_ONLY,
    LAYER_WAITING,
    NO_KEY,
    REHEARSED,
    TitanState,
    int64,
)
from disruptor.compiled import internal

_SLOT, _SHOWN, _HIDDEN = 0, 1, 2


@internal
def can_fill(state: TitanState, slot: np.uint32, wanted: int, limit_key: int) -> bool:
    """Whether the order in ``slot``, not in the book yet, would trade all that it wants."""
    order = state.orders[slot]
    side_index = int64(order["symbol"]) * 2 + 1 - int64(order["side"])
    key = state.sides[np.uint64(side_index)]["best_key"]
    left = wanted
    reached = key
    while left > 0 and key <= limit_key:
        reached = key
        block = find_block(state, side_index, key)
        level = level_of(block, key)
        left = _rehearse_level(state, slot, level, left, 0)
        if left > 0:
            left = _rehearse_level(state, slot, level, left, LAYER_HIDDEN)
        key = key_after(state, block, key)
    _forget(state, side_index, reached)
    return left == 0


@internal
def _copy_queue(state: TitanState, level: np.uint64, kind: int) -> int:
    """Copy what is shown, or with LAYER_HIDDEN what is hidden, which trades after all of that."""
    count = 0
    maker = state.levels[level]["head"]
    while maker != 0:
        order = state.orders[maker]
        layers = order["layers"]
        gone = layers & LAYER_LINKED != 0 and _is_gone(state, maker)
        if layers & LAYER_HIDDEN == kind and not gone:
            hidden = state.terms[maker]["hidden"] if layers & LAYER_ICEBERG else 0
            shown = order["qty"]
            if layers & LAYER_HIDDEN:
                shown, hidden = hidden, np.int64(0)
            state.rehearsal[_SLOT, count] = maker
            state.rehearsal[_SHOWN, count] = shown
            state.rehearsal[_HIDDEN, count] = hidden
            count += 1
        maker = order["next"]
    return count


@internal
def _is_gone(state: TitanState, maker: np.uint32) -> bool:
    """Whether a linked maker will have been cancelled before it is met."""
    if is_doomed(state, maker):
        return True
    partner = partner_of(state, maker)
    if partner == 0:
        return False
    one, other = state.orders[maker], state.orders[partner]
    if other["layers"] & LAYER_WAITING or other["symbol"] != one["symbol"]:
        return False
    if other["side"] != one["side"]:
        return False
    if other["price"] != one["price"]:
        return (other["price"] > one["price"]) == (one["side"] == BUY)
    before = one["prev"]
    while before != 0 and before != partner:
        before = state.orders[before]["prev"]
    return before == partner


@internal
def _rehearse_level(
    state: TitanState, taker: np.uint32, level: np.uint64, left: int, kind: int
) -> int:
    """What is still wanted after this part of a level; -1 when self-trade prevention ends the sweep."""
    taking = state.orders[taker]
    size = _copy_queue(state, level, kind)
    place = 0
    waiting = size
    while left > 0 and waiting > 0:
        maker = np.uint32(state.rehearsal[_SLOT, place])
        resting = state.orders[maker]
        waiting -= 1
        if taking["stp"] != STP_NONE and resting["account"] == taking["account"]:
            if taking["stp"] != STP_CANCEL_OLDEST:
                return -1
        else:
            if resting["layers"] & LAYER_REDUCE_ONLY:
                _cut_copy(state, taking, maker, place)
            qty = min(left, state.rehearsal[_SHOWN, place])
            left -= qty
            _note_trade(state, taking, resting, qty)
            hidden = state.rehearsal[_HIDDEN, place]
            if hidden > 0:
                end = (place + waiting + 1) % size
                shown = min(hidden, state.terms[maker]["display_qty"])
                state.rehearsal[_SLOT, end] = maker
                state.rehearsal[_SHOWN, end] = shown
                state.rehearsal[_HIDDEN, end] = hidden - shown
                waiting += 1
        place = (place + 1) % size
    return left


@internal
def _note_trade(state: TitanState, taking: np.void, resting: np.void, qty: int) -> None:
    """What it does to the positions: the taker's is in ``REHEARSED``, those stored in ``pending``.

    A maker's position that is not stored is zero and only moves away from it, to its own side, so
    nothing there becomes reducible, and it need not be noted.
    """
    if taking["account"] == resting["account"]:
        return
    bought = qty if taking["side"] == BUY else -qty
    state.totals[REHEARSED] += bought
    held = find_position(state, resting["account"], int64(resting["symbol"]))
    if held != 0:
        state.pending[held] -= bought


@internal
def _cut_copy(state: TitanState, taking: np.void, maker: np.uint32, place: int) -> None:
    resting = state.orders[maker]
    held = find_position(state, resting["account"], int64(resting["symbol"]))
    own = taking["account"] == resting["account"]
    moved = state.totals[REHEARSED] if own else state.pending[held]
    allowed = reducible(state.positions[held]["qty"] + moved, resting["side"])
    shown = state.rehearsal[_SHOWN, place]
    if allowed < shown + state.rehearsal[_HIDDEN, place]:
        state.rehearsal[_SHOWN, place] = min(shown, allowed)
        state.rehearsal[_HIDDEN, place] = max(allowed - shown, 0)


@internal
def _forget(state: TitanState, side_index: int, reached: int) -> None:
    """Clear the changes of position that the rehearsal noted, up to the last level it played."""
    state.totals[REHEARSED] = 0
    key = state.sides[np.uint64(side_index)]["best_key"]
    while key <= reached and key != NO_KEY:
        block = find_block(state, side_index, key)
        maker = state.levels[level_of(block, key)]["head"]
        while maker != 0:
            order = state.orders[maker]
            held = find_position(state, order["account"], int64(order["symbol"]))
            state.pending[held] = 0
            maker = order["next"]
        key = key_after(state, block, key)
