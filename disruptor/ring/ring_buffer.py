"""A ring by name: create or attach it, and take part in it as producer or consumer.

These are the Python faces of the compiled functions in this package; they call the very same
code.  A ``RingBuffer`` may be used by any process and thread; a ``Producer`` or ``Consumer``
belongs to one thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor.errors import AlertedError, LayoutMismatchError, SegmentError, WaitTimeoutError
from disruptor.memory.libc import register_for_barriers
from disruptor.memory.process_identity import ProcessIdentity, current_process
from disruptor.memory.segment import HEADER_BYTES, PAGE_BYTES, Segment
from disruptor.ring import gating, layout, multi_producer_sequencer, single_producer_sequencer
from disruptor.ring.availability import NEVER
from disruptor.ring.doors import (
    advance,
    available,
    next_sequence,
    publish,
    signal,
    try_next,
    wait_for,
)
from disruptor.ring.layout import Ring
from disruptor.ring.sequencer import FULL, cursor
from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy

NO_LINE: Final = -1
FOREVER_NS: Final = 2**62


@dataclass(frozen=True)
class ConsumerStatus:
    """One consumer of a ring, as anybody may see it."""

    name: str
    sequence: int
    gates: bool
    owner: ProcessIdentity


@dataclass(frozen=True)
class RingStatistics:
    """What a ring looks like at one moment; the numbers are read one after the other."""

    name: str
    capacity: int
    cursor: int
    remaining_capacity: int
    stalls: int
    voided: int
    consumers: tuple[ConsumerStatus, ...]


class RingBuffer:
    """A typed ring in shared memory."""

    def __init__(self, segment: Segment, event: np.dtype, capacity: int, multi: bool) -> None:
        self._segment = segment
        self.name = segment.name
        self.event = event
        self.capacity = capacity
        self.is_multi_producer = multi
        laps = capacity if multi else 0
        self.view = Ring(
            words=segment.array(np.int64, layout.WORD_COUNT, PAGE_BYTES),
            laps=segment.array(np.int64, laps, layout.laps_offset()),
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
        ring.view.laps[:] = NEVER
        segment.publish()
        register_for_barriers()
        return ring

    @classmethod
    def attach(cls, name: str, event: np.dtype | None = None) -> RingBuffer:
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
        register_for_barriers()
        return cls(segment, found, int(header["capacity"]), bool(header["multi_producer"]))

    def producer(self, name: str = "", strategy: WaitStrategy | str = "adaptive") -> Producer:
        """Become a producer.  A single-producer ring's predecessor must be gone."""
        return Producer(self, name, _strategy(strategy))

    def register_consumer(
        self,
        name: str,
        *,
        start: int = -1,
        gates: bool = True,
        owner: ProcessIdentity | None = None,
    ) -> int:
        """Reserve a consumer's line and name it; its number, for ``consumer``.

        ``start``: the last sequence that it needs not see, not older than that of the slowest
        gating consumer; -1 means from now on.  A gating consumer holds producers back from this
        moment, whether or not it reads.  One that does not gate (``gates=False``) must have a
        gating one behind it, or producers overwrite what it reads.  SegmentError for a name of
        more than 48 bytes, a ring without a free line, or a ``start`` that is gone.
        """
        who = owner or current_process()
        words = _name_words(name)
        line = int(gating.join(self.view, start, gates, who.pid, who.start_time, words))
        if line == gating.TOO_LATE:
            raise SegmentError(
                f"ring {self.name!r}: consumer {name!r} cannot start after {start}, which no "
                f"other consumer holds any more; the cursor is {self.cursor}"
            )
        if line == NO_LINE:
            raise SegmentError(
                f"ring {self.name!r} has {layout.CONSUMERS_MAX} consumers already; remove one first"
            )
        return line

    def consumer(
        self,
        name: str,
        *,
        after: tuple[str, ...] = (),
        strategy: WaitStrategy | str = "adaptive",
        start: int = -1,
        gates: bool = True,
    ) -> Consumer:
        """Become the consumer ``name``: take over its registered line, or register one now."""
        line = self.line_of(name)
        if line == NO_LINE:
            line = self.register_consumer(name, start=start, gates=gates)
        elif not self._owner_of(line).is_alive():
            # An alert was meant for the predecessor.
            self.view.words[gating.consumer_word(line, layout.ALERT)] = 0
        identity = current_process()
        self.view.words[gating.consumer_word(line, layout.PID)] = identity.pid
        self.view.words[gating.consumer_word(line, layout.START_TIME)] = identity.start_time
        return Consumer(self, line, self.dependents(after), _strategy(strategy))

    def dependents(self, names: tuple[str, ...]) -> NDArray[np.int64]:
        """The sequence words of these consumers, for ``barrier.wait_for``; all must be registered."""
        words = []
        for name in names:
            line = self.line_of(name)
            if line == NO_LINE:
                raise SegmentError(f"ring {self.name!r} has no consumer {name!r} to wait for")
            words.append(gating.consumer_word(line, layout.SEQUENCE))
        return np.array(words, np.int64)

    def remove_consumer(self, name: str) -> None:
        """Stop gating on this consumer and free its line."""
        line = self.line_of(name)
        if line != NO_LINE:
            gating.leave(self.view, line)
            signal(self.view.words, layout.CONSUMED_EPOCH)

    def line_of(self, name: str) -> int:
        """Line of the consumer with this name, or NO_LINE."""
        for line in range(int(self.view.words[layout.CONSUMER_COUNT])):
            state = self.view.words[gating.consumer_word(line, layout.STATE)]
            if state in (layout.GATING, layout.OBSERVING) and self._name_at(line) == name:
                return line
        return NO_LINE

    def wake_everybody(self) -> None:
        """Make every sleeper look at its control word now instead of at its timeout."""
        for epoch in (layout.PUBLISHED_EPOCH, layout.CONSUMED_EPOCH):
            self.view.words[epoch + layout.SLEEPERS_OFFSET] = 1
            signal(self.view.words, epoch)

    def void_dead_claims(self) -> int:
        """Fill the holes of producers that are proven dead; how many events were voided.

        Any process may call this, in general the supervisor does.  Holes that overlap a living
        producer's unfinished claim stay until the next call.
        """
        words = self.view.words
        word = multi_producer_sequencer.producer_word
        zero = np.zeros(1, self.event)
        voided = 0
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
        words = self.view.words
        consumers = []
        for line in range(int(words[layout.CONSUMER_COUNT])):
            state = words[gating.consumer_word(line, layout.STATE)]
            if state not in (layout.GATING, layout.OBSERVING):
                continue
            sequence = int(words[gating.consumer_word(line, layout.SEQUENCE)])
            name, gates = self._name_at(line), bool(state == layout.GATING)
            consumers.append(ConsumerStatus(name, sequence, gates, self._owner_of(line)))
        at = self.cursor
        gate = min((each.sequence for each in consumers if each.gates), default=at)
        return RingStatistics(
            name=self.name,
            capacity=self.capacity,
            cursor=at,
            remaining_capacity=max(0, min(self.capacity, self.capacity - (at - gate))),
            stalls=int(words[layout.STALLS]),
            voided=int(words[layout.VOIDED]),
            consumers=tuple(consumers),
        )

    @property
    def cursor(self) -> int:
        """Highest published sequence (single producer) or highest claimed one (multi-producer)."""
        return int(cursor(self.view))

    def events(self, low: int, high: int) -> NDArray[Any]:
        """A copy of the events low … high, which the caller knows to be readable."""
        indices = np.arange(low, high + 1) & (self.capacity - 1)
        copied: NDArray[Any] = self.view.slots[indices]
        return copied

    def close(self) -> None:
        """Drop this process's mapping; views keep theirs alive."""
        self._segment.close()

    def unlink(self) -> None:
        """Remove the name; for the owner, when everybody is done."""
        self._segment.unlink()

    def _owner_of(self, line: int) -> ProcessIdentity:
        words = self.view.words
        return ProcessIdentity(
            int(words[gating.consumer_word(line, layout.PID)]),
            int(words[gating.consumer_word(line, layout.START_TIME)]),
        )

    def _name_at(self, line: int) -> str:
        word = int(gating.consumer_word(line, layout.NAME))
        packed = self.view.words[word : word + layout.NAME_WORDS].tobytes()
        return packed.rstrip(b"\0").decode(errors="replace")


class Producer:
    """Publishes events; one thread of one process."""

    def __init__(self, ring: RingBuffer, name: str, strategy: WaitStrategy) -> None:
        self._ring = ring
        self._view = ring.view
        self._strategy = strategy
        self.control = np.zeros(1, np.int64)
        self.line = 0
        if ring.is_multi_producer:
            packed_name = _name_words(name)
            self.line = int(multi_producer_sequencer.register(ring.view, current_process().packed))
            if self.line == NO_LINE:
                raise SegmentError(
                    f"ring {ring.name!r} has {layout.PRODUCERS_MAX} producers already"
                )
            word = multi_producer_sequencer.producer_word(self.line, layout.NAME)
            ring.view.words[word : word + layout.NAME_WORDS] = packed_name
        else:
            single_producer_sequencer.take_over(ring.view)

    def try_next(self, count: int = 1) -> int | None:
        """Claim ``count`` slots; the highest sequence, or None when there is no room."""
        claimed = try_next(self._view, self.line, self._checked(count))
        return None if claimed == FULL else int(claimed)

    def next(self, count: int = 1, timeout_ns: int = FOREVER_NS) -> int:
        """Claim ``count`` slots, waiting for room; the highest sequence.

        Raises WaitTimeoutError, or AlertedError when ``control[0]`` becomes non-zero.
        """
        wait = self._checked(count), self._strategy, self.control
        waited = 0
        while True:
            # In slices, so that Python's signal handlers run in between.
            piece = min(100_000_000, timeout_ns - waited)
            claimed = next_sequence(self._view, self.line, *wait, piece)
            if claimed != FULL:
                return int(claimed)
            if self.control[0]:
                raise AlertedError(f"the producer on ring {self._ring.name!r} was alerted")
            waited += piece
            if waited >= timeout_ns:
                raise WaitTimeoutError(
                    f"ring {self._ring.name!r} had no room for {count} events in {timeout_ns} ns"
                )

    def slot(self, sequence: int) -> Any:
        """The slot of a claimed sequence, to be written before it is published."""
        return self._view.slots[sequence & (self._ring.capacity - 1)]

    def publish(self, low: int, high: int | None = None) -> None:
        """Make the claimed sequences low … high readable, once each."""
        publish(self._view, self.line, low, low if high is None else high)

    def write(self, events: NDArray[Any], timeout_ns: int = FOREVER_NS) -> int:
        """Claim, copy and publish an array of events in pieces that fit; the last sequence.

        ValueError when the array's dtype is not the ring's; then nothing is claimed.
        """
        if events.dtype != self._ring.event:
            raise ValueError(
                f"ring {self._ring.name!r} holds events of {self._ring.event}, not {events.dtype}"
            )
        piece_max = max(1, self._ring.capacity // 4)
        high = self._ring.cursor
        for start in range(0, len(events), piece_max):
            piece = events[start : start + piece_max]
            high = self.next(len(piece), timeout_ns)
            self._copy(high - len(piece) + 1, piece)
            self.publish(high - len(piece) + 1, high)
        return high

    def close(self) -> None:
        """Give the producer's place back.

        While a claim is unpublished the place is kept, and the claim is voided when the process
        has ended.
        """
        if self._ring.is_multi_producer:
            multi_producer_sequencer.unregister(self._view, self.line)

    def _copy(self, low: int, events: NDArray[Any]) -> None:
        slots = self._view.slots
        at = low & (self._ring.capacity - 1)
        first = min(len(events), self._ring.capacity - at)
        slots[at : at + first] = events[:first]
        slots[: len(events) - first] = events[first:]

    def _checked(self, count: int) -> int:
        if not 1 <= count <= self._ring.capacity:
            raise ValueError(f"count={count} must be from 1 to the capacity {self._ring.capacity}")
        return count


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
        self.control = ring.view.words[alert : alert + 1]

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

        Equal to ``sequence`` when the time is over or the consumer was alerted.
        """
        wanted, waited = self.sequence + 1, 0
        while True:
            piece = min(100_000_000, timeout_ns - waited)
            reached = wait_for(
                self._view, self.dependents, wanted, self.strategy, self.control, piece
            )
            waited += piece
            if reached >= wanted or self.control[0] or waited >= timeout_ns:
                return max(wanted - 1, int(reached))

    def batches(self, high: int) -> list[NDArray[Any]]:
        """Zero-copy views of everything after ``sequence`` up to ``high``: one, or two at the wrap.

        They may be used until ``advance``; then the producer may write there.
        """
        low, capacity = self.sequence + 1, self._ring.capacity
        if high < low:
            return []
        start, end = low & (capacity - 1), high & (capacity - 1)
        slots = self._view.slots
        if start <= end:
            return [slots[start : end + 1]]
        return [slots[start:], slots[: end + 1]]

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


def _name_words(name: str) -> NDArray[np.int64]:
    encoded, size = name.encode(), layout.NAME_WORDS * 8
    if len(encoded) > size:
        raise SegmentError(f"the name {name!r} has {len(encoded)} bytes; the most is {size}")
    return np.frombuffer(encoded.ljust(size, b"\0"), np.int64)


def _strategy(chosen: WaitStrategy | str) -> WaitStrategy:
    return wait_strategy(chosen) if isinstance(chosen, str) else chosen
