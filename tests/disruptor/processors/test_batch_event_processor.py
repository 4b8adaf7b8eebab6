"""The three tiers of handlers, batches, halting, and what becomes of errors."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from disruptor.errors import ConfigurationError
from disruptor.processors import exception_handler
from disruptor.processors.batch_event_processor import BatchEventProcessor
from disruptor.processors.compiled_loop import compiled_loop
from disruptor.processors.handler import Compiled, Handler, Lifecycle, PerBatch
from disruptor.ring.ring_buffer import Consumer, RingBuffer
from tests.disruptor.processors.handlers import add_up

EVENT = np.dtype([("value", np.int64)])


@pytest.fixture
def ring(segment_prefix: str) -> Iterator[RingBuffer]:
    made = RingBuffer.create(f"{segment_prefix}r", EVENT, 16)
    yield made
    made.unlink()


def events(*numbers: int) -> np.ndarray:
    made = np.zeros(len(numbers), EVENT)
    made["value"] = numbers
    return made


def handle_all(consumer: Consumer, handler: Handler, **options: Any) -> BatchEventProcessor:
    processor = BatchEventProcessor(consumer, handler, **options)
    while processor.run_once(timeout_ns=1_000):
        pass
    return processor


def test_the_three_tiers_see_the_same_events(ring: RingBuffer) -> None:
    consumers = [ring.consumer(name) for name in ("each", "batch", "compiled")]
    producer = ring.producer()
    state = np.zeros(4, np.int64)
    each: list[int] = []
    batch: list[int] = []
    handlers: list[Handler] = [
        lambda event, sequence, end: each.append(int(event["value"])),
        PerBatch(lambda view, first: batch.extend(view["value"].tolist())),
        Compiled(add_up, state),
    ]
    for start in range(0, 40, 8):
        producer.write(events(*range(start, start + 8)))
        for consumer, handler in zip(consumers, handlers, strict=True):
            handle_all(consumer, handler)

    assert list(range(40)) == each == batch
    assert [sum(range(40)), 40, 5, 40] == state.tolist()
    assert [consumer.sequence for consumer in consumers] == [40, 40, 40]


def test_the_last_event_of_a_batch_is_flagged(ring: RingBuffer) -> None:
    consumer, seen = ring.consumer("c"), []
    ring.producer().write(events(1, 2, 3))
    handle_all(consumer, lambda event, sequence, end: seen.append((sequence, end)))

    assert seen == [(1, False), (2, False), (3, True)]


def test_a_batch_is_no_larger_than_its_limit(ring: RingBuffer) -> None:
    sizes: list[int] = []

    class Sizes(Lifecycle):
        def on_batch_start(self, size: int, available: int) -> None:
            sizes.append(size)

    consumer = ring.consumer("c")
    ring.producer().write(events(*range(7)))
    handle_all(consumer, lambda *_: None, lifecycle=Sizes(), batch_size_max=3)

    assert sizes == [3, 3, 1]


def test_a_handlers_error_stops_in_front_of_the_event(ring: RingBuffer) -> None:
    def fail_at_two(event: Any, sequence: int, end: bool) -> None:
        if sequence == 2:
            raise ValueError("no")

    consumer = ring.consumer("c")
    ring.producer().write(events(1, 2, 3))
    with pytest.raises(ValueError, match="no"):
        BatchEventProcessor(consumer, fail_at_two).run_once(1_000)

    assert consumer.sequence == 1


@pytest.mark.parametrize("policy", [exception_handler.ignore, exception_handler.log])
def test_a_skipped_error_loses_one_event_and_is_counted(ring: RingBuffer, policy: Any) -> None:
    seen: list[int] = []

    def fail_at_two(event: Any, sequence: int, end: bool) -> None:
        if sequence == 2:
            raise ValueError("no")
        seen.append(sequence)

    consumer = ring.consumer("c")
    ring.producer().write(events(1, 2, 3))
    processor = handle_all(consumer, fail_at_two, exception_handler=policy)

    assert seen == [1, 3]
    assert processor.statistics().errors_skipped == 1


def test_run_returns_when_it_is_halted_and_tells_its_lifecycle(ring: RingBuffer) -> None:
    told: list[str] = []

    class Told(Lifecycle):
        def on_start(self) -> None:
            told.append("start")

        def on_shutdown(self) -> None:
            told.append("shutdown")

    consumer = ring.consumer("c")
    handled = threading.Event()
    processor = BatchEventProcessor(consumer, lambda *_: handled.set(), lifecycle=Told())
    thread = threading.Thread(target=processor.run)
    thread.start()
    ring.producer().write(events(1))
    assert handled.wait(30)
    processor.halt()
    thread.join(30)

    assert not thread.is_alive()
    assert told == ["start", "shutdown"]
    assert consumer.sequence == 1


def test_a_compiled_handler_runs_in_another_process(ring: RingBuffer) -> None:
    consumer, state = ring.consumer("c"), np.zeros(4, np.int64)
    child = os.fork()
    if child == 0:
        while state[1] < 100:
            BatchEventProcessor(consumer, Compiled(add_up, state)).run_once(10_000_000)
        os._exit(0 if state[0] == sum(range(100)) else 1)
    ring.producer().write(events(*range(100)))

    assert os.waitpid(child, 0)[1] == 0


def test_a_compiled_loop_is_found_in_the_cache_by_the_next_process(segment_prefix: str) -> None:
    program = (
        "import numpy as np\n"
        "from disruptor.processors.compiled_loop import compiled_loop\n"
        "from disruptor.ring.ring_buffer import RingBuffer\n"
        "from tests.disruptor.processors.handlers import add_up\n"
        "event = np.dtype([('value', np.int64)])\n"
        f"ring = RingBuffer.create({segment_prefix + 'cache'!r}, event, 16)\n"
        "c = ring.consumer('c')\n"
        "loop = compiled_loop(add_up)\n"
        "loop(ring.view, c.sequence_word, c.dependents, c.strategy, c.control,"
        " np.zeros(4, np.int64), 10, 1000)\n"
        "ring.unlink()\n"
        "print(sum(loop.stats.cache_misses.values()))\n"
    )

    def misses() -> str:
        ran = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100
        )
        return ran.stdout.strip()

    misses()
    assert misses() == "0"


def test_a_handler_that_no_import_finds_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be a @compiled function at the top"):
        compiled_loop(lambda state, event, sequence, end: None)
