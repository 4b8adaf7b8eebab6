"""What a death, a late comer or a slow writer must not break."""

from __future__ import annotations

import numpy as np
import pytest

from disruptor.errors import SegmentError
from disruptor.ring import layout
from disruptor.ring.multi_producer_sequencer import producer_word
from disruptor.ring.ring_buffer import RingBuffer
from tests.disruptor.ring.conftest import in_a_child, values


@pytest.mark.fault
def test_what_a_dead_producer_published_laps_ago_is_not_voided(multi_ring: RingBuffer) -> None:
    """It died between its marks and the clearing of its line."""
    consumer, living = multi_ring.consumer("c"), multi_ring.producer("living")

    def die_before_clear() -> None:
        dying = multi_ring.producer("dying")
        dying.write(values(1))
        words = multi_ring.view.words
        words[producer_word(dying.line, layout.CLAIM_LOW)] = 1

    in_a_child(die_before_clear)
    for number in range(2, 10):
        consumer.advance(consumer.available())
        living.write(values(number))

    assert multi_ring.void_dead_claims() == 0
    assert consumer.available() == 9
    assert multi_ring.events(2, 9)["value"].tolist() == list(range(2, 10))


@pytest.mark.fault
@pytest.mark.parametrize("published", [(1, 2), (3, 5), (4, 4)])
def test_every_claim_of_a_dead_producer_is_voided(
    multi_ring: RingBuffer, published: tuple[int, int]
) -> None:
    """Also when it held several and had published one, or a part of one."""
    consumer = multi_ring.consumer("c")

    def die_with_two_claims() -> None:
        dying = multi_ring.producer("dying")
        assert (dying.next(2), dying.next(3)) == (2, 5)
        dying.publish(*published)

    in_a_child(die_with_two_claims)

    assert multi_ring.void_dead_claims() == 5 - (published[1] - published[0] + 1)
    assert consumer.available() == 5


@pytest.mark.fault
def test_a_claim_is_not_forgotten_when_its_producer_is_closed(multi_ring: RingBuffer) -> None:
    consumer = multi_ring.consumer("c")

    def close_with_a_claim() -> None:
        closing = multi_ring.producer("closing")
        closing.next(2)
        closing.close()

    in_a_child(close_with_a_claim)

    assert multi_ring.void_dead_claims() == 2
    assert consumer.available() == 2


def test_a_slow_producers_slot_is_not_claimed_anew_though_nobody_gates(
    multi_ring: RingBuffer,
) -> None:
    slow, fast = multi_ring.producer("slow"), multi_ring.producer("fast")
    slow.next()
    fast.write(values(*range(2, 9)))
    late = multi_ring.consumer("late")

    assert fast.try_next() is None
    slow.publish(1)
    fast.write(values(9))
    assert late.available() == 9


def test_a_single_producer_does_not_lap_its_own_unpublished_claim(single_ring: RingBuffer) -> None:
    producer = single_ring.producer()
    producer.next(8)

    assert producer.try_next() is None
    late = single_ring.consumer("late")
    producer.publish(1, 8)
    assert (late.sequence, late.available()) == (0, 8)
    assert producer.try_next() is None


def test_a_place_is_taken_without_its_predecessors_alert(single_ring: RingBuffer) -> None:
    single_ring.consumer("old").alert()
    single_ring.remove_consumer("old")

    assert single_ring.consumer("new").control[0] == 0


@pytest.mark.fault
def test_a_dead_consumers_alert_does_not_stop_its_successor(single_ring: RingBuffer) -> None:
    in_a_child(lambda: single_ring.consumer("c").alert())

    assert single_ring.consumer("c").control[0] == 0


def test_a_consumer_cannot_start_at_what_may_be_overwritten(single_ring: RingBuffer) -> None:
    slow, producer = single_ring.consumer("slow"), single_ring.producer()
    producer.write(values(*range(1, 7)))
    slow.advance(3)

    with pytest.raises(SegmentError, match="cannot start after 2, which no other consumer holds"):
        single_ring.consumer("late", start=2)
    assert single_ring.consumer("in time", start=3).available() == 6
    assert len(single_ring.statistics().consumers) == 2


def test_a_name_that_does_not_fit_is_refused(multi_ring: RingBuffer) -> None:
    multi_ring.consumer("n" * 48)

    assert multi_ring.line_of("n" * 48) == 0
    with pytest.raises(SegmentError, match="has 49 bytes; the most is 48"):
        multi_ring.consumer("n" * 49)
    with pytest.raises(SegmentError, match="has 50 bytes"):
        multi_ring.producer("é" * 25)


def test_events_of_another_kind_are_refused_before_anything_is_claimed(
    multi_ring: RingBuffer,
) -> None:
    producer = multi_ring.producer()
    with pytest.raises(ValueError, match="holds events of"):
        producer.write(np.zeros(2, [("price", np.int64), ("other", np.int64)]))

    assert multi_ring.cursor == 0
