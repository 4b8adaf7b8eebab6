"""Which claimed slots are published, when several producers finish in any order.

Each slot has a word that holds the sequence published there last.  Publishing sequence ``s``
stores ``s``; a consumer that finds ``s`` in the word knows that this very sequence is there, and
not the one a lap before, without anybody ever clearing anything.  (LMAX stores the number of the
lap, which is shorter and costs a shift; the sequence itself costs nothing.)
"""

from __future__ import annotations

from typing import Final

import numpy as np

from disruptor.compiled import inlined
from disruptor.memory.atomics import load_acquire, store_release
from disruptor.ring.layout import Ring

NEVER: Final = -1
"""The word of a slot that has not been published since the ring was made."""


@inlined
def mark_published(ring: Ring, low: int, high: int) -> None:
    """Publish the slots of the sequences low … high, which the caller has claimed."""
    mask = np.uint64(ring.slots.size - 1)
    for sequence in range(low, high + 1):
        # release: pairs with highest_published; the slot's bytes come first
        store_release(ring.published, np.uint64(sequence) & mask, sequence)


@inlined
def was_published(ring: Ring, sequence: int) -> bool:
    """Whether this sequence has been published, be it still in its slot or overwritten since.

    A slot's word never falls, since nobody claims a slot anew before the claim on it is published.
    """
    mask = np.uint64(ring.slots.size - 1)
    return load_acquire(ring.published, np.uint64(sequence) & mask) >= sequence


@inlined
def highest_published(ring: Ring, low: int, high: int) -> int:
    """The end of the unbroken run of published sequences that starts at ``low``; low - 1 if none."""
    mask = np.uint64(ring.slots.size - 1)
    for sequence in range(low, high + 1):
        # acquire: pairs with mark_published; the slot's bytes are readable after this
        if load_acquire(ring.published, np.uint64(sequence) & mask) != sequence:
            return sequence - 1
    return high
