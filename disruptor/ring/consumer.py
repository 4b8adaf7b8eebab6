"""A consumer as Python sees it: wait, read what may be read, advance.

A gating consumer reads in place: until it advances, nobody writes there.  One that may be evicted
(``lag_max``) reads copies and is told afterwards whether they were whole; see ``gating``.  One
that only watches is a ``Tap``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor.errors import EvictedError
from disruptor.ring import gating, layout
from disruptor.ring.doors import advance, available, wait_for
from disruptor.ring.voids import voids_between
from disruptor.ring.wait_strategy import WaitStrategy

if TYPE_CHECKING:
    from disruptor.ring.ring_buffer import RingBuffer

FOREVER_NS: Final = 2**62
_SLICE_NS: Final = 100_000_000
"""A wait in Python is cut into such slices, so that signal handlers run in between."""

Run = tuple[int, NDArray[Any]]
"""(first sequence, events that follow one another in one piece of memory)"""


class Consumer:
    """Reads events in order; one thread of one process."""

    def __init__(
        self, ring: RingBuffer, line: int, dependents: NDArray[np.int64], strategy: WaitStrategy
    ) -> None:
        self._ring = ring
        self._view = ring.view
        self.line = line
        self.dependents = dependents
        self.strategy = strategy
        self.sequence_word = int(gating.consumer_word(line, layout.SEQUENCE))
        alert = int(gating.consumer_word(line, layout.ALERT))
        self.control = ring.view.words[alert : layout.WAITS - layout.ALERT + alert + 1]
        self._may_be_evicted = ring.view.words[gating.consumer_word(line, layout.LAG_MAX)] > 0

    @property
    def sequence(self) -> int:
        """The last sequence that this consumer said it is done with."""
        return int(self._view.words[self.sequence_word])

    def available(self) -> int:
        """The highest sequence that may be read now; at most ``sequence`` when nothing is new."""
        wanted = self.sequence + 1
        return max(wanted - 1, int(available(self._view, self.dependents, wanted)))

    def wait(self, timeout_ns: int = FOREVER_NS) -> int:
        """Wait for at least one event; the highest sequence that may be read.

        Equal to ``sequence`` when the time is over or the consumer was alerted.  EvictedError when
        it was too far behind.
        """
        wanted, waited = self.sequence + 1, 0
        while True:
            piece = min(_SLICE_NS, timeout_ns - waited)
            reached = wait_for(
                self._view, self.dependents, wanted, self.strategy, self.control, piece
            )
            waited += piece
            if self._may_be_evicted:
                self._refuse_if_evicted()
            if reached >= wanted or self.control[0] or waited >= timeout_ns:
                return max(wanted - 1, int(reached))

    def batches(self, high: int) -> list[NDArray[Any]]:
        """Views of everything after ``sequence`` up to ``high``: one, or two at the wrap.

        Zero-copy and valid until ``advance``; then the producer may write there.  Void events are
        among them, as zeros; ``runs`` leaves them out.  A consumer that may be evicted gets
        copies, or EvictedError.
        """
        low, capacity = self.sequence + 1, self._ring.capacity
        if high < low:
            return []
        start, end = low & (capacity - 1), high & (capacity - 1)
        slots = self._view.slots
        views = [slots[start : end + 1]] if start <= end else [slots[start:], slots[: end + 1]]
        if self._may_be_evicted:
            views = [view.copy() for view in views]
            self._refuse_if_evicted()
        return views

    def voids(self, high: int) -> list[int]:
        """The void sequences after ``sequence`` up to ``high``, in order."""
        low = self.sequence + 1
        if not self._view.words[layout.VOIDED] or high < low:
            return []
        found = np.empty(high - low + 1, np.int64)
        count = int(voids_between(self._view, low, high, found))
        return [int(sequence) for sequence in found[:count]]

    def runs(self, high: int) -> list[Run]:
        """``batches`` without the void events, each piece with its first sequence."""
        voids, sequence, runs = self.voids(high), self.sequence + 1, []
        for events in self.batches(high):
            cuts = [void for void in voids if sequence <= void < sequence + len(events)]
            first = sequence
            for cut in [*cuts, sequence + len(events)]:
                if cut > first:
                    runs.append((first, events[first - sequence : cut - sequence]))
                first = cut + 1
            sequence += len(events)
        return runs

    def advance(self, sequence: int) -> None:
        """Say that everything up to ``sequence`` is dealt with and may be overwritten."""
        advance(self._view, self.sequence_word, sequence)

    def alert(self) -> None:
        """End the wait of this consumer, from any thread or process."""
        self.control[0] = 1
        self._ring.wake_everybody()

    def clear_alert(self) -> None:
        """Let the consumer wait again."""
        self.control[0] = 0

    @property
    def is_evicted(self) -> bool:
        """Whether producers gave this consumer up, because it was too far behind."""
        return self._may_be_evicted and not gating.still_gates(self._view, self.line)

    def _refuse_if_evicted(self) -> None:
        if self.is_evicted:
            raise EvictedError(
                f"ring {self._ring.name!r}: the consumer at sequence {self.sequence} was further "
                f"behind than it may be and no longer holds its events; the cursor is "
                f"{self._ring.cursor}: remove it and join again"
            )
