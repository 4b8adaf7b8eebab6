"""A ring by name: create or attach it, and take part in it as producer or consumer.

These are the Python faces of the compiled functions in this package; they call the very same
code.  A ``RingBuffer`` may be used by any process and thread; a ``Producer`` or ``Consumer``
belongs to one thread.

What kill -9 leaves, at any instruction, and who sets it right:

    dies while it          leaves                               set right by
    creates the ring       a segment without its magic,         the next ``create``, or ``reclaim``
                           which nobody can attach
    claims, writes         nothing (single producer), or a      ``void_dead_claims``; a successor's
                           range in its own line                ``producer`` takes the claim back
    publishes, voids       a part of the range published        the same: the rest is void
    waits for room         nothing: it owns nothing yet
    handles a batch        its sequence where it was            ``consumer``, at that sequence, or
                                                                ``remove_dead_consumers``
    joins or leaves        a line that nobody reads             the next ``void_dead_claims``, or a
                                                                join that finds no line
    sleeps                 a raised flag: one needless wake
    takes over, removes,   a lock that the kernel releases,     doing it again: each step leaves a
    voids for the dead     and some of the steps done           state that the next one accepts

Every one of these is found by proof, the owner's pid and start time, and none by waiting: however
slow a process is, nobody takes its place.  tests/disruptor/ring kills at each instruction.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor.errors import (
    EvictedError,
    LayoutMismatchError,
    SegmentError,
    SegmentInUseError,
)
from disruptor.memory.libc import register_for_barriers
from disruptor.memory.process_identity import ProcessIdentity, current_process
from disruptor.memory.residency import DEFAULT_PAGES, PageOptions, Residency
from disruptor.memory.segment import HEADER_BYTES, PAGE_BYTES, Segment
from disruptor.ring import gating, layout, multi_producer_sequencer, status
from disruptor.ring.availability import NEVER
from disruptor.ring.consumer import FOREVER_NS, Consumer
from disruptor.ring.doors import available, signal
from disruptor.ring.layout import Ring
from disruptor.ring.producer import Claim, Producer
from disruptor.ring.sequencer import cursor
from disruptor.ring.status import NO_LINE, ConsumerStatus, ProducerStatus, RingStatistics
from disruptor.ring.tap import Tap, oldest_whole
from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy

__all__ = [
    "FOREVER_NS",
    "NO_LINE",
    "Claim",
    "Consumer",
    "ConsumerStatus",
    "Producer",
    "RingBuffer",
    "RingStatistics",
    "Tap",
]

_FROM_NOW: Final = -1
_NOBODY: Final = np.zeros(0, np.int64)


class RingBuffer:
    """A typed ring in shared memory; may be used by any process and thread."""

    def __init__(self, segment: Segment, event: np.dtype, capacity: int, multi: bool) -> None:
        self._segment = segment
        self.name = segment.name
        self.event = event
        self.capacity = capacity
        self.is_multi_producer = multi
        self.view = Ring(
            words=segment.array(np.int64, layout.WORD_COUNT, PAGE_BYTES),
            published=segment.array(np.int64, capacity if multi else 0, layout.published_offset()),
            voids=segment.array(np.int64, capacity, layout.voids_offset(capacity, multi)),
            slots=segment.array(event, capacity, layout.slots_offset(capacity, multi)),
        )

    @classmethod
    def create(
        cls,
        name: str,
        event: np.dtype,
        capacity: int,
        *,
        multi_producer: bool = False,
        initial_sequence: int = 0,
        pages: PageOptions = DEFAULT_PAGES,
    ) -> RingBuffer:
        """Allocate a ring; the first event published gets ``initial_sequence`` + 1.

        Raises SegmentInUseError when a living process owns a ring of that name; one left by a
        dead process is reclaimed.
        """
        if not 2 <= capacity <= layout.CAPACITY_MAX or capacity & (capacity - 1):
            raise SegmentError(
                f"ring {name!r}: capacity={capacity} must be a power of two "
                f"from 2 to {layout.CAPACITY_MAX}"
            )
        description = layout.describe(event)
        size = layout.segment_bytes(capacity, event.itemsize, multi_producer)
        segment = Segment.create(name, layout.KIND, layout.VERSION, size)
        header = segment.array(layout.RING_HEADER, 1, HEADER_BYTES)[0]
        header["capacity"], header["slot_bytes"] = capacity, event.itemsize
        header["multi_producer"] = multi_producer
        header["description_bytes"] = len(description)
        header["fingerprint"] = layout.fingerprint(description)
        text = segment.array(np.uint8, len(description), layout.description_offset())
        text[:] = np.frombuffer(description, np.uint8)
        ring = cls(segment, event, capacity, multi_producer)
        ring.view.words[layout.CURSOR] = initial_sequence
        ring.view.words[layout.NEXT] = initial_sequence
        ring.view.words[layout.GATE_CACHE] = initial_sequence
        ring.view.published[:] = NEVER
        segment.settle(pages)
        segment.publish()
        register_for_barriers()
        return ring

    @classmethod
    def attach(
        cls, name: str, event: np.dtype | None = None, pages: PageOptions = DEFAULT_PAGES
    ) -> RingBuffer:
        """Map a ring that another process made.

        With ``event`` the layouts must be equal, or LayoutMismatchError shows both.
        """
        segment = Segment.attach(name, layout.KIND, layout.VERSION)
        header = segment.array(layout.RING_HEADER, 1, HEADER_BYTES)[0]
        size = int(header["description_bytes"])
        description = segment.array(np.uint8, size, layout.description_offset()).tobytes()
        if (
            event is not None
            and layout.fingerprint(layout.describe(event)) != header["fingerprint"]
        ):
            segment.close()
            raise LayoutMismatchError(
                f"ring {name!r} holds events {description.decode()}; "
                f"expected {layout.describe(event).decode()}"
            )
        found = layout.event_from(description) if event is None else event
        segment.settle(pages)
        register_for_barriers()
        return cls(segment, found, int(header["capacity"]), bool(header["multi_producer"]))

    def producer(self, name: str = "", strategy: WaitStrategy | str = "adaptive") -> Producer:
        """Become a producer.  A single-producer ring's predecessor must be gone."""
        return Producer(self, name, _strategy(strategy))

    def register_consumer(
        self,
        name: str,
        *,
        start: int = _FROM_NOW,
        gates: bool = True,
        lag_max: int = 0,
        owner: ProcessIdentity | None = None,
    ) -> int:
        """Reserve a consumer's line and name it; its number, for ``consumer``.

        ``start``: the last sequence that it needs not see, not older than that of the slowest
        gating consumer; -1 means from now on.  A gating consumer holds producers back from this
        moment, whether or not it reads.  One that does not gate (``gates=False``) must have a
        gating one behind it, or producers overwrite what it reads.  One with ``lag_max`` gates
        until a producer that looks for room finds it further behind than that; then it is evicted.
        SegmentError for a name of more than 48 bytes, a ring without a free line, a ``lag_max``
        that could not come into play, or a ``start`` that is gone.
        """
        if lag_max and not (gates and 1 <= lag_max < self.capacity):
            raise SegmentError(
                f"ring {self.name!r}: consumer {name!r} has lag_max={lag_max}, which must be from "
                f"1 to {self.capacity - 1} and is for a consumer that gates"
            )
        return self._join(name, start, gates, lag_max, owner)

    def consumer(
        self,
        name: str,
        *,
        after: tuple[str, ...] = (),
        strategy: WaitStrategy | str = "adaptive",
        start: int = _FROM_NOW,
        gates: bool = True,
        lag_max: int = 0,
    ) -> Consumer:
        """Become the consumer ``name``: take over its registered line, or register one now.

        The line of a consumer whose process is proven dead is taken over at its sequence.
        SegmentInUseError when another process holds it and lives; EvictedError when it was
        evicted, so that its events are gone.
        """
        dependents = self.dependents(after)
        line = self.line_of(name)
        if line == NO_LINE:
            line = self.register_consumer(name, start=start, gates=gates, lag_max=lag_max)
        self._take(line, after)
        return Consumer(self, line, dependents, _strategy(strategy))

    def tap(self, name: str, strategy: WaitStrategy | str = "adaptive") -> Tap:
        """Watch the ring from now on without holding anybody back; what is missed is counted."""
        line = self._join(name, _FROM_NOW, False, layout.TAP, None)
        self._take(line, ())
        return Tap(self, line, _strategy(strategy))

    def dependents(self, names: tuple[str, ...]) -> NDArray[np.int64]:
        """The sequence words of these consumers, for ``barrier.wait_for``.

        SegmentError for one that is not registered, or that may stop counting: a tap, or a
        consumer that may be evicted.
        """
        words = []
        for name in names:
            line = self.line_of(name)
            if line == NO_LINE:
                raise SegmentError(f"ring {self.name!r} has no consumer {name!r} to wait for")
            if self.view.words[gating.consumer_word(line, layout.LAG_MAX)]:
                raise SegmentError(
                    f"ring {self.name!r}: nobody can wait for {name!r}, which may be evicted or "
                    "only taps"
                )
            words.append(gating.consumer_word(line, layout.SEQUENCE))
        return np.array(words, np.int64)

    def remove_consumer(self, name: str) -> None:
        """Stop gating on this consumer and free its line; SegmentError while others wait for it."""
        with self._segment.exclusive():
            line = self.line_of(name)
            if line == NO_LINE:
                return
            behind = self._behind(line)
            if behind:
                raise SegmentError(
                    f"ring {self.name!r}: consumer {name!r} cannot be removed while "
                    f"{', '.join(behind)} wait for it"
                )
            gating.leave(self.view, line, current_process().packed)

    def dead_consumers(self) -> tuple[ConsumerStatus, ...]:
        """The consumers whose process is proven to have ended; each still gates as it did."""
        everybody = status.consumers_of(self.view.words)
        return tuple(each for each in everybody if not each.owner.is_alive())

    def dead_producers(self) -> tuple[ProducerStatus, ...]:
        """The producers of a multi-producer ring whose process is proven to have ended."""
        everybody = status.producers_of(self.view.words)
        return tuple(each for each in everybody if not each.owner.is_alive())

    def remove_dead_consumers(self) -> tuple[str, ...]:
        """Remove the consumers that are proven dead, and count them; their names.

        Those for which others wait stay: take their place with ``consumer``.
        """
        removed = []
        with self._segment.exclusive():
            for each in self.dead_consumers():
                line = self.line_of(each.name)
                if not self._behind(line):
                    gating.leave(self.view, line, current_process().packed)
                    self.view.words[layout.REMOVED_COUNT] += 1
                    removed.append(each.name)
        return tuple(removed)

    def line_of(self, name: str) -> int:
        """Line of the consumer with this name, or NO_LINE."""
        return status.line_of(self.view.words, name)

    def wake_everybody(self) -> None:
        """Make every sleeper look at its control word now instead of at its timeout."""
        for epoch in (layout.PUBLISHED_EPOCH, layout.CONSUMED_EPOCH):
            self.view.words[epoch + layout.SLEEPERS_OFFSET] = 1
            signal(self.view.words, epoch)

    def void_dead_claims(self) -> int:
        """Fill the holes of producers that are proven dead; how many events were voided.

        Consumers that died while they joined are cleared away, too.  Any process may call this, in
        general the supervisor does.  Holes that overlap a living
        producer's unfinished claim stay until the next call.
        """
        words = self.view.words
        word = multi_producer_sequencer.producer_word
        zero = np.zeros(1, self.event)
        voided = 0
        self._free_half_joined()
        with self._segment.exclusive():
            dead = np.zeros(layout.PRODUCERS_MAX, np.int64)
            for line in range(int(words[layout.PRODUCER_COUNT])):
                owner = int(words[word(line, layout.OWNER)])
                is_taken = owner != layout.FREE
                dead[line] = is_taken and not ProcessIdentity.unpacked(owner).is_alive()
            for at in np.flatnonzero(dead).tolist():
                voided += int(multi_producer_sequencer.void_claims(self.view, at, dead, zero))
        return voided

    def statistics(self) -> RingStatistics:
        """A look at the ring that disturbs nobody; from any process."""
        return status.statistics_of(
            self.name, self.view.words, self.capacity, self.is_multi_producer
        )

    def residency(self) -> Residency:
        """What the kernel made of ``pages`` in this process."""
        return self._segment.residency()

    @property
    def cursor(self) -> int:
        """Highest published sequence (single producer) or highest claimed one (multi-producer)."""
        return int(cursor(self.view))

    def events(self, low: int, high: int) -> NDArray[Any]:
        """A copy of the events low … high, which the caller knows to be readable."""
        indices = np.arange(low, high + 1) & (self.capacity - 1)
        copied: NDArray[Any] = self.view.slots[indices]
        return copied

    def copy_if_held(self, low: int, high: int) -> NDArray[Any] | None:
        """A copy of the events low … high; None unless all are published and none overwritten.

        For one that holds no place in the ring, or looks behind its own.
        """
        if int(available(self.view, _NOBODY, low)) < high:
            return None
        copied = self.events(low, high)
        return copied if self.oldest_held <= low else None

    @property
    def oldest_held(self) -> int:
        """The oldest sequence whose slot nobody has begun to write anew, be it for a claim that was
        never published."""
        return int(oldest_whole(self.view))

    def close(self) -> None:
        """Drop this process's mapping; views keep theirs alive."""
        self._segment.close()

    def unlink(self) -> None:
        """Remove the name; for the owner, when everybody is done."""
        self._segment.unlink()

    def _join(
        self, name: str, start: int, gates: bool, lag_max: int, owner: ProcessIdentity | None
    ) -> int:
        joiner = current_process()
        wanted = (start, gates, lag_max, joiner.packed, (owner or joiner).packed)
        words = layout.pack_name(name)
        line = int(gating.join(self.view, *wanted, words))
        if line == gating.NO_LINE and self._free_half_joined():
            line = int(gating.join(self.view, *wanted, words))
        if line == gating.TOO_LATE:
            raise SegmentError(
                f"ring {self.name!r}: consumer {name!r} cannot start after {start}, which no "
                f"other consumer holds any more; the cursor is {self.cursor}"
            )
        if line == gating.NO_LINE:
            raise SegmentError(
                f"ring {self.name!r} has {layout.CONSUMERS_MAX} consumers already; remove one first"
            )
        return line

    def _free_half_joined(self) -> int:
        """Give back the lines of processes that died while they joined or left; how many."""
        words, freed = self.view.words, 0
        with self._segment.exclusive():
            for line in range(layout.CONSUMERS_MAX):
                owner = int(words[gating.consumer_word(line, layout.OWNER)])
                if owner != layout.FREE and not ProcessIdentity.unpacked(owner).is_alive():
                    freed += bool(gating.free_half_joined(self.view, line, owner))
        return freed

    def _take(self, line: int, after: tuple[str, ...]) -> None:
        """Make this process the owner of a joined line, unless another one lives that is."""
        words, me = self.view.words, current_process()
        at = status.consumer_at(line)
        with self._segment.exclusive():
            name, owner = status.name_at(words, at), status.owner_at(words, at)
            if words[at + layout.STATE] == layout.EVICTED:
                raise EvictedError(
                    f"ring {self.name!r}: consumer {name!r} was evicted at sequence "
                    f"{words[at + layout.SEQUENCE]}; remove it and join again"
                )
            is_taken = words[at + layout.HELD] == layout.TAKEN
            if is_taken and owner != me and owner.is_alive():
                raise SegmentInUseError(
                    f"ring {self.name!r}: consumer {name!r} belongs to the running process "
                    f"{owner.pid}; stop it, or use another name"
                )
            if not owner.is_alive():
                words[at + layout.ALERT] = 0  # it was meant for the predecessor
                words[layout.REPLACED_COUNT] += is_taken
            words[at + layout.BEHIND] = sum(1 << self.line_of(other) for other in set(after))
            words[at + layout.OWNER] = me.packed
            words[at + layout.HELD] = layout.TAKEN

    def _behind(self, line: int) -> list[str]:
        """The consumers that wait for the one in ``line``."""
        words = self.view.words
        lines = range(int(words[layout.CONSUMER_COUNT]))
        starts = [status.consumer_at(other) for other in lines]
        return [
            status.name_at(words, at)
            for at in starts
            if status.has_joined(words, at) and words[at + layout.BEHIND] >> line & 1
        ]


def _strategy(chosen: WaitStrategy | str) -> WaitStrategy:
    return wait_strategy(chosen) if isinstance(chosen, str) else chosen
