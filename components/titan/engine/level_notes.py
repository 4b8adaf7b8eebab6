"""Which levels a command has changed, in books whose instrument wants depth published.

A note is one number: symbol and side above the level's key.  So sorted notes name each book's bids,
best first, then its asks.  A sweep notes the same level again and again, which is one note; what
is noted twice otherwise is found by sorting.

In every book: whether the best bid or ask may have to be told again.  It cannot have changed unless
something did at the price that was told last, or at a better one.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import FLAG_DEPTH
from components.titan.engine.state import KEY_BITS, KEY_MASK, NOTE_COUNT, TOUCH_DUE, TitanState
from disruptor.compiled import inlined, internal


@inlined
def note_level(state: TitanState, side_index: int, key: int, change: int) -> None:
    """The quantity shown at a key has changed by so much; by 0 if the order is hidden."""
    book = state.books[np.uint64(side_index >> 1)]
    told = book["touch_ask"] if side_index & 1 else book["touch_bid"]
    state.totals[TOUCH_DUE] |= key <= told
    if book["flags"] & FLAG_DEPTH and change != 0:
        _note(state, side_index << KEY_BITS | key)


@internal
def _note(state: TitanState, note: int) -> None:
    count = state.totals[NOTE_COUNT]
    if count != 0 and state.notes[count - 1] == note:
        return
    if count == len(state.notes):
        count = sort_notes(state)
    state.notes[count] = note
    state.totals[NOTE_COUNT] = count + 1


@inlined
def side_index_of(note: int) -> int:
    """The book side that a note names."""
    return note >> KEY_BITS


@inlined
def key_of(note: int) -> int:
    """The level's key that a note names."""
    return note & KEY_MASK


@internal
def sort_notes(state: TitanState) -> int:
    """Sort the notes, each once; how many there are.  Heapsort: no memory, no bad case."""
    notes = state.notes
    count = state.totals[NOTE_COUNT]
    for root in range(count // 2 - 1, -1, -1):
        _sink(state, root, count)
    for end in range(count - 1, 0, -1):
        largest = notes[0]
        notes[0] = notes[end]
        notes[end] = largest
        _sink(state, 0, end)
    kept = min(count, 1)
    for place in range(1, count):
        if notes[place] != notes[kept - 1]:
            notes[kept] = notes[place]
            kept += 1
    state.totals[NOTE_COUNT] = kept
    return kept


@inlined
def _sink(state: TitanState, place: int, count: int) -> None:
    notes = state.notes
    note = notes[place]
    while 2 * place + 1 < count:
        child = 2 * place + 1
        if child + 1 < count and notes[child + 1] > notes[child]:
            child += 1
        if notes[child] <= note:
            break
        notes[place] = notes[child]
        place = child
    notes[place] = note
