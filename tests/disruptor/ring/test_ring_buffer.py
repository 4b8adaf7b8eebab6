"""The ring as its users see it: capacity, order, visibility, gating, layout; both sequencers."""

from __future__ import annotations

import os

import numpy as np
import pytest

from disruptor.errors import (
    AlertedError,
    LayoutMismatchError,
    SegmentError,
    SegmentInUseError,
    WaitTimeoutError,
)
from disruptor.ring.ring_buffer import RingBuffer
from tests.disruptor.ring.conftest import EVENT, values


def test_events_arrive_in_order_and_numbered_from_one(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    producer.write(values(10, 20, 30))
    high = consumer.wait()

    assert high == 3
    assert consumer.batches(high)[0]["value"].tolist() == [10, 20, 30]


def test_a_ring_continues_at_its_initial_sequence(segment_prefix: str) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 8, initial_sequence=1_000_003)
    consumer = ring.consumer("c")
    last = ring.producer().write(values(*range(6)))
    high = consumer.wait()
    batches = consumer.batches(high)
    ring.unlink()

    assert (last, high) == (1_000_009, 1_000_009)
    assert [len(batch) for batch in batches] == [4, 2]
    assert list(range(6)) == np.concatenate(batches)["value"].tolist()


def test_a_full_ring_gives_nothing_and_changes_nothing(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    producer.write(values(*range(1, 9)))
    before = ring.statistics()

    assert producer.try_next() is None
    assert producer.try_next(3) is None
    assert ring.statistics() == before
    assert consumer.available() == 8
    consumer.advance(2)
    assert producer.try_next(3) is None
    assert producer.try_next(2) == 10


def test_a_producer_waits_until_every_gating_consumer_has_advanced(ring: RingBuffer) -> None:
    slow, fast = ring.consumer("slow"), ring.consumer("fast")
    producer = ring.producer()
    producer.write(values(*range(8)))
    fast.advance(8)

    with pytest.raises(WaitTimeoutError, match="no room for 1 events"):
        producer.next(timeout_ns=1_000_000)
    slow.advance(1)
    assert producer.next(timeout_ns=1_000_000_000) == 9


def test_an_observer_does_not_hold_producers_back(ring: RingBuffer) -> None:
    ring.consumer("tap", gates=False)
    ring.producer().write(values(*range(20)))

    assert ring.cursor == 20


def test_capacity_is_what_no_gating_consumer_still_needs(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    producer.write(values(1, 2, 3))

    assert ring.statistics().remaining_capacity == 5
    consumer.advance(2)
    assert ring.statistics().remaining_capacity == 7


@pytest.mark.parametrize("count", [0, -1, 9])
def test_a_claim_must_fit_the_ring(ring: RingBuffer, count: int) -> None:
    with pytest.raises(ValueError, match="must be from 1 to the capacity 8"):
        ring.producer().try_next(count)


def test_out_of_order_publishing_is_visible_only_when_contiguous(multi_ring: RingBuffer) -> None:
    consumer = multi_ring.consumer("c")
    first, second = multi_ring.producer("first"), multi_ring.producer("second")
    one = first.try_next(2)
    two = second.try_next(3)
    assert (one, two) == (2, 5)
    second.publish(3, 5)

    assert consumer.available() == 0
    first.publish(1, 2)
    assert consumer.available() == 5


def test_a_slot_of_the_lap_before_is_not_mistaken_for_published(multi_ring: RingBuffer) -> None:
    consumer, producer = multi_ring.consumer("c"), multi_ring.producer()
    producer.write(values(*range(8)))
    consumer.advance(8)
    claimed = producer.try_next(8)

    assert claimed == 16
    assert consumer.available() == 8
    producer.publish(9, 16)
    assert consumer.available() == 16


def test_a_dependent_consumer_stays_behind_the_one_before_it(ring: RingBuffer) -> None:
    first = ring.consumer("first")
    second = ring.consumer("second", after=("first",))
    ring.producer().write(values(1, 2, 3))

    assert second.available() == 0
    first.advance(2)
    assert second.available() == 2


def test_a_join_waits_for_the_slowest_of_its_branches(ring: RingBuffer) -> None:
    left, right = ring.consumer("left"), ring.consumer("right")
    join = ring.consumer("join", after=("left", "right"))
    ring.producer().write(values(1, 2, 3))
    left.advance(3)
    right.advance(1)

    assert join.available() == 1


def test_waiting_for_an_unknown_consumer_is_refused(ring: RingBuffer) -> None:
    with pytest.raises(SegmentError, match="has no consumer 'nobody' to wait for"):
        ring.consumer("c", after=("nobody",))


def test_an_alert_ends_a_wait_and_can_be_cleared(ring: RingBuffer) -> None:
    consumer = ring.consumer("c")
    consumer.alert()

    assert consumer.wait() == 0
    consumer.clear_alert()
    ring.producer().write(values(1))
    assert consumer.wait() == 1


def test_an_alerted_producer_stops_waiting_for_room(ring: RingBuffer) -> None:
    ring.consumer("c")
    producer = ring.producer()
    producer.write(values(*range(8)))
    producer.control[0] = 1

    with pytest.raises(AlertedError):
        producer.next()


def test_a_wait_with_a_limit_returns_what_was_there(ring: RingBuffer) -> None:
    assert ring.consumer("c").wait(timeout_ns=100_000) == 0


def test_a_late_consumer_starts_at_the_cursor_and_then_gates(ring: RingBuffer) -> None:
    producer = ring.producer()
    producer.write(values(*range(20)))
    late = ring.consumer("late")
    producer.write(values(*range(8)))

    assert (late.sequence, late.available()) == (20, 28)
    assert producer.try_next() is None


def test_a_consumer_that_is_removed_no_longer_gates(ring: RingBuffer) -> None:
    ring.consumer("gone")
    producer = ring.producer()
    producer.write(values(*range(8)))
    ring.remove_consumer("gone")

    assert producer.try_next(8) == 16
    assert ring.statistics().consumers == ()


def test_a_consumer_takes_over_the_place_registered_for_it(ring: RingBuffer) -> None:
    ring.register_consumer("c", start=0)
    ring.producer().write(values(1, 2))

    assert ring.consumer("c").available() == 2
    assert len(ring.statistics().consumers) == 1


def test_too_many_consumers_are_refused(ring: RingBuffer) -> None:
    for number in range(32):
        ring.register_consumer(f"c{number}")
    with pytest.raises(SegmentError, match="32 consumers already"):
        ring.register_consumer("one more")


def test_an_attached_ring_knows_its_event_without_being_told(ring: RingBuffer) -> None:
    attached = RingBuffer.attach(ring.name)
    ring.producer().write(values(7))

    assert attached.event == EVENT
    assert attached.events(1, 1)["value"].tolist() == [7]
    assert (attached.capacity, attached.is_multi_producer) == (8, ring.is_multi_producer)


def test_another_layout_is_refused_and_both_are_shown(ring: RingBuffer) -> None:
    other = np.dtype([("value", np.int32), ("note", "S8")])
    with pytest.raises(LayoutMismatchError) as refusal:
        RingBuffer.attach(ring.name, other)

    assert '["value","<i8",0]' in str(refusal.value)
    assert '["value","<i4",0]' in str(refusal.value)


def test_a_ring_of_a_living_owner_cannot_be_made_again(ring: RingBuffer) -> None:
    with pytest.raises(SegmentInUseError):
        RingBuffer.create(ring.name, EVENT, 8)


@pytest.mark.parametrize("capacity", [0, 1, 3, 6, 2**27])
def test_a_capacity_that_is_no_power_of_two_is_refused(segment_prefix: str, capacity: int) -> None:
    with pytest.raises(SegmentError, match="must be a power of two"):
        RingBuffer.create(f"{segment_prefix}r", EVENT, capacity)


def test_sub_arrays_and_nested_records_survive_the_description(segment_prefix: str) -> None:
    event = np.dtype([("matrix", np.float64, (2, 3)), ("inner", [("a", "u1"), ("b", "<i4")])])
    ring = RingBuffer.create(f"{segment_prefix}r", event, 2)
    attached = RingBuffer.attach(f"{segment_prefix}r", event)
    changed = np.dtype([("matrix", np.float64, (3, 2)), ("inner", [("a", "u1"), ("b", "<i4")])])

    assert attached.event == event
    assert RingBuffer.attach(f"{segment_prefix}r").event == event
    with pytest.raises(LayoutMismatchError):
        RingBuffer.attach(f"{segment_prefix}r", changed)
    ring.unlink()


def test_a_single_producers_unpublished_claim_dies_with_it(segment_prefix: str) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 8)
    consumer = ring.consumer("c")
    child = os.fork()
    if child == 0:
        producer = ring.producer()
        producer.write(values(1, 2))
        producer.next(3)
        os._exit(0)
    os.waitpid(child, 0)
    successor = ring.producer()

    assert successor.next() == 3
    successor.slot(3)["value"] = 33
    successor.publish(3)
    assert consumer.available() == 3
    ring.unlink()


def test_a_dead_producers_claim_becomes_void_events(multi_ring: RingBuffer) -> None:
    consumer, living = multi_ring.consumer("c"), multi_ring.producer("living")
    living.write(values(1))
    child = os.fork()
    if child == 0:
        dying = multi_ring.producer("dying")
        high = dying.next(2)
        dying.slot(high - 1)["value"] = 666
        os._exit(0)
    os.waitpid(child, 0)
    living.write(values(4))
    assert consumer.available() == 1

    assert multi_ring.void_dead_claims() == 2
    assert consumer.available() == 4
    assert multi_ring.events(1, 4)["value"].tolist() == [1, 0, 0, 4]
    assert multi_ring.statistics().voided == 2
    assert multi_ring.void_dead_claims() == 0


def test_a_living_producers_claim_is_never_voided(multi_ring: RingBuffer) -> None:
    consumer, slow = multi_ring.consumer("c"), multi_ring.producer("slow")
    slow.next(2)

    assert multi_ring.void_dead_claims() == 0
    assert consumer.available() == 0
    slow.publish(1, 2)
    assert consumer.available() == 2
