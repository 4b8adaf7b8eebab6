"""A producer as Python sees it: claim slots, write them, publish them, or void them.

Whatever way an event is written, its slot ends as published or as void, never as a hole:

    producer.publish_event(translator, ...)     the translator writes; if it raises, a void event
    with producer.claim(n) as claim: ...        the body writes; if it raises, n void events
    producer.write(array)                       copies
    producer.next(n), slot, publish             by hand; what is claimed must be published or voided

A producer that dies in between is found by ``RingBuffer.void_dead_claims``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor.errors import AlertedError, ClaimOrderError, SegmentError, WaitTimeoutError
from disruptor.memory.process_identity import current_process
from disruptor.ring import layout, multi_producer_sequencer, single_producer_sequencer
from disruptor.ring.doors import next_sequence, publish, remaining_capacity, try_next, void
from disruptor.ring.sequencer import FULL
from disruptor.ring.wait_strategy import WaitStrategy

if TYPE_CHECKING:
    from disruptor.ring.ring_buffer import RingBuffer

FOREVER_NS: Final = 2**62
_SLICE_NS: Final = 100_000_000
"""A wait in Python is cut into such slices, so that signal handlers run in between."""

Translator = Callable[..., None]
"""(event, sequence, *arguments): writes one event in place; the event is valid during the call."""


class Producer:
    """Publishes events; one thread of one process."""

    def __init__(self, ring: RingBuffer, name: str, strategy: WaitStrategy) -> None:
        self._ring = ring
        self._view = ring.view
        self._strategy = strategy
        self._raw_slots = ring.view.slots.view(np.dtype((np.void, ring.event.itemsize)))
        self._zero = np.zeros(1, ring.event)
        self._is_claiming = False
        self.control = np.zeros(1, np.int64)
        self.line = 0
        if ring.is_multi_producer:
            self.line = self._register(name)
        else:
            single_producer_sequencer.take_over(ring.view)

    def _register(self, name: str) -> int:
        ring, owner = self._ring, current_process().packed
        packed_name = layout.pack_name(name)
        line = int(multi_producer_sequencer.register(ring.view, owner))
        if line == multi_producer_sequencer.NO_LINE:
            ring.void_dead_claims()
            line = int(multi_producer_sequencer.register(ring.view, owner))
        if line == multi_producer_sequencer.NO_LINE:
            raise SegmentError(f"ring {ring.name!r} has {layout.PRODUCERS_MAX} producers already")
        word = multi_producer_sequencer.producer_word(line, layout.NAME)
        ring.view.words[word : word + layout.NAME_WORDS] = packed_name
        return line

    def has_available_capacity(self, count: int = 1) -> bool:
        """Whether ``count`` slots are free at this moment; another producer may take them."""
        return self.remaining_capacity() >= count

    def remaining_capacity(self) -> int:
        """Free slots at this moment, 0 … capacity."""
        return int(remaining_capacity(self._view))

    def try_next(self, count: int = 1) -> int | None:
        """Claim ``count`` slots; the highest sequence, or None when there is no room."""
        claimed = try_next(self._view, self.line, self._checked(count))
        return None if claimed == FULL else int(claimed)

    def next(self, count: int = 1, timeout_ns: int = FOREVER_NS) -> int:
        """Claim ``count`` slots, waiting for room; the highest sequence.

        Raises WaitTimeoutError, or AlertedError when ``control[0]`` becomes non-zero; then nothing
        is claimed.
        """
        wait = self._checked(count), self._strategy, self.control
        waited = 0
        while True:
            piece = min(_SLICE_NS, timeout_ns - waited)
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
        slots = self._view.slots
        at = sequence & (self._ring.capacity - 1)
        return slots[at] if slots.dtype.names else slots[at, ...]

    def publish(self, low: int, high: int | None = None) -> None:
        """Make the claimed sequences low … high readable, once each.

        With several producers in any order; ClaimOrderError on a single-producer ring when ``low``
        is not the first that is unpublished.
        """
        self._in_order(low)
        publish(self._view, self.line, low, low if high is None else high)

    def void(self, low: int, high: int | None = None) -> None:
        """Give the claimed sequences low … high up: consumers skip them, and they are counted."""
        self._in_order(low)
        void(self._view, self.line, low, low if high is None else high, self._zero)

    def claim(self, count: int = 1, timeout_ns: int = FOREVER_NS) -> Claim:
        """Claim ``count`` slots for the body of a ``with`` statement; raises as ``next`` does.

        ClaimOrderError for a claim within another one of a single-producer ring.
        """
        self._refuse_a_second_claim()
        high = self.next(count, timeout_ns)
        return self._claim_up_to(high, count)

    def try_claim(self, count: int = 1) -> Claim | None:
        """``claim`` without waiting: None when there is no room."""
        self._refuse_a_second_claim()
        high = self.try_next(count)
        return None if high is None else self._claim_up_to(high, count)

    def publish_event(
        self, translator: Translator, *arguments: Any, timeout_ns: int = FOREVER_NS
    ) -> int:
        """Let ``translator(event, sequence, *arguments)`` write one event; its sequence.

        If it raises, the sequence is voided and the error goes on to the caller.
        """
        with self.claim(1, timeout_ns) as claim:
            translator(self.slot(claim.high), claim.high, *arguments)
        return claim.high

    def try_publish_event(self, translator: Translator, *arguments: Any) -> int | None:
        """``publish_event`` without waiting: None, and no call, when there is no room."""
        claim = self.try_claim()
        if claim is None:
            return None
        with claim:
            translator(self.slot(claim.high), claim.high, *arguments)
        return claim.high

    def publish_events(
        self,
        translator: Translator,
        rows: Sequence[tuple[Any, ...]],
        timeout_ns: int = FOREVER_NS,
    ) -> int:
        """One event a row, ``translator(event, sequence, *row)``, in one claim; the last sequence.

        If the translator raises for one of them, all of them are voided.
        """
        with self.claim(len(rows), timeout_ns) as claim:
            for (sequence, event), row in zip(claim, rows, strict=True):
                translator(event, sequence, *row)
        return claim.high

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
            with self.claim(len(piece), timeout_ns) as claim:
                claim.write(piece)
            high = claim.high
        return high

    def close(self) -> None:
        """Give the producer's place back.

        While a claim is unpublished the place is kept, and the claim is voided when the process
        has ended.
        """
        if self._ring.is_multi_producer:
            multi_producer_sequencer.unregister(self._view, self.line)

    def _claim_up_to(self, high: int, count: int) -> Claim:
        self._is_claiming = True
        return Claim(self, high - count + 1, high)

    def _refuse_a_second_claim(self) -> None:
        if self._is_claiming and not self._ring.is_multi_producer:
            raise ClaimOrderError(
                f"ring {self._ring.name!r} has a single producer, which must end its claim before "
                "it makes another"
            )

    def _in_order(self, low: int) -> None:
        if self._ring.is_multi_producer:
            return
        first = int(self._view.words[layout.CURSOR]) + 1
        if low != first:
            raise ClaimOrderError(
                f"ring {self._ring.name!r} has a single producer, whose next sequence to publish "
                f"is {first}, not {low}"
            )

    def _checked(self, count: int) -> int:
        if not 1 <= count <= self._ring.capacity:
            raise ValueError(f"count={count} must be from 1 to the capacity {self._ring.capacity}")
        return count


class Claim:
    """Claimed slots, for the producer's thread: published when ``with`` ends, voided when it raises.

    with producer.claim(2) as claim:
        for sequence, event in claim:
            event["price"] = ...
    """

    def __init__(self, producer: Producer, low: int, high: int) -> None:
        self._producer = producer
        self.low = low
        self.high = high

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._producer._is_claiming = False
        if kind is None:
            self._producer.publish(self.low, self.high)
        else:
            self._producer.void(self.low, self.high)

    def __len__(self) -> int:
        return self.high - self.low + 1

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """(sequence, event) for each slot, in order."""
        for sequence in range(self.low, self.high + 1):
            yield sequence, self._producer.slot(sequence)

    def write(self, events: NDArray[Any]) -> None:
        """Copy one event into each slot; ValueError when there are more or fewer."""
        if len(events) != len(self):
            raise ValueError(f"{len(events)} events do not fill a claim of {len(self)} slots")
        slots, capacity = self._producer._view.slots, self._producer._ring.capacity
        if events.dtype == slots.dtype:  # numpy would copy field by field, ten times slower
            slots, events = self._producer._raw_slots, events.view(self._producer._raw_slots.dtype)
        at = self.low & (capacity - 1)
        first = min(len(events), capacity - at)
        slots[at : at + first] = events[:first]
        slots[: len(events) - first] = events[first:]
