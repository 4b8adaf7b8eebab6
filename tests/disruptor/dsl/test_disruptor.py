"""The DSL, as LMAX's own suite pins it, in threads and in processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from disruptor.dsl.disruptor import Disruptor
from disruptor.dsl.workers import ProcessWorker
from disruptor.errors import DisruptorError, GraphError, ProcessFailedError, WaitTimeoutError
from disruptor.memory.segment import existing
from disruptor.processors.batch_event_processor import BatchEventProcessor
from disruptor.processors.exception_handler import Ignore
from disruptor.processors.handler import Compiled, HaltError, Lifecycle, PerBatch
from disruptor.processors.partition import Partition
from disruptor.processors.shared_state import shared_state
from disruptor.ring import layout
from disruptor.ring.gating import consumer_word
from tests.disruptor.processors.handlers import add_up
from tests.disruptor.processors.scripted import wait_until

EVENT = np.dtype([("value", np.int64), ("double", np.int64), ("square", np.int64)])
Place = Literal["threads", "processes"]


@pytest.fixture(params=["threads", "processes"])
def place(request: pytest.FixtureRequest) -> Place:
    return request.param


@pytest.fixture
def name(segment_prefix: str) -> str:
    return f"{segment_prefix}dsl"


def numbers(count: int, first: int = 1) -> NDArray[Any]:
    events = np.zeros(count, EVENT)
    events["value"] = np.arange(first, first + count)
    return events


def double(events: NDArray[Any], first: int) -> None:
    events["double"] = 2 * events["value"]


def square(event: Any, sequence: int, end_of_batch: bool) -> None:
    event.square = event.value**2


class Sum:
    """Adds ``double`` and ``square`` up where the parent sees it; notes the order of values."""

    def __init__(self) -> None:
        self.totals = shared_state(np.int64, 3)

    def __call__(self, event: Any, sequence: int, end_of_batch: bool) -> None:
        self.totals += event["double"], event["square"], event["value"] == sequence


@pytest.mark.parametrize("producer", ["single", "multi"])
def test_a_diamond_sees_what_both_sides_have_finished(
    name: str, place: Place, producer: Literal["single", "multi"]
) -> None:
    total = Sum()
    disruptor = Disruptor(EVENT, 16, run_in=place, producer=producer, name=name)
    disruptor.handle_events_with(PerBatch(double), square).then(total)
    with disruptor:
        disruptor.publish(numbers(200))
        disruptor.publish(value=201)

    assert total.totals.tolist() == [
        sum(2 * value for value in range(1, 202)),
        sum(value**2 for value in range(1, 202)),
        201,
    ]
    assert existing(name) == []


def test_a_chain_and_a_branch_after_and_joined_groups(name: str, place: Place) -> None:
    state, total, joined = shared_state(np.int64, 4), Sum(), Sum()
    disruptor = Disruptor(EVENT, 16, run_in=place, name=name)
    first = disruptor.handle_events_with(PerBatch(double))
    second = disruptor.handle_events_with(square)
    disruptor.after(double).handle_events_with(Compiled(add_up, state))
    disruptor.after(double, square).then(total)
    first.and_(second).then(joined)
    with disruptor:
        disruptor.publish(numbers(100))
        gates = {each.name for each in disruptor.ring.statistics().consumers if each.gates}

    assert gates == {"add_up", "Sum", "Sum-2"}
    assert state[:2].tolist() == [sum(range(1, 101)), 100]
    assert total.totals.tolist() == joined.totals.tolist()
    assert total.totals[2] == 100


def test_a_handler_takes_its_options(name: str, place: Place) -> None:
    seen = shared_state(np.int64, 2)

    def fail(event: Any, sequence: int, end_of_batch: bool) -> None:
        seen[0] += end_of_batch
        raise ValueError("no")

    def count(event: Any, sequence: int, end_of_batch: bool) -> None:
        seen[1] += 1

    disruptor = Disruptor(EVENT, 16, run_in=place, name=name)
    disruptor.handle_events_with(fail, count)
    disruptor.configure(
        fail, name="failing", exception_handler=Ignore(), batch_size_max=1, wait="blocking"
    ).configure(count, partition=Partition(0, 2))
    with disruptor:
        disruptor.publish(numbers(10))
        known = {each.name for each in disruptor.ring.statistics().consumers}

    assert known == {"failing", "count"}
    assert seen.tolist() == [10, 5]


def test_a_failed_handler_fails_who_publishes_and_the_shutdown(name: str, place: Place) -> None:
    def fail(event: Any, sequence: int, end_of_batch: bool) -> None:
        raise ValueError("no such event")

    disruptor = Disruptor(EVENT, 4, run_in=place, name=name)
    disruptor.handle_events_with(fail)
    disruptor.start()
    with pytest.raises(ProcessFailedError, match=r"handler fail.* ValueError: no such event"):
        disruptor.publish(numbers(100))
    with pytest.raises(ProcessFailedError, match="no such event"):
        disruptor.shutdown()

    assert list(disruptor.failures()) == ["fail"]
    assert existing(name) == []


def test_a_default_exception_handler_is_for_those_without_their_own(
    name: str, place: Place
) -> None:
    def fail(event: Any, sequence: int, end_of_batch: bool) -> None:
        raise ValueError("no")

    disruptor = Disruptor(EVENT, 4, run_in=place, name=name, exception_handler=Ignore())
    disruptor.handle_events_with(fail)
    with disruptor:
        disruptor.publish(numbers(100))

    assert disruptor.failures() == {}


def test_an_error_at_the_shutdown_of_a_handler_is_raised(name: str, place: Place) -> None:
    class NoEnd(Lifecycle):
        def on_shutdown(self) -> None:
            raise OSError("no end")

    disruptor = Disruptor(EVENT, 4, run_in=place, name=name)
    disruptor.handle_events_with(square)
    disruptor.configure(square, lifecycle=NoEnd())
    disruptor.start()
    disruptor.publish(numbers(3))
    with pytest.raises(ProcessFailedError, match="no end"):
        disruptor.shutdown()


def test_shutdown_waits_for_what_is_published_but_no_longer_than_it_may(
    name: str, place: Place
) -> None:
    gate, seen = shared_state(np.int64), shared_state(np.int64)

    def slow(event: Any, sequence: int, end_of_batch: bool) -> None:
        while not gate[0]:
            time.sleep(0.001)
        seen[0] += 1

    disruptor = Disruptor(EVENT, 16, run_in=place, name=name)
    disruptor.handle_events_with(slow)
    disruptor.start()
    disruptor.publish(numbers(5))
    with pytest.raises(WaitTimeoutError, match="the cursor is 5, slow at"):
        disruptor.shutdown(timeout_s=0.01)
    gate[0] = 1
    disruptor.shutdown(timeout_s=60)

    assert seen[0] == 5


def test_halt_ends_after_the_batch_in_hand(name: str, place: Place) -> None:
    gate, seen = shared_state(np.int64), shared_state(np.int64)

    def slow(event: Any, sequence: int, end_of_batch: bool) -> None:
        seen[0] += 1
        while not gate[0]:
            time.sleep(0.001)

    disruptor = Disruptor(EVENT, 16, run_in=place, name=name)
    disruptor.handle_events_with(slow)
    disruptor.configure(slow, batch_size_max=1)
    ring = disruptor.start()
    alert = consumer_word(ring.line_of("slow"), layout.ALERT)

    def open_when_alerted() -> None:
        wait_until(lambda: bool(ring.view.words[alert]))
        gate[0] = 1

    disruptor.publish(numbers(5))
    wait_until(lambda: bool(seen[0]))
    opening = threading.Thread(target=open_when_alerted)
    opening.start()
    disruptor.halt()
    opening.join()

    assert seen[0] == 1
    assert ring.cursor == 5
    assert existing(name) == []


def test_a_handler_that_halts_itself_is_not_waited_for(name: str, place: Place) -> None:
    def three(event: Any, sequence: int, end_of_batch: bool) -> None:
        if sequence == 3:
            raise HaltError

    total = Sum()
    disruptor = Disruptor(EVENT, 16, run_in=place, name=name)
    disruptor.handle_events_with(three).then(total)
    with disruptor:
        disruptor.publish(numbers(10))

    assert total.totals[2] == 3


def test_publishing_to_a_handler_that_halted_fails_when_its_room_is_used_up(
    name: str, place: Place
) -> None:
    def once(event: Any, sequence: int, end_of_batch: bool) -> None:
        raise HaltError

    disruptor = Disruptor(EVENT, 4, run_in=place, name=name)
    disruptor.handle_events_with(once)
    with disruptor, pytest.raises(ProcessFailedError, match="handler once has halted"):
        disruptor.publish(numbers(100))


def test_a_killed_process_is_told_by_name(name: str) -> None:
    disruptor = Disruptor(EVENT, 4, run_in="processes", name=name)
    disruptor.handle_events_with(square)
    disruptor.start()
    (worker,) = disruptor._workers.values()
    assert isinstance(worker, ProcessWorker)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(ProcessFailedError, match=r"handler square .* killed by SIGKILL"):
        disruptor.publish(numbers(100))
    with pytest.raises(ProcessFailedError, match="SIGKILL"):
        disruptor.shutdown()

    assert existing(name) == []


def test_several_threads_publish_into_a_multi_producer_ring(name: str, place: Place) -> None:
    state = shared_state(np.int64, 4)
    disruptor = Disruptor(EVENT, 64, producer="multi", run_in=place, name=name)
    disruptor.handle_events_with(Compiled(add_up, state))
    with disruptor:
        threads = [
            threading.Thread(target=lambda: [disruptor.publish(value=2) for _ in range(200)])
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert state[:2].tolist() == [1200, 600]


def test_a_processor_joins_and_leaves_a_running_ring(name: str, place: Place) -> None:
    seen = list[int]()

    def late(event: Any, sequence: int, end_of_batch: bool) -> None:
        seen.append(event.value)
        if event.value == 20:
            raise HaltError

    disruptor = Disruptor(EVENT, 8, run_in=place, name=name)
    disruptor.handle_events_with(square)
    with disruptor:
        disruptor.publish(numbers(10))
        consumer = disruptor.ring.consumer("late")
        thread = threading.Thread(target=BatchEventProcessor(consumer, late).run)
        thread.start()
        disruptor.publish(numbers(10, first=11))
        thread.join()
        disruptor.ring.remove_consumer("late")
        disruptor.publish(numbers(30, first=21))

    assert seen == [*range(11, 21)]


def test_a_second_thread_may_not_publish_into_a_single_producer_ring(name: str) -> None:
    disruptor, told = Disruptor(EVENT, 4, name=name), list[str]()

    def publish() -> None:
        try:
            disruptor.publish(value=1)
        except DisruptorError as error:
            told.append(str(error))

    disruptor.handle_events_with(square)
    with disruptor:
        publish()
        other = threading.Thread(target=publish)
        other.start()
        other.join()

    assert len(told) == 1
    assert 'producer="multi"' in told[0]


def test_an_error_in_the_block_halts_and_goes_on(name: str, place: Place) -> None:
    disruptor = Disruptor(EVENT, 4, run_in=place, name=name)
    disruptor.handle_events_with(square)
    with pytest.raises(KeyError), disruptor:
        raise KeyError("mine")

    assert existing(name) == []


GRAPH_MISTAKES: list[tuple[str, Callable[[Disruptor], object]]] = [
    ("has no handler", lambda d: d.start()),
    ("no handler was given", lambda d: d.handle_events_with()),
    ("square is not in the graph", lambda d: d.after(square)),
    ("in the graph already", lambda d: d.handle_events_with(square, square)),
    ("3 is no handler", lambda d: d.handle_events_with(3)),  # type: ignore[arg-type]
    (
        "belong to different rings",
        lambda d: d.handle_events_with(square).and_(
            Disruptor(EVENT, 4).handle_events_with(PerBatch(double))
        ),
    ),
    (
        "is no option",
        lambda d: (d.handle_events_with(square), d.configure(square, nmae="x")),  # type: ignore[call-arg]
    ),
]


@pytest.mark.parametrize(("text", "mistake"), GRAPH_MISTAKES, ids=[m[0] for m in GRAPH_MISTAKES])
def test_an_impossible_graph_is_refused_in_one_sentence(
    name: str, text: str, mistake: Callable[[Disruptor], object]
) -> None:
    with pytest.raises(GraphError, match=text) as raised:
        mistake(Disruptor(EVENT, 4, name=name))

    assert "\n" not in str(raised.value)
    assert existing(name) == []


def test_a_running_graph_is_not_changed(name: str) -> None:
    disruptor = Disruptor(EVENT, 4, name=name)
    group = disruptor.handle_events_with(square)
    with disruptor:
        for change in (
            lambda: disruptor.handle_events_with(PerBatch(double)),
            lambda: group.then(PerBatch(double)),
            lambda: disruptor.configure(square, batch_size_max=3),
            disruptor.start,
        ):
            with pytest.raises(GraphError, match="was started already and cannot be"):
                change()
    with pytest.raises(GraphError, match="was started already"):
        disruptor.start()


def test_what_does_not_run_cannot_be_published_to(name: str) -> None:
    disruptor = Disruptor(EVENT, 4, name=name)
    disruptor.handle_events_with(square)
    with pytest.raises(DisruptorError, match="does not run; start it first"):
        disruptor.publish(value=1)


@pytest.mark.parametrize("wrong", [{"producer": "two"}, {"run_in": "fibres"}])
def test_unknown_words_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match="is unknown; use"):
        Disruptor(EVENT, 4, **wrong)


def test_a_circle_of_blocking_writes_is_refused_where_it_is_closed() -> None:
    one, two = Disruptor(EVENT, 4, name="one"), Disruptor(EVENT, 4, name="two")
    one.handle_events_with(square)
    two.handle_events_with(PerBatch(double))
    one.declare_write(square, two)
    with pytest.raises(GraphError, match=r"the circle .*ring one.*ring two.* can fill up"):
        two.declare_write(double, one)
    two.declare_write(double, one, blocking=False)
    with pytest.raises(GraphError, match="can fill up"):
        one.declare_write(square, one)
