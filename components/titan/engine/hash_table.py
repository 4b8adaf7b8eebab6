"""A hash table of (tag, slot) entries that grows without ever pausing: open addressing.

An entry is a hash of 31 bits above a slot of 32, so a probe compares one word and rarely looks at a
record, and removal knows each entry's home without looking at any.  Removing moves later entries
back (backward-shift deletion) instead of leaving tombstones, so the table never ages.  At most a
quarter is used, so that a probe rarely meets a stranger.

The table of size S, a power of two, lies at ``entries[S:2·S]``: tables of different sizes never
overlap, so one twice as large can be filled while the old one still serves.  Each insertion moves
a few entries, removing them from the old table in order of place: what is left there is always a
valid table, and it is empty, as it will be needed, long before the next growth.

Words of a table in ``totals``: its size; by how many bits a tag is shifted for its home; the
next place of the old table to move (0: there is none); how many entries there are; and at how
many the next insertion has more to do than to insert.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.titan.engine.state import (
    TABLE_COUNT,
    TABLE_CURSOR,
    TABLE_EASY,
    TABLE_SHIFT,
    TABLE_SIZE,
    int64,
)
from disruptor.compiled import inlined, internal
from disruptor.instructions import wrapped_product

_LOW: Final = 0xFFFF_FFFF
_MOVED_AT_ONCE: Final = 8
"""A table of S grows on S/4 entries and again after S/4 more insertions: 5 would do."""
_NEVER: Final = 1 << 62
_GOLDEN: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_ODD: Final = np.uint64(0xD6E8_FEB8_6659_FD93)

Words = NDArray[np.int64]


@inlined
def hash_of(first: int, second: int) -> int:
    """31 bits: the highest of a product, which depend on every bit of both numbers.

    Numbers in a row, as clients choose them, spread evenly (Fibonacci hashing).
    """
    mixed = wrapped_product(first, _ODD) ^ np.uint64(second)
    return int64(wrapped_product(mixed, _GOLDEN) >> np.uint64(33))


@inlined
def home_of(totals: Words, table: int, tag: int) -> np.uint64:
    """Where a search for the tag begins."""
    return np.uint64(totals[table + TABLE_SIZE] | (tag >> totals[table + TABLE_SHIFT]))


@inlined
def old_home_of(totals: Words, table: int, tag: int) -> np.uint64:
    """Where it begins in the table that is being left."""
    size = totals[table + TABLE_SIZE] >> 1
    return np.uint64(size | (tag >> (totals[table + TABLE_SHIFT] + 1)))


@inlined
def place_after(place: np.uint64, size: int) -> np.uint64:
    """The next place to look at in the table of that size, the first after the last."""
    return np.uint64(size | (int64(place) + 1 & (size - 1)))


@inlined
def tag_of(entry: int) -> int:
    """The hash of what an entry names."""
    return entry >> 32


@inlined
def slot_of(entry: int) -> np.uint32:
    """Where the record that an entry names lies."""
    return np.uint32(entry & _LOW)


@inlined
def insert_entry(entries: Words, totals: Words, table: int, tag: int, slot: Any) -> None:
    """Add what is not there yet; the table grows as it must."""
    if totals[table + TABLE_COUNT] >= totals[table + TABLE_EASY]:
        _grow(entries, totals, table)
    totals[table + TABLE_COUNT] += 1
    _enter(entries, totals, table, (tag << 32) | int64(slot))


@inlined
def _enter(entries: Words, totals: Words, table: int, entry: int) -> None:
    place = home_of(totals, table, tag_of(entry))
    while entries[place] != 0:
        place = place_after(place, totals[table + TABLE_SIZE])
    entries[place] = entry


@inlined
def remove_entry(entries: Words, totals: Words, table: int, tag: int, slot: Any) -> None:
    """Take out what is there."""
    size = totals[table + TABLE_SIZE]
    shift = totals[table + TABLE_SHIFT]
    entry = (tag << 32) | int64(slot)
    place = home_of(totals, table, tag)
    while entries[place] != entry and entries[place] != 0:
        place = place_after(place, size)
    totals[table + TABLE_COUNT] -= 1
    if entries[place] == entry:
        _close_gap(entries, size, shift, place)
    else:
        _remove_old(entries, totals, table, entry)


@inlined
def _close_gap(entries: Words, size: int, shift: int, hole: np.uint64) -> None:
    """Empty a place; entries behind it that may move towards their home do so."""
    mask = size - 1
    place = hole
    while True:
        place = place_after(place, size)
        entry = entries[place]
        if entry == 0:
            break
        home = tag_of(entry) >> shift
        if (int64(place) - home & mask) >= (int64(place) - int64(hole) & mask):
            entries[hole] = entry
            hole = place
    entries[hole] = 0


@internal
def _remove_old(entries: Words, totals: Words, table: int, entry: int) -> None:
    size = totals[table + TABLE_SIZE] >> 1
    place = old_home_of(totals, table, tag_of(entry))
    while entries[place] != entry:
        place = place_after(place, size)
    _close_gap(entries, size, totals[table + TABLE_SHIFT] + 1, place)


@internal
def _grow(entries: Words, totals: Words, table: int) -> None:
    """Begin a table twice as large, if there is room for one, or go on moving into it."""
    size = totals[table + TABLE_SIZE]
    if totals[table + TABLE_CURSOR] != 0:
        _move_some(entries, totals, table)
    elif 4 * size <= len(entries):
        totals[table + TABLE_CURSOR] = size
        totals[table + TABLE_SIZE] = 2 * size
        totals[table + TABLE_SHIFT] -= 1
        totals[table + TABLE_EASY] = 0
    else:
        totals[table + TABLE_EASY] = _NEVER


@inlined
def _move_some(entries: Words, totals: Words, table: int) -> None:
    size = totals[table + TABLE_SIZE]
    cursor = totals[table + TABLE_CURSOR]
    for _ in range(_MOVED_AT_ONCE):
        entry = entries[np.uint64(cursor)]
        if entry == 0:
            cursor += 1
        else:
            _close_gap(entries, size >> 1, totals[table + TABLE_SHIFT] + 1, np.uint64(cursor))
            _enter(entries, totals, table, entry)
        if cursor == size:
            cursor = 0
            totals[table + TABLE_EASY] = size >> 2
            break
    totals[table + TABLE_CURSOR] = cursor
