"""Pollers: three states, batches that are committed or not, handlers of all tiers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from disruptor.processors.event_poller import EventPoller, PollState
from disruptor.processors.handler import HALT, REWIND, EventFailedError, Handler, PerBatch
from disruptor.processors.rewind import RewindableError
from disruptor.ring.ring_buffer import RingBuffer
from tests.disruptor.processors.scripted import EVENT, FAIL, Script, Tier, events


@pytest.fixture(params=[False, True], ids=["single", "multi"])
def ring(segment_prefix: str, request: pytest.FixtureRequest) -> Iterator[RingBuffer]:
    made = RingBuffer.create(f"{segment_prefix}r", EVENT, 8, multi_producer=request.param)
    yield made
    made.unlink()


@pytest.fixture(params=["event", "batch", "compiled"])
def tier(request: pytest.FixtureRequest) -> Tier:
    return request.param


def test_it_is_idle_then_gated_by_those_before_it_then_has_events(ring: RingBuffer) -> None:
    before = ring.consumer("before")
    poller = EventPoller(ring.consumer("c", after=("before",)))
    seen: list[int] = []

    def handle(event: Any, sequence: int, end_of_batch: bool) -> None:
        seen.append(sequence)

    assert poller.poll(handle) is PollState.IDLE
    ring.producer().write(events(1))

    assert poller.poll(handle) is PollState.GATING
    before.advance(1)

    assert poller.poll(handle) is PollState.PROCESSING
    assert poller.poll(handle) is PollState.IDLE
    assert seen == [1]


def test_a_claim_that_is_not_published_yet_gates_too(segment_prefix: str) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 8, multi_producer=True)
    poller, producer = EventPoller(ring.consumer("c")), ring.producer()
    claimed = producer.next()

    assert poller.poll().state is PollState.GATING
    producer.publish(claimed)

    assert poller.poll().state is PollState.PROCESSING
    ring.unlink()


def test_a_full_ring_is_polled_whole_and_has_room_again(ring: RingBuffer, tier: Tier) -> None:
    script, producer = Script(), ring.producer()
    poller = EventPoller(ring.consumer("c"))
    handler = script.handler(tier)
    for first in range(1, 41, 8):
        producer.write(events(*range(first, first + 8)))

        assert producer.try_next() is None
        assert poller.poll(handler) is PollState.PROCESSING

    assert script.sequences == [*range(1, 41)]


def test_a_limit_leaves_the_rest_for_the_next_poll(ring: RingBuffer, tier: Tier) -> None:
    script, poller = Script(), EventPoller(ring.consumer("c"))
    handler = script.handler(tier)
    ring.producer().write(events(1, 2, 3))
    poller.poll(handler, limit=2)

    assert script.seen == [(1, 1, False), (2, 2, True)]
    poller.poll(handler, limit=2)

    assert script.seen[2:] == [(3, 3, True)]


def test_a_handler_is_changed_between_polls(ring: RingBuffer) -> None:
    poller, producer, seen = EventPoller(ring.consumer("c")), ring.producer(), list[str]()
    handlers: list[Handler] = [
        lambda event, sequence, end: seen.append("event"),
        PerBatch(lambda view, first: seen.append("batch")),
    ]
    for handler in handlers:
        producer.write(events(1))
        poller.poll(handler)

    assert seen == ["event", "batch"]


def test_an_error_is_raised_in_front_of_its_event(ring: RingBuffer, tier: Tier) -> None:
    script, consumer = Script(), ring.consumer("c")
    script.plan(2, FAIL)
    ring.producer().write(events(1, 2, 3))
    poller, handler = EventPoller(consumer), script.handler(tier)
    with pytest.raises(EventFailedError):
        poller.poll(handler)

    assert consumer.sequence == 1
    poller.poll(handler)

    assert script.sequences == [1, 2, 2, 3]


def test_a_rewind_leaves_everything_for_the_next_poll(ring: RingBuffer, tier: Tier) -> None:
    script, consumer = Script(), ring.consumer("c")
    script.plan(2, REWIND)
    ring.producer().write(events(1, 2))
    poller, handler = EventPoller(consumer), script.handler(tier)
    with pytest.raises(RewindableError):
        poller.poll(handler)
    poller.poll(handler)

    assert script.sequences == [1, 2, 1, 2]


def test_a_halt_ends_the_poll_behind_its_event(ring: RingBuffer, tier: Tier) -> None:
    script, consumer = Script(), ring.consumer("c")
    script.plan(2, HALT)
    ring.producer().write(events(1, 2, 3))
    poller, handler = EventPoller(consumer), script.handler(tier)

    assert poller.poll(handler) is PollState.PROCESSING
    assert consumer.sequence == (3 if tier == "batch" else 2)


def test_a_batch_is_committed_when_its_block_ends(ring: RingBuffer) -> None:
    consumer = ring.consumer("c")
    poller = EventPoller(consumer)
    ring.producer().write(events(5, 6))
    with poller.poll() as batch:
        assert (batch.first_sequence, len(batch)) == (1, 2)
        assert batch.events["value"].tolist() == [5, 6]
        assert np.shares_memory(batch.events, ring.view.slots)
        assert consumer.sequence == 0

    assert consumer.sequence == 2
    with poller.poll() as empty:
        assert len(empty) == 0

    assert empty.state is PollState.IDLE
    assert consumer.sequence == 2


def test_a_batch_is_not_committed_when_its_block_fails(ring: RingBuffer) -> None:
    consumer = ring.consumer("c")
    ring.producer().write(events(5, 6))
    with pytest.raises(KeyError), EventPoller(consumer).poll():
        raise KeyError

    assert consumer.sequence == 0


def test_a_part_of_a_batch_may_be_committed(ring: RingBuffer) -> None:
    consumer = ring.consumer("c")
    poller = EventPoller(consumer)
    ring.producer().write(events(5, 6, 7))
    with poller.poll() as batch:
        batch.commit(0)

    assert consumer.sequence == 0
    with poller.poll() as batch:
        batch.commit(2)

    assert consumer.sequence == 2
    assert poller.poll().events["value"].tolist() == [7]
    with pytest.raises(ValueError, match="must be from 0 to the batch's 1"):
        poller.poll().commit(2)


def test_a_batch_ends_at_the_rings_end(ring: RingBuffer) -> None:
    poller, producer, sizes = EventPoller(ring.consumer("c")), ring.producer(), list[int]()
    for _ in range(2):
        producer.write(events(*range(6)))
        while True:
            with poller.poll() as batch:
                sizes.append(len(batch))
            if batch.state is PollState.IDLE:
                break

    assert sizes == [6, 0, 1, 5, 0]


def test_void_events_are_passed_and_end_the_batch_before_them(ring: RingBuffer, tier: Tier) -> None:
    consumer, producer, script = ring.consumer("c"), ring.producer(), Script()
    poller, handler = EventPoller(consumer), script.handler(tier)
    for is_void in [True, False, True, True, False]:
        claimed = producer.next()
        producer.void(claimed) if is_void else producer.publish(claimed)
    with poller.poll() as batch:
        assert (batch.first_sequence, len(batch)) == (2, 1)
    assert poller.poll(handler) is PollState.PROCESSING
    producer.void(producer.next())

    assert poller.poll(handler) is PollState.IDLE
    assert script.sequences == [5]
    assert consumer.sequence == 6


def test_a_limit_below_one_is_refused(ring: RingBuffer) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        EventPoller(ring.consumer("c")).poll(limit=0)
