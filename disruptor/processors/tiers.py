"""How one batch is handed to a handler, in each of the three tiers.

Each tier takes the sequences low … high, which are ready and not void, and either handles them all and
advances the consumer, or stops at a failure and leaves the consumer where it stood: what becomes
of the failure is the processor's to decide, and the same for all.
"""

from __future__ import annotations

import warnings
from typing import Any, Final, NamedTuple

import numpy as np
from numba.core.errors import NumbaExperimentalFeatureWarning

from disruptor.errors import ConfigurationError
from disruptor.processors.compiled_loop import BATCHES, CODE, REPORT_WORDS, SEQUENCE, compiled_loop
from disruptor.processors.handler import (
    HALT,
    REWIND,
    Compiled,
    EventFailedError,
    EventHandler,
    HaltError,
    Handler,
    PerBatch,
)
from disruptor.processors.partition import Partition
from disruptor.processors.record import Records, records_of
from disruptor.processors.rewind import RewindableError
from disruptor.ring.layout import FIRST_CONSUMER, WORDS_PER_LINE, Ring
from disruptor.ring.ring_buffer import Consumer
from disruptor.ring.wait_strategy import WaitStrategy

_BATCHES_MAX: Final = 512
"""Batches after which a compiled loop comes back to the interpreter, which sees signals then.  While
it is there events gather: with 4,096, three handlers that each look at every event alone got 32 M
events/s instead of 55 M, because small batches take the producer's cache lines away from it."""

_TURN_NS: Final = 10_000_000
"""The longest that it stays away with a handler that takes long, a few dozen batches aside."""


class Failure(NamedTuple):
    """Why a batch stopped: what failed covers the sequences first … last."""

    error: Exception
    first: int
    last: int
    event: Any


class EventTier:
    """A Python callable per event."""

    def __init__(
        self, consumer: Consumer, handler: EventHandler, partition: Partition | None
    ) -> None:
        self._consumer = consumer
        self._handle = handler
        self._partition = partition
        self._records = Records(consumer._view.slots)
        self._copies = consumer._may_be_evicted

    def size(self, low: int, high: int) -> int:
        """How many of the events low … high make the next batch."""
        return high - low + 1

    def hand_over(self, low: int, high: int) -> Failure | None:
        """Handle the events low … high."""
        if self._partition is None:
            failure = self._all(low, high)
        else:
            failure = self._own(self._partition, low, high)
        if failure is None:
            self._consumer.advance(high)
        return failure

    def _all(self, low: int, high: int) -> Failure | None:
        handle, events = self._handle, self._events(low, high)
        last = event = events.pop()
        sequence = low
        try:
            for sequence, event in enumerate(events, low):
                handle(event, sequence, False)
            sequence, event = high, last
            handle(last, high, True)
        except Exception as error:
            return Failure(error, sequence, sequence, event)
        return None

    def _events(self, low: int, high: int) -> list[Any]:
        if not self._copies:
            return self._records.between(low, high)
        return [each for view in self._consumer.batches(high) for each in records_of(view)]

    def _own(self, partition: Partition, low: int, high: int) -> Failure | None:
        events, first = self._events(low, high), low
        own: list[int] = []
        for view in self._consumer.batches(high):
            own += (partition.offsets(view, first) + first).tolist()
            first += len(view)
        for sequence in own:
            event = events[sequence - low]
            try:
                self._handle(event, sequence, sequence == own[-1])
            except Exception as error:
                return Failure(error, sequence, sequence, event)
        return None


class BatchTier:
    """A Python callable per batch."""

    def __init__(self, consumer: Consumer, handler: PerBatch, partition: Partition | None) -> None:
        self._consumer = consumer
        self._handle = handler.function
        self._partition = partition
        self._slots = consumer._view.slots
        self._mask = len(consumer._view.slots) - 1

    def size(self, low: int, high: int) -> int:
        """How many of the events low … high make the next batch: those before the ring's end."""
        return min(high - low, self._mask - (low & self._mask)) + 1

    def hand_over(self, low: int, high: int) -> Failure | None:
        """Handle the events low … high, which do not cross the ring's end."""
        events = self._consumer.batches(high)[0]
        second: Any = low
        if self._partition is not None:
            offsets = self._partition.offsets(events, low)
            events, second = events[offsets], offsets + low
        try:
            if len(events):
                self._handle(events, second)
        except EventFailedError as error:
            if low <= error.sequence <= high:
                event = self._slots[error.sequence & self._mask]
                return Failure(error, error.sequence, error.sequence, event)
            return Failure(error, low, high, events)
        except Exception as error:
            return Failure(error, low, high, events)
        self._consumer.advance(high)
        return None


class CompiledTier:
    """A compiled function, in a loop that is compiled with it."""

    def __init__(self, consumer: Consumer, handler: Compiled, partition: Partition | None) -> None:
        self._consumer = consumer
        if consumer._may_be_evicted:
            raise ConfigurationError(
                f"compiled handler {handler.function.__name__} reads the slots themselves, which "
                "a consumer that may be evicted does not hold; use a Python handler"
            )
        self._name = handler.function.__name__
        self._state = handler.state
        self._loop = compiled_loop(handler.function, partition)
        self._share = (0, 1) if partition is None else (partition.index, partition.count)
        # Written for every event: on cache lines of its own, or handlers in threads slow each other.
        self._report = np.zeros(REPORT_WORDS + 2 * WORDS_PER_LINE, np.int64)[WORDS_PER_LINE:]
        warm_up(consumer._view, handler, partition, consumer.strategy)

    def size(self, low: int, high: int) -> int:
        """How many of the events low … high make the next batch."""
        return high - low + 1

    def hand_over(self, low: int, high: int) -> Failure | None:
        """Handle the events low … high."""
        return self._ran(high - low + 1, 1, 0, 1)[1]

    def run(self, batch_size_max: int, timeout_ns: int) -> tuple[int, Failure | None]:
        """Handle batches for a turn, or until nothing comes for ``timeout_ns``, it is halted or fails.

        How many batches were handled, and why it stopped if that was a failure.
        """
        return self._ran(batch_size_max, _BATCHES_MAX, _TURN_NS, timeout_ns)

    def _ran(
        self, batch_size_max: int, batches_max: int, turn_ns: int, timeout_ns: int
    ) -> tuple[int, Failure | None]:
        consumer, report = self._consumer, self._report
        report[:] = 0
        failure = None
        try:
            self._loop(
                consumer._view, consumer.sequence_word, consumer.dependents, consumer.strategy,
                consumer.control, self._state, batch_size_max, batches_max, turn_ns,
                timeout_ns, *self._share, report,
            )  # fmt: skip
        except Exception as error:
            failure = self._failure(error)
        if report[CODE]:
            failure = self._failure(self._error_of(int(report[CODE])))
        return int(report[BATCHES]), failure

    def _error_of(self, code: int) -> Exception:
        sequence = int(self._report[SEQUENCE])
        if code == REWIND:
            return RewindableError(f"{self._name} asks for the batch of event {sequence} again")
        if code == HALT:
            return HaltError(f"{self._name} asks to halt after event {sequence}")
        text = f"{self._name} returned {code} for event {sequence}"
        return EventFailedError(sequence, code, text)

    def _failure(self, error: Exception) -> Failure:
        sequence = int(self._report[SEQUENCE])
        slots = self._consumer._view.slots
        return Failure(error, sequence, sequence, slots[sequence & (len(slots) - 1)])


def skip_voids(consumer: Consumer, ready: int) -> tuple[int, int]:
    """Pass the void events that are next; the sequences of what follows, up to another void.

    ``ready``: up to where the consumer may read.  The first is greater than the last when nothing
    follows.
    """
    low = consumer.sequence + 1
    voids = consumer.voids(ready)
    if not voids:
        return low, ready
    passed = low - 1
    while voids and voids[0] == passed + 1:
        passed = voids.pop(0)
    if passed >= low:
        consumer.advance(passed)
    return passed + 1, voids[0] - 1 if voids else ready


def refuse_if_evicted(consumer: Consumer) -> None:
    """Raise EvictedError for a consumer that was alerted because it lost its place."""
    if consumer.is_evicted:
        consumer.wait(0)


def warm_up(
    ring: Ring, handler: Compiled, partition: Partition | None, strategy: WaitStrategy
) -> None:
    """Compile a handler's loop for this ring, or find it in the cache, without running it.

    Before processes are forked or threads started, so that they need not each do it at once.
    """
    none = np.zeros(0, np.int64)
    with warnings.catch_warnings():
        # A handler that was compiled for other events, of which these are an extension, serves.
        warnings.simplefilter("ignore", NumbaExperimentalFeatureWarning)
        compiled_loop(handler.function, partition)(
            ring, FIRST_CONSUMER, none, strategy, np.zeros(1, np.int64), handler.state, 1, 0, 0, 1,
            0, 1, np.zeros(REPORT_WORDS, np.int64),
        )  # fmt: skip


Tier = EventTier | BatchTier | CompiledTier


def tier_of(consumer: Consumer, handler: Handler, partition: Partition | None) -> Tier:
    """The tier that a handler belongs to, by what it is."""
    if partition is not None:
        partition.check(consumer._view.slots.dtype)
    if isinstance(handler, Compiled):
        return CompiledTier(consumer, handler, partition)
    if isinstance(handler, PerBatch):
        return BatchTier(consumer, handler, partition)
    return EventTier(consumer, handler, partition)
