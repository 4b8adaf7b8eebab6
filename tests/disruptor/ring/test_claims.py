"""Claims and translators: an event is published whole, or it is void and nobody sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disruptor.compiled import entry
from disruptor.errors import ClaimOrderError, WaitTimeoutError
from disruptor.ring.barrier import has_voids, is_void
from disruptor.ring.layout import Ring
from disruptor.ring.ring_buffer import Consumer, RingBuffer
from tests.disruptor.ring.conftest import EVENT, values


def set_value(event: Any, sequence: int, value: int) -> None:
    event["value"] = value


def fail_half_way(event: Any, sequence: int, value: int) -> None:
    event["value"] = value
    raise ArithmeticError(f"no {value}")


def seen_by(consumer: Consumer) -> dict[int, int]:
    """What a consumer is given beyond its sequence, by sequence; it advances."""
    high = consumer.available()
    found = {
        first + number: int(value)
        for first, events in consumer.runs(high)
        for number, value in enumerate(events["value"])
    }
    consumer.advance(high)
    return found


@entry
def sum_of_the_valid(ring: Ring, low: int, high: int) -> int:
    """What a compiled consumer does with voids."""
    total = 0
    mask = np.uint64(ring.slots.size - 1)
    voids = has_voids(ring)
    for sequence in range(low, high + 1):
        if voids and is_void(ring, sequence):
            continue
        total += ring.slots[np.uint64(sequence) & mask]["value"] + 1000
    return total


def test_a_translator_writes_one_event(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()

    assert [producer.publish_event(set_value, value) for value in (7, 8)] == [1, 2]
    assert producer.try_publish_event(set_value, 9) == 3
    assert seen_by(consumer) == {1: 7, 2: 8, 3: 9}


def test_a_translator_that_raises_voids_its_slot_and_the_ring_goes_on(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    producer.publish_event(set_value, 1)
    with pytest.raises(ArithmeticError, match="no 2"):
        producer.publish_event(fail_half_way, 2)
    producer.publish_event(set_value, 3)

    assert ring.statistics().voided == 1
    assert consumer.voids(3) == [2]
    assert sum_of_the_valid(ring.view, 1, 3) == 2004
    assert seen_by(consumer) == {1: 1, 3: 3}


def test_a_void_event_is_zeroed_and_a_zeroed_event_is_not_void(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    with pytest.raises(ArithmeticError):
        producer.publish_event(fail_half_way, 2)
    producer.publish_event(set_value, 0)

    assert [batch["value"].tolist() for batch in consumer.batches(2)] == [[0, 0]]
    assert seen_by(consumer) == {2: 0}


def test_many_rows_are_published_together_or_voided_together(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    assert producer.publish_events(set_value, [(1,), (2,)]) == 2
    with pytest.raises(TypeError):
        producer.publish_events(set_value, [(3,), ("no number", 4)])
    producer.publish_event(set_value, 5)

    assert ring.statistics().voided == 2
    assert seen_by(consumer) == {1: 1, 2: 2, 5: 5}


def test_a_slot_that_was_void_is_an_event_again_one_lap_later(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    with pytest.raises(ArithmeticError):
        producer.publish_event(fail_half_way, 1)
    for value in range(2, 9):
        producer.publish_event(set_value, value)
    assert seen_by(consumer) == {value: value for value in range(2, 9)}
    producer.publish_event(set_value, 9)

    assert seen_by(consumer) == {9: 9}


def test_a_claim_is_a_context_that_gives_each_slot(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    with producer.claim(3) as claim:
        assert (claim.low, claim.high, len(claim)) == (1, 3, 3)
        for sequence, event in claim:
            event["value"] = sequence * 10
        assert consumer.available() == 0

    assert seen_by(consumer) == {1: 10, 2: 20, 3: 30}


def test_a_claim_takes_as_many_events_as_it_has_slots(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c"), ring.producer()
    with (
        pytest.raises(ValueError, match="1 events do not fill a claim of 2 slots"),
        producer.claim(2) as claim,
    ):
        claim.write(values(1))
    with producer.claim(2) as claim:
        claim.write(values(3, 4))

    assert seen_by(consumer) == {3: 3, 4: 4}


def test_no_room_is_a_result_and_nothing_is_called(ring: RingBuffer) -> None:
    ring.consumer("c")
    producer = ring.producer()
    assert (producer.remaining_capacity(), producer.has_available_capacity(8)) == (8, True)
    producer.write(values(*range(6)))

    assert producer.remaining_capacity() == 2
    assert producer.has_available_capacity(2)
    assert not producer.has_available_capacity(3)
    assert producer.try_claim(3) is None
    producer.write(values(6, 7))
    assert producer.try_publish_event(fail_half_way, 1) is None
    with pytest.raises(WaitTimeoutError):
        producer.publish_event(fail_half_way, 1, timeout_ns=1)
    assert (ring.cursor, ring.statistics().voided) == (8, 0)


def test_a_scalar_event_is_written_in_place(segment_prefix: str) -> None:
    ring = RingBuffer.create(f"{segment_prefix}scalar", np.dtype(np.int64), 8)
    consumer, producer = ring.consumer("c"), ring.producer()
    with producer.claim(2) as claim:
        for sequence, event in claim:
            event[...] = sequence * 5

    assert consumer.batches(2)[0].tolist() == [5, 10]
    ring.unlink()


def test_a_single_producers_claims_are_published_in_order(single_ring: RingBuffer) -> None:
    producer = single_ring.producer()
    with producer.claim(), pytest.raises(ClaimOrderError, match="must end its claim before"):
        producer.claim()
    first, second = producer.next(), producer.next()
    with pytest.raises(ClaimOrderError, match="next sequence to publish is 2, not 3"):
        producer.publish(second)
    producer.publish(first)
    producer.publish(second)

    assert single_ring.cursor == 3


def test_claims_of_several_producers_nest(multi_ring: RingBuffer) -> None:
    consumer, producer = multi_ring.consumer("c"), multi_ring.producer()
    with producer.claim() as outer:
        with pytest.raises(ArithmeticError), producer.claim():
            raise ArithmeticError
        outer.write(values(1))

    assert seen_by(consumer) == {1: 1}
    assert multi_ring.statistics().voided == 1


@settings(max_examples=40, deadline=None)
@given(
    fates=st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=30), multi=st.booleans()
)
def test_consumers_get_all_that_was_published_and_nothing_that_was_not(
    fates: list[tuple[int, bool]], multi: bool
) -> None:
    """Against a plain list: claims of any size, each published or given up."""
    ring = RingBuffer.create(f"test-{__name__}", EVENT, 8, multi_producer=multi)
    try:
        consumer, producer = ring.consumer("c"), ring.producer()
        expected: dict[int, int] = {}
        seen: dict[int, int] = {}
        for count, is_kept in fates:
            try:
                with producer.claim(count) as claim:
                    for sequence, event in claim:
                        event["value"] = -sequence
                    if not is_kept:
                        raise ArithmeticError
                expected.update({s: -s for s in range(claim.low, claim.high + 1)})
            except ArithmeticError:
                pass
            seen.update(seen_by(consumer))

        assert seen == expected
        assert ring.statistics().voided == sum(count for count, is_kept in fates if not is_kept)
    finally:
        ring.unlink()
        ring.close()
