"""Which published events are void: claimed by a producer that died or gave up, and to be skipped.

Each slot has a word that holds the sequence that was voided in it last.  A sequence never comes
twice, so the mark needs no clearing when the slot is used anew, takes no bit of the user's event,
and an event of zeros is an event.  The slot of a void event is zeroed all the same, so that what
was half written there is seen by nobody.

The order of stores makes the question cheap.  A void's mark and the ring's count of voids come
before the release that publishes it, so a consumer that may read the sequence sees both; and while
the count is 0, which is nearly always, a consumer asks nothing else: one load a batch.  Whoever
dies between the count and the publishing has a successor that voids, and counts, again: the count
is never too low.
"""

from __future__ import annotations

import numpy as np

from disruptor.compiled import entry, inlined, internal
from disruptor.memory.atomics import fetch_add, load_relaxed
from disruptor.ring.layout import NEVER_VOIDED, VOIDED, Ring


@inlined
def has_voids(ring: Ring) -> bool:
    """Whether any event of this ring was ever void; asked once a batch, after the barrier."""
    # relaxed: the barrier's acquire has made the counts of all readable voids visible
    return load_relaxed(ring.words, VOIDED) != 0


@inlined
def is_void(ring: Ring, sequence: int) -> bool:
    """Whether a readable event is void: nobody wrote it, and every consumer skips it."""
    if load_relaxed(ring.words, VOIDED) == 0:
        return False
    return ring.voids[np.uint64(sequence) & np.uint64(ring.slots.size - 1)] == sequence


@internal
def mark_void(ring: Ring, sequence: int, zero: np.ndarray) -> None:
    """Zero, mark and count a claimed sequence; the caller publishes it afterwards.

    ``zero``: one zeroed event, shape (1,).
    """
    slot = np.uint64(sequence) & np.uint64(ring.slots.size - 1)
    ring.slots[slot] = zero[0]
    ring.voids[slot] = sequence
    fetch_add(ring.words, VOIDED, 1)


@entry
def voids_between(ring: Ring, low: int, high: int, found: np.ndarray) -> int:
    """Write the void sequences of the readable range low … high into ``found``; how many.

    ``found``: int64, as long as the range at least.
    """
    count = 0
    for sequence in range(low, high + 1):
        if is_void(ring, sequence):
            found[count] = sequence
            count += 1
    return count


@internal
def forget_voids(ring: Ring, low: int, high: int) -> None:
    """Take back the marks of claims that were never published and will be claimed anew."""
    mask = np.uint64(ring.slots.size - 1)
    for sequence in range(low, high + 1):
        if ring.voids[np.uint64(sequence) & mask] == sequence:
            ring.voids[np.uint64(sequence) & mask] = NEVER_VOIDED
