"""The consumer's loop: wait on the barrier, hand over a batch, advance.

One processor is one consumer in one thread or process.  ``run`` returns when it is halted, having
finished the batch in hand; ``halt`` may be called from anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from disruptor.processors.compiled_loop import compiled_loop
from disruptor.processors.exception_handler import ExceptionHandler, Verdict, halt
from disruptor.processors.handler import Compiled, EventHandler, Handler, Lifecycle, PerBatch
from disruptor.ring.ring_buffer import Consumer

UNLIMITED: Final = 2**62
_IDLE_NS: Final = 100_000_000


@dataclass(frozen=True)
class ProcessorStatistics:
    """What a processor has done so far."""

    sequence: int
    batches: int
    errors_skipped: int


class BatchEventProcessor:
    """Runs a handler over everything that a consumer is given."""

    def __init__(
        self,
        consumer: Consumer,
        handler: Handler,
        *,
        exception_handler: ExceptionHandler = halt,
        lifecycle: Lifecycle | None = None,
        batch_size_max: int = UNLIMITED,
    ) -> None:
        self._consumer = consumer
        self._handler = handler
        self._exception_handler = exception_handler
        self._lifecycle = lifecycle or Lifecycle()
        self._batch_size_max = batch_size_max
        self._batches = 0
        self._errors_skipped = 0

    def run(self) -> None:
        """Handle events until halted.  A handler's error that is not skipped is raised."""
        self._lifecycle.on_start()
        try:
            while not self._consumer.control[0]:
                self.run_once(_IDLE_NS)
        finally:
            self._lifecycle.on_shutdown()

    def run_once(self, timeout_ns: int) -> bool:
        """Wait once and handle what came; False when nothing did.

        With a compiled handler it goes on until nothing comes for ``timeout_ns``.
        """
        before = self._consumer.sequence
        if isinstance(self._handler, Compiled):
            self._run_compiled(self._handler, timeout_ns)
        else:
            high = min(self._consumer.wait(timeout_ns), before + self._batch_size_max)
            if high > before:
                self._lifecycle.on_batch_start(high - before, high - before)
                self._hand_over(self._handler, high)
        if self._consumer.sequence == before:
            self._lifecycle.on_idle()
            return False
        self._batches += 1
        return True

    def halt(self) -> None:
        """Make ``run`` return after the batch in hand."""
        self._consumer.alert()

    def statistics(self) -> ProcessorStatistics:
        """Where the processor stands."""
        return ProcessorStatistics(self._consumer.sequence, self._batches, self._errors_skipped)

    def _run_compiled(self, handler: Compiled, timeout_ns: int) -> None:
        consumer = self._consumer
        compiled_loop(handler.function)(
            consumer._view,
            consumer.sequence_word,
            consumer.dependents,
            consumer.strategy,
            consumer.control,
            handler.state,
            self._batch_size_max,
            timeout_ns,
        )

    def _hand_over(self, handler: EventHandler | PerBatch, high: int) -> None:
        sequence = self._consumer.sequence + 1
        for events in self._consumer.batches(high):
            if isinstance(handler, PerBatch):
                self._guarded_batch(handler, events, sequence)
            else:
                self._each(handler, events, sequence, high)
            sequence += len(events)
        self._consumer.advance(high)

    def _each(self, handle: EventHandler, events: NDArray[Any], first: int, high: int) -> None:
        for sequence, event in enumerate(events, first):
            try:
                handle(event, sequence, sequence == high)
            except Exception as error:
                self._judge(error, sequence, event)

    def _guarded_batch(self, handler: PerBatch, events: NDArray[Any], first: int) -> None:
        try:
            handler.function(events, first)
        except Exception as error:
            self._judge(error, first, events)

    def _judge(self, error: Exception, sequence: int, event: Any) -> None:
        if self._exception_handler(error, sequence, event) is Verdict.HALT:
            self._consumer.advance(sequence - 1)
            raise error
        self._errors_skipped += 1
