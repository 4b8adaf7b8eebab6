"""A tap: watches a ring, holds nobody back, and counts what it missed.

It copies a piece of the ring and looks afterwards how far producers have claimed.  A claim of
sequence ``c`` allows its owner to write the slot of ``c - capacity`` and of nothing older, and is
visible before anything that is written under it, so of a copy everything newer than that was
whole.  What was older is dropped and counted as a gap, with whatever had been overwritten before.
Hence a tap never sees a torn event, and the events that it saw, the voids and its gaps add up to
all that were published.

A tap that was lapped goes on half a ring behind the newest, where it has some time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor.compiled import entry
from disruptor.memory.atomics import acquire_fence, load_acquire
from disruptor.memory.libc import monotonic_ns
from disruptor.ring import gating, layout
from disruptor.ring.doors import available, wait_for
from disruptor.ring.layout import ABANDONED, CURSOR, NEXT, Ring
from disruptor.ring.wait_strategy import WaitStrategy

if TYPE_CHECKING:
    from disruptor.ring.ring_buffer import RingBuffer

FOREVER_NS: Final = 2**62
_SLICE_NS: Final = 10_000_000
"""How long a tap sleeps at most before it looks whether it was lapped meanwhile."""

_NOBODY: Final = np.zeros(0, np.int64)


@entry
def oldest_whole(ring: Ring) -> int:
    """The oldest sequence that nobody can have begun to overwrite before this call's end."""
    acquire_fence()  # pairs with the claimers' release fences; earlier reads are done
    words = ring.words
    if ring.published.size == 0:
        claimed = load_acquire(words, NEXT)
        claimed = max(claimed, load_acquire(words, ABANDONED))
    else:
        claimed = load_acquire(words, CURSOR)
    return claimed - ring.slots.size + 1


def newest(ring: RingBuffer, after: int, count_max: int) -> tuple[int, NDArray[Any], int]:
    """Of the events beyond ``after`` the newest ``count_max`` that are whole, as a copy.

    A tap for who looks now and then and must write nothing, not even a line of its own: the last
    sequence read or passed over comes first, for the next call, and how many were missed last.
    Void events are left out and are no miss.  For any thread of any process.
    """
    view = ring.view
    low = max(after + 1, ring.cursor - count_max + 1, int(oldest_whole(view)))
    high = int(available(view, _NOBODY, low))
    if high < low:
        return after, np.empty(0, ring.event), 0
    sequences = np.arange(low, high + 1)
    slots = sequences & (ring.capacity - 1)
    events, voids = view.slots[slots], view.voids[slots]
    whole = min(max(low, int(oldest_whole(view))), high + 1)
    kept = np.flatnonzero((voids != sequences) & (sequences >= whole))
    return high, events[kept], whole - after - 1


class Tap:
    """A lossy reader; one thread of one process."""

    def __init__(self, ring: RingBuffer, line: int, strategy: WaitStrategy) -> None:
        self._ring = ring
        self._view = ring.view
        self.line = line
        self.strategy = strategy
        self._sequence_word = int(gating.consumer_word(line, layout.SEQUENCE))
        self._gaps_word = int(gating.consumer_word(line, layout.GAPS))
        alert = int(gating.consumer_word(line, layout.ALERT))
        self.control = ring.view.words[alert : layout.WAITS - layout.ALERT + alert + 1]

    @property
    def sequence(self) -> int:
        """The last sequence that was read or missed."""
        return int(self._view.words[self._sequence_word])

    @property
    def gaps(self) -> int:
        """How many events this tap has missed since it was opened."""
        return int(self._view.words[self._gaps_word])

    def read(self, count_max: int = 4096) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """The next events that are there, as a copy, with their sequences; without waiting.

        Both empty when nothing is new.  Void events are left out and are no gap.
        """
        self._skip_what_is_gone()
        low = self.sequence + 1
        high = min(int(available(self._view, _NOBODY, low)), low + count_max - 1)
        sequences = np.arange(low, high + 1)
        slots = sequences & (self._ring.capacity - 1)
        events, voids = self._view.slots[slots], self._view.voids[slots]
        lost = min(max(0, int(oldest_whole(self._view)) - low), len(sequences))
        self._count(lost)
        if len(sequences):
            self._view.words[self._sequence_word] = high
        kept = np.flatnonzero(voids != sequences)
        kept = kept[kept >= lost]
        return sequences[kept], events[kept]

    def wait(self, timeout_ns: int = FOREVER_NS) -> bool:
        """Wait until ``read`` has something or is behind; False when the time is over or the tap
        was alerted."""
        deadline = monotonic_ns() + timeout_ns
        while True:
            wanted = self.sequence + 1
            piece = min(_SLICE_NS, deadline - monotonic_ns())
            reached = wait_for(self._view, _NOBODY, wanted, self.strategy, self.control, piece)
            if reached >= wanted or oldest_whole(self._view) > wanted:
                return True
            if self.control[0] or monotonic_ns() >= deadline:
                return False

    def alert(self) -> None:
        """End the wait of this tap, from any thread or process."""
        self.control[0] = 1
        self._ring.wake_everybody()

    def _skip_what_is_gone(self) -> None:
        oldest, wanted = int(oldest_whole(self._view)), self.sequence + 1
        if oldest > wanted:
            further = oldest + self._ring.capacity // 2
            self._count(further - wanted)
            self._view.words[self._sequence_word] = further - 1

    def _count(self, missed: int) -> None:
        if missed:
            self._view.words[self._gaps_word] += missed
