"""Rings between real processes: nothing lost, doubled, torn or out of order."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from disruptor.compiled import entry
from disruptor.ring.barrier import advance, wait_for
from disruptor.ring.layout import Ring
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.ring.sequencer import next_sequence, publish
from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy

pytestmark = pytest.mark.stress

# ``check`` is written last and depends on the rest, so that a torn event would show.
EVENT = np.dtype(
    [("producer", np.int64), ("number", np.int64), ("rest", np.int64, 5), ("check", np.int64)]
)
FOREVER = 2**60
SALT = 0x5851F42D4C957F2D


@entry
def produce(
    ring: Ring, line: int, producer: int, first: int, last: int, batch: int,
    strategy: WaitStrategy, control: Any,
) -> None:  # fmt: skip
    mask = np.uint64(ring.slots.size - 1)
    number = first
    while number <= last:
        count = min(batch, last - number + 1)
        high = next_sequence(ring, line, count, strategy, control, FOREVER)
        for sequence in range(high - count + 1, high + 1):
            slot = ring.slots[np.uint64(sequence) & mask]
            slot["producer"] = producer
            slot["number"] = number
            slot["check"] = (producer * 1_000_003 + number) ^ SALT
            number += 1
        publish(ring, line, high - count + 1, high)


@entry
def consume(
    ring: Ring, word: int, dependents: Any, total: int, newest: Any,
    strategy: WaitStrategy, control: Any,
) -> int:  # fmt: skip
    """Events seen; negative at the first that is torn, doubled, lost or out of order.

    ``newest[p]`` is the last number of producer p; void events are skipped and not counted.
    """
    mask = np.uint64(ring.slots.size - 1)
    wanted = ring.words[word] + 1
    seen = 0
    while seen < total:
        high = wait_for(ring, dependents, wanted, strategy, control, FOREVER)
        for sequence in range(wanted, high + 1):
            event = ring.slots[np.uint64(sequence) & mask]
            if event["check"] == 0:
                continue
            producer, number = event["producer"], event["number"]
            if event["check"] != (producer * 1_000_003 + number) ^ SALT:
                return -sequence
            if number != newest[producer] + 1:
                return -sequence
            newest[producer] = number
            seen += 1
        advance(ring, word, high)
        wanted = high + 1
    return seen


def run_producers(ring: RingBuffer, producers: int, each: int, batch: int, strategy: str) -> None:
    plan = wait_strategy(strategy)
    consumer = ring.consumer("c", strategy=plan)
    children = []
    for number in range(producers):
        child = os.fork()
        if child == 0:
            mine = ring.producer(str(number), plan)
            produce(ring.view, mine.line, number, 1, each, batch, plan, mine.control)
            os._exit(0)
        children.append(child)
    newest = np.zeros(producers, np.int64)
    seen = consume(
        ring.view, consumer.sequence_word, consumer.dependents, producers * each, newest, plan,
        consumer.control,
    )  # fmt: skip
    statuses = [os.waitpid(child, 0)[1] for child in children]

    assert [0] * producers == statuses
    assert seen == producers * each
    assert [each] * producers == newest.tolist()


@pytest.mark.parametrize("strategy", ["yielding", "blocking", "adaptive"])
@pytest.mark.parametrize("batch", [1, 7, 64])
def test_one_producer_delivers_everything_in_order(
    segment_prefix: str, strategy: str, batch: int
) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 256)
    run_producers(ring, 1, 200_000, batch, strategy)
    ring.unlink()


@pytest.mark.parametrize("strategy", ["yielding", "blocking", "adaptive"])
@pytest.mark.parametrize("batch", [1, 7, 64])
def test_three_producers_keep_their_own_order_and_lose_nothing(
    segment_prefix: str, strategy: str, batch: int
) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 256, multi_producer=True)
    run_producers(ring, 3, 100_000, batch, strategy)
    ring.unlink()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_million_events_through_three_producers(segment_prefix: str) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 65_536, multi_producer=True)
    run_producers(ring, 3, 34_000_000, 10, "yielding")
    ring.unlink()
