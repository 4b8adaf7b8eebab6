"""The three tiers of handlers, batches, halting, and what becomes of errors."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from disruptor.errors import ConfigurationError, DisruptorError, EvictedError
from disruptor.processors.batch_event_processor import BatchEventProcessor
from disruptor.processors.compiled_loop import compiled_loop
from disruptor.processors.exception_handler import ExceptionHandler, Ignore, Log
from disruptor.processors.handler import Compiled, EventFailedError, Handler, PerBatch
from disruptor.processors.rewind import RewindableError
from disruptor.ring.ring_buffer import Consumer, RingBuffer
from tests.disruptor.processors.handlers import add_up, fail_at_three, write_double
from tests.disruptor.processors.scripted import EVENT, FAIL, Script, events


@pytest.fixture
def ring(segment_prefix: str) -> Iterator[RingBuffer]:
    made = RingBuffer.create(f"{segment_prefix}r", EVENT, 16)
    yield made
    made.unlink()


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


@pytest.mark.parametrize("policy", [Ignore(), Log()])
def test_a_skipped_error_loses_one_event_and_is_counted(
    ring: RingBuffer, policy: ExceptionHandler, caplog: pytest.LogCaptureFixture
) -> None:
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
    logged = [record.getMessage() for record in caplog.records]
    assert logged == (["event 2 was skipped: ValueError: no"] if isinstance(policy, Log) else [])


def test_a_batch_handler_that_names_no_event_fails_for_the_whole_batch(ring: RingBuffer) -> None:
    def fail(view: np.ndarray, first: int) -> None:
        raise ValueError("no")

    consumer = ring.consumer("c")
    ring.producer().write(events(1, 2, 3))
    processor = handle_all(consumer, PerBatch(fail), exception_handler=Ignore(), batch_size_max=2)

    assert consumer.sequence == 3
    assert processor.statistics().errors_skipped == 2


def test_a_batch_ends_at_the_rings_end_for_who_is_given_views(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    sizes: list[int] = []
    for _ in range(4):
        producer.write(events(*range(10)))
        handle_all(consumer, PerBatch(lambda view, first: sizes.append(len(view))))

    assert sizes == [10, 5, 5, 10, 1, 9]


def test_an_exception_inside_of_a_compiled_handler_is_judged_at_its_event(ring: RingBuffer) -> None:
    consumer, state = ring.consumer("c"), np.zeros(1, np.int64)
    ring.producer().write(events(1, 2, 3, 4))
    processor = BatchEventProcessor(consumer, Compiled(fail_at_three, state))
    with pytest.raises(ValueError, match="no three"):
        processor.run_once(1_000)

    assert consumer.sequence == 2

    handle_all(consumer, Compiled(fail_at_three, state), exception_handler=Ignore())

    assert consumer.sequence == 4
    assert state[0] == 5


def test_a_compiled_handlers_code_is_told(ring: RingBuffer) -> None:
    script = Script()
    script.plan(2, FAIL)
    consumer = ring.consumer("c")
    ring.producer().write(events(1, 2))
    with pytest.raises(EventFailedError, match="trace returned 7 for event 2") as raised:
        BatchEventProcessor(consumer, script.handler("compiled")).run_once(1_000)

    assert (raised.value.sequence, raised.value.code) == (2, FAIL)


def test_handlers_of_all_tiers_write_into_the_event_for_those_behind(ring: RingBuffer) -> None:
    producer, behind = ring.producer(), ring.consumer("last")
    consumer = ring.consumer("c")

    def write_by_name(event: Any, sequence: int, end: bool) -> None:
        event["double"] = 2 * event["value"]

    def write_by_attribute(event: Any, sequence: int, end: bool) -> None:
        event.double = 2 * event.value

    def write_batch(view: np.ndarray, first: int) -> None:
        view["double"] = 2 * view["value"]

    handlers: list[Handler] = [
        write_by_name,
        write_by_attribute,
        PerBatch(write_batch),
        Compiled(write_double, np.zeros(1, np.int64)),
    ]
    for handler in handlers:
        producer.write(events(1, 2, 3))
        handle_all(consumer, handler)
        (view,) = behind.batches(behind.available())

        assert view["double"].tolist() == [2, 4, 6]
        behind.advance(behind.available())


def test_a_processor_runs_in_one_thread_at_a_time(ring: RingBuffer) -> None:
    handled = threading.Event()
    processor = BatchEventProcessor(ring.consumer("c"), lambda *_: handled.set())
    thread = threading.Thread(target=processor.run)
    thread.start()
    ring.producer().write(events(1))
    assert handled.wait(60)
    with pytest.raises(DisruptorError, match="runs already"):
        processor.run()
    processor.halt()
    thread.join(60)

    assert not thread.is_alive()


def test_a_handler_may_halt_its_own_processor(ring: RingBuffer) -> None:
    seen: list[int] = []

    def handle(event: Any, sequence: int, end: bool) -> None:
        seen.append(sequence)
        processor.halt()

    processor = BatchEventProcessor(ring.consumer("c"), handle, batch_size_max=2)
    ring.producer().write(events(1, 2, 3))
    processor.run()

    assert seen == [1, 2]


def test_a_handler_may_release_what_it_has_handled_of_a_long_batch(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    room: list[int] = []

    def release_each(event: Any, sequence: int, end: bool) -> None:
        processor.release(sequence)
        room.append(producer.remaining_capacity())

    processor = BatchEventProcessor(consumer, release_each)
    producer.write(events(*range(16)))

    assert processor.run_once(timeout_ns=1_000)
    assert room == list(range(1, 17))


def test_what_was_released_is_not_handled_again_after_a_rewind_or_a_failure(
    ring: RingBuffer,
) -> None:
    consumer = ring.consumer("c")
    seen: list[int] = []

    def stumble(event: Any, sequence: int, end: bool) -> None:
        seen.append(sequence)
        if sequence <= 2:
            processor.release(sequence)
        elif seen.count(3) == 1:
            raise RewindableError("again")
        elif seen.count(3) == 2:
            raise ValueError("no")

    processor = BatchEventProcessor(consumer, stumble, exception_handler=Ignore())
    ring.producer().write(events(1, 2, 3, 4))
    while processor.run_once(timeout_ns=1_000):
        pass

    assert seen == [1, 2, 3, 3, 4]
    assert consumer.sequence == 4


def test_a_batch_handler_that_released_all_and_failed_leaves_its_consumer_there(
    ring: RingBuffer,
) -> None:
    consumer = ring.consumer("c")

    def fail(view: np.ndarray, first: int) -> None:
        processor.release(first + len(view) - 1)
        raise ValueError("no")

    processor = BatchEventProcessor(consumer, PerBatch(fail), exception_handler=Ignore())
    ring.producer().write(events(1, 2, 3))

    assert processor.run_once(timeout_ns=1_000)
    assert consumer.sequence == 3


def test_what_is_behind_the_batch_in_hand_is_not_released(ring: RingBuffer) -> None:
    consumer = ring.consumer("c")

    def release_too_much(event: Any, sequence: int, end: bool) -> None:
        processor.release(sequence + 1)

    processor = BatchEventProcessor(consumer, release_too_much, batch_size_max=1)
    ring.producer().write(events(1, 2, 3))

    with pytest.raises(ValueError, match="event 2 is behind the batch in hand"):
        processor.run_once(timeout_ns=1_000)


def test_a_consumer_that_may_be_evicted_hands_over_copies(ring: RingBuffer) -> None:
    consumer, producer, seen = ring.consumer("c", lag_max=8), ring.producer(), list[int]()

    def handle(event: Any, sequence: int, end: bool) -> None:
        ring.view.slots[sequence & 15]["value"] = -1
        seen.append(event.value)

    def handle_batch(view: np.ndarray, first: int) -> None:
        assert not np.shares_memory(view, ring.view.slots)
        seen.extend(view["value"].tolist())

    for handler in (handle, PerBatch(handle_batch)):
        producer.write(events(1, 2, 3))
        handle_all(consumer, handler)

    assert seen == [1, 2, 3] * 2
    with pytest.raises(ConfigurationError, match="may be evicted does not hold"):
        BatchEventProcessor(consumer, Compiled(add_up, np.zeros(4, np.int64)))


def test_a_processor_whose_consumer_is_evicted_says_so(ring: RingBuffer) -> None:
    processor = BatchEventProcessor(ring.consumer("c", lag_max=2), lambda *_: None)
    ring.producer().write(events(*range(40)))
    with pytest.raises(EvictedError, match="further behind than it may be"):
        processor.run()


@pytest.mark.parametrize(("size", "timeout"), [(0, 1), (1, 0)])
def test_limits_below_one_are_refused(ring: RingBuffer, size: int, timeout: int) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        BatchEventProcessor(
            ring.consumer("c"), lambda *_: None, batch_size_max=size, timeout_ns=timeout
        )


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
        " np.zeros(4, np.int64), 10, 1, 0, 1000, 0, 1, np.zeros(3, np.int64))\n"
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


PROGRAM = """
import sys
import numpy as np
from numba import njit
from disruptor import BatchEventProcessor, Compiled, RingBuffer

EVENT = np.dtype([("value", np.int64)])

@njit
def add(state, event, sequence, end_of_batch):
    state[0] += event.value

def main():
    ring, state = RingBuffer.create(sys.argv[1] + __name__, EVENT, 8), np.zeros(1, np.int64)
    try:
        processor = BatchEventProcessor(ring.consumer("c"), Compiled(add, state))
        ring.producer().write(np.array([(2,), (3,)], EVENT))
        processor.run_once(1_000_000)
        print(state[0])
    finally:
        ring.unlink()

"""


@pytest.mark.parametrize("as_module", [False, True])
def test_a_program_may_hold_its_compiled_handler_itself(
    tmp_path: Path, segment_prefix: str, as_module: bool
) -> None:
    text = PROGRAM + 'if __name__ == "__main__":\n    main()\n'
    (tmp_path / "program.py").write_text(text, "utf-8")
    how = ["-m", "program"] if as_module else [str(tmp_path / "program.py")]
    ran = program(how, tmp_path, segment_prefix)

    assert (ran.stdout, ran.stderr) == ("5\n", "")


def test_a_program_that_works_whenever_it_is_imported_is_told_so(
    tmp_path: Path, segment_prefix: str
) -> None:
    (tmp_path / "program.py").write_text(f"{PROGRAM}main()\n", "utf-8")
    ran = program([str(tmp_path / "program.py")], tmp_path, segment_prefix)

    assert ran.returncode == 1
    assert "program starts its work whenever it is imported" in ran.stderr


def program(how: list[str], path: Path, ring: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[3]
    return subprocess.run(
        [sys.executable, *how, ring],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "PYTHONPATH": f"{root}:{path}"},
    )


def test_a_handler_that_no_import_finds_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="must be a function with @njit or @compiled at the top"
    ):
        compiled_loop(lambda state, event, sequence, end: None)
