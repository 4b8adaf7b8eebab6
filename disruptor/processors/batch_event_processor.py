"""The consumer's loop: wait on the barrier, hand over a batch, advance.

One processor is one consumer in one thread or process.  What its handler may signal, and what
follows, is the same in the three tiers and stands in handler.py; what differs between them is
only how a batch is handed over, which tiers.py owns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from disruptor.errors import DisruptorError
from disruptor.processors.exception_handler import ExceptionHandler, Halt, Verdict
from disruptor.processors.handler import HaltError, Handler, Lifecycle
from disruptor.processors.partition import Partition
from disruptor.processors.rewind import RewindableError, RewindStrategy, SimpleRewind
from disruptor.processors.tiers import CompiledTier, Failure, refuse_if_evicted, skip_voids, tier_of
from disruptor.ring.ring_buffer import Consumer

UNLIMITED: Final = 2**62
_TIMEOUT_NS: Final = 100_000_000


@dataclass(frozen=True)
class ProcessorStatistics:
    """What a processor has done so far."""

    sequence: int
    batches: int
    errors_skipped: int
    rewinds: int


class BatchEventProcessor:
    """Runs a handler over everything that a consumer is given.

    ``run`` and ``run_once`` are for one thread at a time; ``halt`` and ``statistics`` may be called
    from any thread of the process, ``halt`` also from the handler itself.
    """

    def __init__(
        self,
        consumer: Consumer,
        handler: Handler,
        *,
        exception_handler: ExceptionHandler | None = None,
        lifecycle: Lifecycle | None = None,
        rewind: RewindStrategy | None = None,
        partition: Partition | None = None,
        batch_size_max: int = UNLIMITED,
        timeout_ns: int = _TIMEOUT_NS,
    ) -> None:
        """``timeout_ns``: how long ``run`` waits before ``on_timeout`` is told, again and again.

        Raises ValueError for a limit below 1, ConfigurationError for a compiled handler that no
        import finds again or a partition by a key that is no integer field.
        """
        if batch_size_max < 1 or timeout_ns < 1:
            raise ValueError(f"{batch_size_max=} and {timeout_ns=} must be at least 1")
        self._consumer = consumer
        self._tier = tier_of(consumer, handler, partition)
        self._exception_handler = exception_handler or Halt()
        self._lifecycle = lifecycle or Lifecycle()
        self._rewind = rewind or SimpleRewind()
        self._batch_size_max = batch_size_max
        self._timeout_ns = timeout_ns
        self._tells_idle = self._overrides("on_idle")
        self._tells_batches = self._overrides("on_batch_start") or self._tells_idle
        self._is_idle = False
        self._is_done = False
        self._running = threading.Lock()
        self._batch_end = 0
        self._attempts = 0
        self._batches = 0
        self._errors_skipped = 0
        self._rewinds = 0

    def run(self) -> None:
        """Handle events until halted.  A handler's error that is not skipped is raised.

        Halted before it began, it only starts and shuts down.  DisruptorError when it runs already,
        EvictedError when its consumer was too far behind.
        """
        self.run_while(lambda: True)

    def run_while(self, goes_on: Callable[[], bool]) -> None:
        """``run``, but only as long as ``goes_on()``, which is asked once in a while.

        After each batch, each timeout and, of a compiled handler, each turn of some milliseconds.
        """
        if not self._running.acquire(blocking=False):
            raise DisruptorError("the processor runs already, in another thread")
        try:
            self._guarded(self._lifecycle.on_start, self._exception_handler.on_start)
            try:
                self._is_done = False
                while not self._is_done and not self._consumer.control[0] and goes_on():
                    self._turn()
                refuse_if_evicted(self._consumer)
            finally:
                self._guarded(self._lifecycle.on_shutdown, self._exception_handler.on_shutdown)
        finally:
            self._consumer.clear_alert()
            self._running.release()

    def run_once(self, timeout_ns: int) -> bool:
        """Wait once and handle one batch at most; False when nothing came.

        For consumers that own their loop; tells no start and no shutdown.
        """
        low = self._consumer.sequence + 1
        ready = self._wait(low, timeout_ns)
        if ready < low:
            return False
        low, high = skip_voids(self._consumer, ready)
        if high < low:
            return True
        size = self._tier.size(low, min(high, low + self._batch_size_max - 1))
        if self._tells_batches:
            self._tell(self._lifecycle.on_batch_start, size, ready - low + 1)
        self._batch_end = low + size - 1
        failure = self._tier.hand_over(low, self._batch_end)
        self._settle(failure, 1 if failure is None else 0)
        return True

    def release(self, sequence: int) -> None:
        """Give up the events up to ``sequence`` before the batch is done; for a Python handler to call.

        Producers may use their slots again and dependents may read on, which keeps a ring going while
        a handler is long at one batch.  They are not handled again: a rewind begins behind them.
        ValueError when the batch in hand ends earlier.
        """
        if sequence > self._batch_end:
            raise ValueError(f"event {sequence} is behind the batch in hand ({self._batch_end=})")
        self._advance(sequence)

    def halt(self) -> None:
        """Make ``run`` return after the batch in hand, or at once when it begins."""
        self._consumer.alert()

    def statistics(self) -> ProcessorStatistics:
        """Where the processor stands."""
        return ProcessorStatistics(
            self._consumer.sequence, self._batches, self._errors_skipped, self._rewinds
        )

    def _turn(self) -> None:
        if self._tells_batches or not isinstance(self._tier, CompiledTier):
            self.run_once(self._timeout_ns)
            return
        before = self._consumer.sequence
        batches, failure = self._tier.run(self._batch_size_max, self._timeout_ns)
        self._settle(failure, batches)
        if not batches and failure is None:
            self._after_timeout(before)

    def _wait(self, low: int, timeout_ns: int) -> int:
        """The highest sequence that is ready, waiting for it; idleness and timeouts are told."""
        ready = self._consumer.available()
        if ready >= low:
            self._is_idle = False
            return ready
        if self._tells_idle and not self._is_idle:
            self._is_idle = True
            self._tell(self._lifecycle.on_idle)
        ready = self._consumer.wait(timeout_ns)
        if ready < low:
            self._after_timeout(low - 1)
        return ready

    def _after_timeout(self, sequence: int) -> None:
        if not self._consumer.control[0]:
            self._tell(self._lifecycle.on_timeout, sequence)

    def _settle(self, failure: Failure | None, batches: int) -> None:
        """Count the batches that were handled, and do what the failure of a next one asks for."""
        self._batches += batches
        if batches:
            self._attempts = 0
        if failure is None:
            return
        error = failure.error
        if isinstance(error, HaltError):
            self._advance(failure.last)
            self._is_done = True
            return
        if isinstance(error, RewindableError):
            self._attempts += 1
            if self._rewind.should_rewind(error, self._attempts):
                self._rewinds += 1
                return
        self._attempts = 0
        self._advance(failure.first - 1)
        self._judge(error, failure.first, failure.event)
        self._advance(failure.last)

    def _advance(self, sequence: int) -> None:
        """Never backwards: some of a batch may have been released before it failed."""
        if sequence > self._consumer.sequence:
            self._consumer.advance(sequence)

    def _judge(self, error: Exception, sequence: int, event: Any) -> None:
        if self._exception_handler.on_event(error, sequence, event) is Verdict.HALT:
            raise error
        self._errors_skipped += 1

    def _tell(self, callback: Callable[..., None], *arguments: int) -> None:
        try:
            callback(*arguments)
        except Exception as error:
            self._judge(error, self._consumer.sequence + 1, None)

    def _guarded(self, callback: Callable[[], None], judge: Callable[[Exception], Verdict]) -> None:
        try:
            callback()
        except Exception as error:
            if judge(error) is Verdict.HALT:
                raise

    def _overrides(self, name: str) -> bool:
        own = getattr(self._lifecycle, name)
        return getattr(own, "__func__", own) is not getattr(Lifecycle, name)
