"""Every wait strategy wakes for an event, for room and for an alert, across processes."""

from __future__ import annotations

import os

import numpy as np
import pytest

from disruptor.errors import ConfigurationError
from disruptor.ring import layout
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.ring.wait_strategy import STRATEGIES, wait_strategy

EVENT = np.dtype([("value", np.int64)])


@pytest.mark.stress
@pytest.mark.parametrize("name", STRATEGIES)
def test_two_processes_pass_every_event_back_and_forth(segment_prefix: str, name: str) -> None:
    """A missed wake-up would show as a round that takes a whole timeout; here each would hang."""
    rounds = 200
    there = RingBuffer.create(f"{segment_prefix}there", EVENT, 2)
    back = RingBuffer.create(f"{segment_prefix}back", EVENT, 2)
    asked, answered = there.consumer("c", strategy=name), back.consumer("c", strategy=name)
    child = os.fork()
    if child == 0:
        replies = back.producer(strategy=name)
        for _ in range(rounds):
            high = asked.wait()
            replies.write(asked.batches(high)[0].copy())
            asked.advance(high)
        os._exit(0)
    questions = there.producer(strategy=name)
    for number in range(1, rounds + 1):
        questions.write(np.array([(number,)], EVENT))
        high = answered.wait()
        assert [number] == answered.batches(high)[0]["value"].tolist()
        answered.advance(high)
    _, status = os.waitpid(child, 0)
    there.unlink()
    back.unlink()

    assert status == 0


@pytest.mark.stress
@pytest.mark.parametrize("name", STRATEGIES)
def test_an_alert_from_another_process_ends_the_wait(segment_prefix: str, name: str) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 2)
    consumer = ring.consumer("c", strategy=name)
    child = os.fork()
    if child == 0:
        os._exit(0 if consumer.wait() == 0 else 1)
    consumer.alert()
    _, status = os.waitpid(child, 0)
    ring.unlink()

    assert status == 0


def test_a_sleeper_that_died_costs_one_wake_and_nothing_else(segment_prefix: str) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 8)
    consumer = ring.consumer("c", strategy="blocking")
    flag = layout.PUBLISHED_EPOCH + layout.SLEEPERS_OFFSET
    ring.view.words[flag] = 1
    ring.producer().write(np.zeros(1, EVENT))

    assert ring.view.words[flag] == 0
    assert ring.view.words[layout.PUBLISHED_EPOCH] == 1
    assert consumer.wait() == 1
    ring.unlink()


@pytest.mark.stress
@pytest.mark.parametrize("name", ["blocking", "timed_blocking", "phased_backoff", "adaptive"])
def test_who_waits_for_another_consumer_sleeps_in_the_kernel_too(
    segment_prefix: str, name: str
) -> None:
    """The one before it wakes it, not the producer."""
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 2)
    first = ring.consumer("first")
    second = ring.consumer("second", after=("first",), strategy=name)
    child = os.fork()
    if child == 0:
        os._exit(0 if second.wait() == 1 else 1)
    ring.producer().write(np.zeros(1, EVENT))
    flag = layout.CONSUMED_EPOCH + layout.SLEEPERS_OFFSET
    while not ring.view.words[flag]:
        os.sched_yield()
    first.advance(1)
    _, status = os.waitpid(child, 0)
    ring.unlink()

    assert status == 0


def test_an_unknown_strategy_is_named_with_those_that_exist() -> None:
    with pytest.raises(ConfigurationError, match="'spin' is unknown; use busy_spin, yielding"):
        wait_strategy("spin")
