"""Events that come slowly: what waiting costs the consumer, and how soon it sees an event."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from disruptor import BatchEventProcessor, Compiled, RingBuffer
from disruptor.compiled import compiled, entry
from disruptor.memory.atomics import store_release
from disruptor.memory.libc import monotonic_ns
from disruptor.ring.layout import Ring
from disruptor.ring.sequencer import publish, try_next
from perf.harness.crew import Across, Work, Worker, run_crew, shared_array
from perf.ring.events import VALUE
from perf.ring.graph import WrongResultError, places

_CAPACITY: Final = 4_096
"""More than are sent: the producer keeps its pace, however late the consumer is."""


class Arrivals(NamedTuple):
    """What the handler fills in; ``times``: int64, an element an event."""

    times: NDArray[np.int64]
    control: NDArray[np.int64]  # the consumer's; non-zero ends its processor


@dataclass(frozen=True)
class PacedRun:
    """``delays_ns``: from before the claim until the handler had the event."""

    delays_ns: NDArray[np.int64]
    consumer_cpus: float  # CPU seconds a second


@compiled
def note_arrival(arrivals: Arrivals, event: Any, sequence: int, end_of_batch: bool) -> None:
    """How long ago the event's value, a time, was; after the last event the processor ends."""
    arrivals.times[sequence - 1] = monotonic_ns() - event["value"]
    if sequence == arrivals.times.size:
        store_release(arrivals.control, 0, 1)


@entry
def _publish_paced(ring: Ring, count: int, interval_ns: int) -> int:
    mask = np.uint64(ring.slots.size - 1)
    due = monotonic_ns()
    for number in range(count):
        due += interval_ns
        while monotonic_ns() < due:
            pass
        sequence = try_next(ring, 0, 1)
        if sequence < 0:
            return number
        ring.slots[np.uint64(sequence) & mask]["value"] = monotonic_ns()
        publish(ring, 0, sequence, sequence)
    return count


def run_paced(wait: str, across: Across, count: int, interval_ns: int) -> PacedRun:
    """``count`` events, one every ``interval_ns``, to a consumer that waits in this way."""
    assert count <= _CAPACITY
    ring = RingBuffer.create(f"perf.{os.getpid()}.paced", VALUE, _CAPACITY)
    ring.unlink()  # the crew inherits the mapping
    times = shared_array(count, np.int64)
    try:
        spare = ring.consumer("compile", strategy=wait)
        handler = Compiled(note_arrival, Arrivals(np.zeros(1, np.int64), spare.control))
        BatchEventProcessor(spare, handler).run_once(0)
        ring.remove_consumer("compile")
        ring.register_consumer("paced", start=0)
        _publish_paced(ring.view, 0, 0)

        def produce() -> Work:
            ring.producer("paced")
            return lambda: _publish_paced(ring.view, count, interval_ns)

        def consume() -> Work:
            consumer = ring.consumer("paced", strategy=wait)
            processor = BatchEventProcessor(
                consumer, Compiled(note_arrival, Arrivals(times, consumer.control))
            )

            def work() -> int:
                processor.run_while(lambda: consumer.sequence < count)
                return int(np.count_nonzero(times))

            return work

        here, there = places(2)
        crew = [Worker("producer", produce, here), Worker("consumer", consume, there)]
        produced, consumed = run_crew(crew, across=across)
    finally:
        ring.close()
    if (produced.result, consumed.result) != (count, count):
        raise WrongResultError(f"paced: {produced.result} sent, {consumed.result} of {count} seen")
    seconds = consumed.ended_ns - consumed.started_ns
    return PacedRun(times.copy(), consumed.cpu_ns / seconds)
