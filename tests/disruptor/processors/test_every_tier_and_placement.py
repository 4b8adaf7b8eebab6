"""What LMAX's suite pins for processors, for each tier of handler, in a thread and in a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from disruptor.processors.batch_event_processor import BatchEventProcessor
from disruptor.processors.exception_handler import ExceptionHandler, Ignore, Verdict
from disruptor.processors.handler import HALT, REWIND, Lifecycle
from disruptor.processors.partition import Partition
from disruptor.processors.rewind import EventuallyGiveUp, PauseRewind
from disruptor.processors.shared_state import shared_state
from disruptor.ring.ring_buffer import Consumer, RingBuffer
from tests.disruptor.processors.scripted import (
    EVENT,
    FAIL,
    Placement,
    Run,
    Script,
    Tier,
    events,
    wait_for_sequence,
    wait_until,
)


@pytest.fixture(params=["event", "batch", "compiled"])
def tier(request: pytest.FixtureRequest) -> Tier:
    return request.param


@pytest.fixture(params=["thread", "process"])
def placement(request: pytest.FixtureRequest) -> Placement:
    return request.param


@pytest.fixture
def ring(segment_prefix: str) -> Iterator[RingBuffer]:
    made = RingBuffer.create(f"{segment_prefix}r", EVENT, 16)
    yield made
    made.unlink()


@pytest.fixture
def consumer(ring: RingBuffer) -> Consumer:
    return ring.consumer("c", strategy="blocking")


class Noted(ExceptionHandler):
    """Notes the sequences of failures where a parent sees them, and skips."""

    def __init__(self) -> None:
        self._noted = shared_state(np.int64, 100)

    def on_event(self, error: Exception, sequence: int, event: Any) -> Verdict:
        self._noted[0] += 1
        self._noted[self._noted[0]] = sequence
        return Verdict.SKIP

    @property
    def sequences(self) -> list[int]:
        return self._noted[1 : 1 + self._noted[0]].tolist()


def run_until(
    sequence: int, consumer: Consumer, placement: Placement, processor: BatchEventProcessor
) -> str:
    """Run until the consumer is there, halt, and say how the run ended."""
    run = Run(placement, processor).start()
    wait_for_sequence(consumer, sequence)
    processor.halt()
    return run.end()


def test_every_event_is_seen_once_and_in_order_over_many_laps(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script = Script()
    processor = BatchEventProcessor(consumer, script.handler(tier))
    run = Run(placement, processor).start()
    ring.producer().write(events(*range(1, 1_001)))
    wait_for_sequence(consumer, 1_000)
    processor.halt()

    assert run.end() == "returned"
    assert [(value, sequence) for value, sequence, _ in script.seen] == [
        (number, number) for number in range(1, 1_001)
    ]
    assert script.seen[-1][2]


def test_only_the_last_event_of_a_batch_is_flagged(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script = Script()
    ring.producer().write(events(*range(7)))
    processor = BatchEventProcessor(consumer, script.handler(tier), batch_size_max=3)

    assert run_until(7, consumer, placement, processor) == "returned"
    assert [sequence for _, sequence, end in script.seen if end] == [3, 6, 7]


def test_a_batchs_start_tells_its_size_and_how_much_is_ready(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    told = shared_state(np.int64, 100)

    class Sizes(Lifecycle):
        def on_batch_start(self, size: int, queue_depth: int) -> None:
            told[0] += 1
            told[told[0]] = size * 100 + queue_depth

    ring.producer().write(events(*range(7)))
    processor = BatchEventProcessor(
        consumer, Script().handler(tier), batch_size_max=3, lifecycle=Sizes()
    )

    assert run_until(7, consumer, placement, processor) == "returned"
    assert told[:4].tolist() == [3, 307, 304, 101]


def test_a_failure_halts_in_front_of_the_event(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script = Script()
    script.plan(3, FAIL)
    ring.producer().write(events(1, 2, 3, 4))
    run = Run(placement, BatchEventProcessor(consumer, script.handler(tier))).start()

    assert run.end().startswith("EventFailedError: ")
    assert script.sequences == [1, 2, 3]
    assert consumer.sequence == 2

    again = BatchEventProcessor(consumer, script.handler(tier))
    assert run_until(4, consumer, placement, again) == "returned"
    assert script.sequences == [1, 2, 3, 3, 4]


def test_a_failure_that_is_skipped_costs_one_event_and_ends_its_batch(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script, noted = Script(), Noted()
    script.plan(2, FAIL)
    script.plan(5, FAIL)
    ring.producer().write(events(1, 2, 3, 4, 5))
    processor = BatchEventProcessor(consumer, script.handler(tier), exception_handler=noted)

    assert run_until(5, consumer, placement, processor) == "returned"
    assert script.sequences == [1, 2, 3, 4, 5]
    assert noted.sequences == [2, 5]


def test_an_error_of_the_exception_handler_itself_ends_the_run_in_front_of_the_event(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    class Broken(ExceptionHandler):
        def on_event(self, error: Exception, sequence: int, event: Any) -> Verdict:
            raise LookupError(f"at {sequence}")

    script = Script()
    script.plan(2, FAIL)
    ring.producer().write(events(1, 2, 3))
    processor = BatchEventProcessor(consumer, script.handler(tier), exception_handler=Broken())

    assert Run(placement, processor).start().end() == "LookupError: at 2"
    assert consumer.sequence == 1


def test_a_rewind_shows_the_batch_again_from_its_first_event(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script = Script()
    script.plan(5, REWIND, times=2)
    ring.producer().write(events(*range(6)))
    processor = BatchEventProcessor(consumer, script.handler(tier), batch_size_max=3)

    assert run_until(6, consumer, placement, processor) == "returned"
    assert script.sequences == [1, 2, 3, 4, 5, 4, 5, 4, 5, 6]


def test_a_rewind_may_pause(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script = Script()
    script.plan(2, REWIND)
    ring.producer().write(events(1, 2))
    processor = BatchEventProcessor(consumer, script.handler(tier), rewind=PauseRewind(0.001))

    assert run_until(2, consumer, placement, processor) == "returned"
    assert script.sequences == [1, 2, 1, 2]


def test_rewinds_that_give_up_leave_the_event_to_the_exception_handler_and_count_anew(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script, noted = Script(), Noted()
    script.plan(2, REWIND, times=2)
    script.plan(4, REWIND, times=1)
    ring.producer().write(events(1, 2, 3, 4))
    processor = BatchEventProcessor(
        consumer,
        script.handler(tier),
        rewind=EventuallyGiveUp(2),
        exception_handler=noted,
        batch_size_max=2,
    )

    assert run_until(4, consumer, placement, processor) == "returned"
    assert script.sequences == [1, 2, 1, 2, 3, 4, 3, 4]
    assert noted.sequences == [1 if tier == "batch" else 2]


def test_rewinds_that_give_up_halt_by_default(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script = Script()
    script.plan(1, REWIND, times=9)
    ring.producer().write(events(1, 2))
    processor = BatchEventProcessor(consumer, script.handler(tier), rewind=EventuallyGiveUp(3))

    assert Run(placement, processor).start().end().startswith("RewindableError: ")
    assert script.sequences == [1, 1, 1]
    assert consumer.sequence == 0


def test_a_handler_may_halt_after_its_event(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script = Script()
    script.plan(4, HALT)
    ring.producer().write(events(*range(6)))
    processor = BatchEventProcessor(consumer, script.handler(tier), batch_size_max=2)

    assert Run(placement, processor).start().end() == "returned"
    assert script.sequences == [1, 2, 3, 4]
    assert consumer.sequence == 4


def test_the_lifecycle_is_told_in_order(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    told = shared_state("S1", 100)

    class Told(Lifecycle):
        def on_start(self) -> None:
            told[told.tolist().index(b"")] = b"<"

        def on_batch_start(self, size: int, queue_depth: int) -> None:
            told[told.tolist().index(b"")] = b"B"

        def on_idle(self) -> None:
            told[told.tolist().index(b"")] = b"i"

        def on_timeout(self, sequence: int) -> None:
            if sequence == 2 and b"t" not in told:
                told[told.tolist().index(b"")] = b"t"

        def on_shutdown(self) -> None:
            told[told.tolist().index(b"")] = b">"

    ring.producer().write(events(1, 2))
    processor = BatchEventProcessor(
        consumer, Script().handler(tier), lifecycle=Told(), timeout_ns=1_000_000
    )
    run = Run(placement, processor).start()
    wait_until(lambda: b"t" in told)
    processor.halt()

    assert run.end() == "returned"
    assert b"".join(told.tolist()) == b"<Bit>"


def test_a_timeout_is_told_also_when_nothing_else_is_asked_for(
    consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    told = shared_state(np.int64)

    class Timeouts(Lifecycle):
        def on_timeout(self, sequence: int) -> None:
            told[0] += 1

    processor = BatchEventProcessor(
        consumer, Script().handler(tier), lifecycle=Timeouts(), timeout_ns=1_000_000
    )
    run = Run(placement, processor).start()
    wait_until(lambda: told[0] >= 2)
    processor.halt()

    assert run.end() == "returned"


@pytest.mark.parametrize(("skips", "ends"), [(True, "returned"), (False, "OSError: no start")])
def test_an_error_at_the_start_is_the_exception_handlers(
    ring: RingBuffer,
    consumer: Consumer,
    tier: Tier,
    placement: Placement,
    skips: bool,
    ends: str,
) -> None:
    class NoStart(Lifecycle):
        def on_start(self) -> None:
            raise OSError("no start")

    script = Script()
    script.plan(1, HALT)
    ring.producer().write(events(1))
    processor = BatchEventProcessor(
        consumer,
        script.handler(tier),
        lifecycle=NoStart(),
        exception_handler=Ignore() if skips else None,
    )

    assert Run(placement, processor).start().end() == ends
    assert script.sequences == ([1] if skips else [])


@pytest.mark.parametrize(("skips", "ends"), [(True, "returned"), (False, "OSError: no end")])
def test_an_error_at_the_shutdown_is_the_exception_handlers(
    ring: RingBuffer,
    consumer: Consumer,
    tier: Tier,
    placement: Placement,
    skips: bool,
    ends: str,
) -> None:
    class NoEnd(Lifecycle):
        def on_shutdown(self) -> None:
            raise OSError("no end")

    script = Script()
    script.plan(1, HALT)
    ring.producer().write(events(1))
    processor = BatchEventProcessor(
        consumer,
        script.handler(tier),
        lifecycle=NoEnd(),
        exception_handler=Ignore() if skips else None,
    )

    assert Run(placement, processor).start().end() == ends
    assert consumer.sequence == 1


def test_an_error_of_a_batchs_start_that_is_skipped_loses_no_event(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    class Unwilling(Lifecycle):
        def on_batch_start(self, size: int, queue_depth: int) -> None:
            raise OSError("no batch")

    script, noted = Script(), Noted()
    ring.producer().write(events(1, 2))
    processor = BatchEventProcessor(
        consumer, script.handler(tier), lifecycle=Unwilling(), exception_handler=noted
    )

    assert run_until(2, consumer, placement, processor) == "returned"
    assert script.sequences == [1, 2]
    assert noted.sequences == [1]


def test_a_processor_halted_before_it_runs_handles_nothing_and_runs_the_next_time(
    ring: RingBuffer, consumer: Consumer, tier: Tier, placement: Placement
) -> None:
    script = Script()
    ring.producer().write(events(1, 2))
    processor = BatchEventProcessor(consumer, script.handler(tier))
    processor.halt()

    assert Run(placement, processor).start().end() == "returned"
    assert script.sequences == []
    assert run_until(2, consumer, placement, processor) == "returned"
    assert script.sequences == [1, 2]


@pytest.mark.parametrize("multi", [False, True])
def test_void_events_are_skipped_and_end_the_batch_before_them(
    segment_prefix: str, tier: Tier, placement: Placement, multi: bool
) -> None:
    ring = RingBuffer.create(f"{segment_prefix}voids", EVENT, 32, multi_producer=multi)
    consumers = [ring.consumer(name, strategy="blocking") for name in ("c1", "c2")]
    script, sizes = Script(), Noted()

    class Sizes(Lifecycle):
        def on_batch_start(self, size: int, queue_depth: int) -> None:
            sizes.on_event(ValueError(), size, None)

    producer = ring.producer()
    for is_void in [True, True, False, False, True, False, True, True]:
        claimed = producer.next()
        producer.slot(claimed)["value"] = claimed
        producer.void(claimed) if is_void else producer.publish(claimed)
    for consumer, lifecycle in zip(consumers, (Lifecycle(), Sizes()), strict=True):
        script.plan(6, REWIND)
        processor = BatchEventProcessor(consumer, script.handler(tier), lifecycle=lifecycle)

        assert run_until(8, consumer, placement, processor) == "returned"
    ring.unlink()

    expected = [(3, 3, False), (4, 4, True), (6, 6, True), (6, 6, True)]
    assert script.seen == expected * 2
    assert sizes.sequences == [2, 1, 1]


@pytest.mark.parametrize("key", [None, "value"])
def test_partitions_share_all_events_between_them(
    ring: RingBuffer, tier: Tier, placement: Placement, key: str | None
) -> None:
    scripts = [Script() for _ in range(3)]
    consumers = [ring.consumer(f"c{index}", strategy="blocking") for index in range(3)]
    processors = [
        BatchEventProcessor(
            consumer, script.handler(tier), partition=Partition(index, 3, key), batch_size_max=5
        )
        for index, (consumer, script) in enumerate(zip(consumers, scripts, strict=True))
    ]
    runs = [Run(placement, processor).start() for processor in processors]
    ring.producer().write(events(*(number % 7 for number in range(200))))
    for consumer, processor, run in zip(consumers, processors, runs, strict=True):
        wait_for_sequence(consumer, 200)
        processor.halt()
        assert run.end() == "returned"

    assert sorted(sequence for script in scripts for sequence in script.sequences) == [
        *range(1, 201)
    ]
    for index, script in enumerate(scripts):
        assert script.sequences == sorted(script.sequences)
        if key is None:
            assert {sequence % 3 for sequence in script.sequences} == {index}
        assert script.seen[-1][2]
    if key is not None:
        owners = [{value for value, _, _ in script.seen} for script in scripts]
        assert sum(map(len, owners)) == 7
