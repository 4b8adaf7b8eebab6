"""What a consumer is to its producers: one to wait for, to give up, or to ignore; and who is dead."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from disruptor.errors import EvictedError, SegmentError, SegmentInUseError
from disruptor.memory.process_identity import current_process
from disruptor.ring import gating, layout
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.ring.tap import newest
from tests.disruptor.ring.conftest import in_a_child, values


def test_a_consumer_that_lags_too_far_is_evicted_and_told(ring: RingBuffer) -> None:
    slow, producer = ring.consumer("slow", lag_max=6), ring.producer()
    other = ring.consumer("other")
    producer.write(values(*range(8)))
    other.advance(8)
    assert not slow.is_evicted
    producer.write(values(8))

    statistics = ring.statistics()
    assert slow.is_evicted
    assert (statistics.evicted, statistics.consumers[0].is_evicted) == (1, True)
    with pytest.raises(EvictedError, match="at sequence 0 was further behind than it may be"):
        slow.wait(1)
    with pytest.raises(EvictedError):
        slow.batches(3)
    with pytest.raises(EvictedError, match="'slow' was evicted at sequence 0; remove it"):
        ring.consumer("slow")
    ring.remove_consumer("slow")
    assert ring.consumer("slow", lag_max=6).sequence == 9


def test_a_consumer_within_its_lag_holds_producers_back(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c", lag_max=7), ring.producer()
    producer.write(values(*range(8)))
    consumer.advance(1)

    assert producer.try_next(2) is None
    assert np.concatenate(consumer.batches(8))["value"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert ring.statistics().evicted == 0


def test_what_an_evictable_consumer_reads_is_a_copy(ring: RingBuffer) -> None:
    consumer, producer = ring.consumer("c", lag_max=2), ring.producer()
    producer.write(values(1, 2))
    (copied,) = consumer.batches(2)
    consumer.advance(2)
    producer.write(values(*range(3, 11)))

    assert copied["value"].tolist() == [1, 2]


def test_an_evicted_consumer_that_waits_is_woken(ring: RingBuffer) -> None:
    """It waits for one that stands still, and nobody publishes to it."""
    ring.consumer("first")
    slow = ring.consumer("slow", after=("first",), lag_max=1, strategy="blocking")
    failures: list[Exception] = []

    def wait() -> None:
        try:
            slow.wait(60_000_000_000)
        except EvictedError as error:
            failures.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    producer = ring.producer()
    producer.write(values(*range(8)))
    assert producer.try_next() is None
    thread.join(60)

    assert len(failures) == 1


@pytest.mark.parametrize("lag_max", [-1, 8])
def test_a_lag_that_means_nothing_is_refused(ring: RingBuffer, lag_max: int) -> None:
    with pytest.raises(SegmentError, match=f"lag_max={lag_max}, which must be from 1 to 7"):
        ring.consumer("c", lag_max=lag_max)


def test_nobody_waits_for_what_may_go_away(ring: RingBuffer) -> None:
    ring.consumer("evictable", lag_max=3)
    ring.tap("tap")
    for name in ("evictable", "tap"):
        with pytest.raises(SegmentError, match=f"nobody can wait for '{name}'"):
            ring.consumer("c", after=(name,))


def test_a_tap_sees_everything_while_it_keeps_up(ring: RingBuffer) -> None:
    tap, producer = ring.tap("tap"), ring.producer()
    seen: list[int] = []
    for value in range(1, 30):
        producer.write(values(value))
        sequences, events = tap.read()
        assert sequences.tolist() == events["value"].tolist()
        seen += events["value"].tolist()

    assert seen == list(range(1, 30))
    assert (tap.gaps, len(tap.read()[0])) == (0, 0)


def test_a_tap_never_holds_producers_back_and_counts_what_it_missed(ring: RingBuffer) -> None:
    tap, producer = ring.tap("tap"), ring.producer()
    producer.write(values(*range(1, 101)))
    sequences, events = tap.read()

    assert sequences.tolist() == events["value"].tolist()
    assert len(sequences) + tap.gaps == 100
    assert sequences[-1] == 100
    status = ring.statistics().consumers[0]
    assert (status.policy, status.gaps, status.sequence) == ("tap", tap.gaps, 100)


def test_a_tap_leaves_out_void_events_and_counts_them_for_no_gap(ring: RingBuffer) -> None:
    tap, producer = ring.tap("tap"), ring.producer()
    producer.write(values(1))
    with pytest.raises(ArithmeticError), producer.claim(2):
        raise ArithmeticError
    producer.write(values(4))

    sequences, events = tap.read()
    assert (sequences.tolist(), events["value"].tolist()) == ([1, 4], [1, 4])
    assert tap.gaps == 0


def test_a_tap_does_not_trust_a_slot_that_a_claim_may_be_writing(ring: RingBuffer) -> None:
    tap, producer = ring.tap("tap"), ring.producer()
    producer.write(values(*range(1, 9)))
    producer.next()

    sequences, _ = tap.read()
    assert 1 not in sequences
    assert len(sequences) + tap.gaps == 8


def test_a_tap_does_not_trust_what_a_dead_single_producer_began(single_ring: RingBuffer) -> None:
    tap = single_ring.tap("tap")

    def die_with_a_claim() -> None:
        dying = single_ring.producer()
        dying.write(values(*range(1, 9)))
        dying.slot(dying.next())["value"] = -1

    in_a_child(die_with_a_claim)
    single_ring.producer()

    sequences, events = tap.read()
    assert 1 not in sequences
    assert sequences.tolist() == events["value"].tolist()


def test_a_tap_waits_and_can_be_alerted(ring: RingBuffer) -> None:
    tap, producer = ring.tap("tap"), ring.producer()

    assert not tap.wait(1)
    producer.write(values(1))
    assert tap.wait(60_000_000_000)
    tap.read()
    tap.alert()
    assert not tap.wait(60_000_000_000)


@pytest.mark.stress
@pytest.mark.parametrize("multi", [False, True], ids=["single", "multi"])
def test_a_tap_beside_a_fast_producer_sees_no_torn_event(segment_prefix: str, multi: bool) -> None:
    """What it saw and what it missed add up to what was published."""
    event = np.dtype([("value", np.int64), ("rest", np.int64, 30), ("copy", np.int64)])
    ring = RingBuffer.create(f"{segment_prefix}r", event, 64, multi_producer=multi)
    tap = ring.tap("tap")
    total = 20_000
    child = os.fork()
    if child == 0:
        producer = ring.producer()
        for value in range(1, total + 1):
            with producer.claim() as claim:
                slot = producer.slot(claim.high)
                slot["value"] = slot["copy"] = value
                slot["rest"] = value
        os._exit(0)
    seen = 0
    while tap.sequence < total:
        tap.wait()
        sequences, events = tap.read(16)
        seen += len(sequences)
        assert events["value"].tolist() == sequences.tolist()
        assert events["copy"].tolist() == sequences.tolist()
        assert (events["rest"] == sequences[:, None]).all()
    assert os.waitpid(child, 0)[1] == 0

    assert seen + tap.gaps == total
    ring.unlink()


@pytest.mark.fault
def test_a_dead_consumer_is_found_by_proof_and_removed(ring: RingBuffer) -> None:
    producer = ring.producer()
    living = ring.consumer("living")
    in_a_child(lambda: ring.consumer("dead"))
    producer.write(values(*range(8)))
    living.advance(8)
    assert producer.try_next() is None

    assert [each.name for each in ring.dead_consumers()] == ["dead"]
    assert ring.remove_dead_consumers() == ("dead",)
    assert producer.try_next() == 9
    assert (ring.statistics().removed, ring.dead_consumers()) == (1, ())


@pytest.mark.fault
def test_a_dead_consumer_is_replaced_at_its_sequence(ring: RingBuffer) -> None:
    producer = ring.producer()
    ring.register_consumer("c", start=0)

    def read_two() -> None:
        dying = ring.consumer("c")
        producer.write(values(1, 2, 3))
        dying.advance(2)

    in_a_child(read_two)
    successor = ring.consumer("c")

    assert (successor.sequence, successor.available()) == (2, 3)
    assert ring.statistics().replaced == 1


@pytest.mark.fault
def test_a_living_consumers_place_is_not_taken(ring: RingBuffer) -> None:
    ring.consumer("c")

    def take() -> None:
        with pytest.raises(SegmentInUseError, match=f"running process {os.getppid()}; stop it"):
            ring.consumer("c")

    in_a_child(take)
    assert ring.statistics().consumers[0].owner == current_process()


@pytest.mark.fault
def test_a_stopped_consumer_is_not_dead(ring: RingBuffer) -> None:
    """However long it stands still: it is proof that counts, not time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        ring.consumer("stopped")
        os.write(writing, b"!")
        signal.pause()
    os.read(reading, 1)
    os.kill(child, signal.SIGSTOP)
    os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOWAIT)

    assert ring.dead_consumers() == ()
    assert ring.remove_dead_consumers() == ()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert ring.remove_dead_consumers() == ("stopped",)
    os.close(reading)
    os.close(writing)


@pytest.mark.fault
def test_a_consumer_for_which_others_wait_is_replaced_and_not_removed(ring: RingBuffer) -> None:
    in_a_child(lambda: ring.consumer("first"))
    ring.consumer("second", after=("first",))

    with pytest.raises(SegmentError, match="'first' cannot be removed while second wait for it"):
        ring.remove_consumer("first")
    assert ring.remove_dead_consumers() == ()
    assert ring.statistics().consumers[1].after == ("first",)
    ring.remove_consumer("second")
    assert ring.remove_dead_consumers() == ("first",)


@pytest.mark.fault
@pytest.mark.parametrize("came_to", ["owner", "line", "state"])
def test_a_death_while_joining_gives_the_line_back(ring: RingBuffer, came_to: str) -> None:
    def die_while_joining() -> None:
        words = ring.view.words
        for line in range(layout.CONSUMERS_MAX):
            at = gating.consumer_word(line, 0)
            words[at + layout.OWNER] = current_process().packed
            words[layout.CONSUMER_COUNT] = layout.CONSUMERS_MAX
            if came_to != "owner":
                words[at + layout.HELD] = layout.JOINING
            if came_to == "state":
                words[at + layout.STATE] = layout.GATING

    in_a_child(die_while_joining)
    assert ring.statistics().consumers == ()
    consumer, producer = ring.consumer("c"), ring.producer()
    producer.write(values(*range(8)))
    consumer.advance(8)

    assert producer.try_next() == 9
    assert [each.name for each in ring.statistics().consumers] == ["c"]


def test_a_wait_that_found_nothing_is_counted(ring: RingBuffer) -> None:
    consumer = ring.consumer("c")
    consumer.wait(1)
    consumer.wait(1)

    assert ring.statistics().consumers[0].waits == 2


def test_claims_in_flight_are_seen(ring: RingBuffer) -> None:
    producer = ring.producer("p")
    producer.next(3)

    statistics = ring.statistics()
    assert statistics.in_flight == 3
    expected = [("p", 1, 3, 3)] if ring.is_multi_producer else []
    assert expected == [(p.name, p.low, p.high, p.unpublished) for p in statistics.producers]


def test_who_looks_now_and_then_gets_the_newest_and_is_told_of_the_rest(ring: RingBuffer) -> None:
    producer = ring.producer()
    assert newest(ring, 0, 100)[::2] == (0, 0)
    producer.write(values(1, 2, 3))
    at, events, missed = newest(ring, 0, 2)
    assert (at, events["value"].tolist(), missed) == (3, [2, 3], 1)

    with pytest.raises(ArithmeticError), producer.claim(1):
        raise ArithmeticError
    producer.write(values(5))
    at, events, missed = newest(ring, at, 100)
    assert (at, events["value"].tolist(), missed) == (5, [5], 0)

    producer.write(values(*range(6, 106)))
    at, events, missed = newest(ring, at, 100)
    assert (at, len(events) + missed, events["value"].tolist()[-1]) == (105, 100, 105)
    assert ring.statistics().consumers == ()


def test_a_glance_does_not_trust_a_slot_that_a_claim_may_be_writing(ring: RingBuffer) -> None:
    producer = ring.producer()
    producer.write(values(*range(1, 9)))
    producer.next()

    at, events, missed = newest(ring, 0, 100)
    assert (at, events["value"].tolist(), missed) == (8, [2, 3, 4, 5, 6, 7, 8], 1)
