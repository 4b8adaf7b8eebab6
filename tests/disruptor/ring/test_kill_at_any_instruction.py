"""kill -9 at every instruction of every operation: the ring goes on, and nothing is half seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from disruptor.compiled import entry
from disruptor.memory.process_identity import current_process
from disruptor.ring import gating, multi_producer_sequencer, sequencer
from disruptor.ring.barrier import advance
from disruptor.ring.doors import advance as advance_now
from disruptor.ring.layout import SEQUENCE, Ring, pack_name
from disruptor.ring.ring_buffer import Consumer, Producer, RingBuffer
from tests.disruptor.ring.conftest import EVENT, values
from tests.disruptor.ring.stepping import (
    STOP,
    compile_for,
    count_instructions,
    kill_after,
    stop_itself,
)

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

KILLS_OF_A_QUICK_RUN = 16
CAPACITY = 8
DYING = 1000  # the value of each event of the process that dies

_try_next = sequencer.try_next
_publish = sequencer.publish
_void = sequencer.void
_advance = advance
_join = gating.join
_leave = gating.leave
_register = multi_producer_sequencer.register
_unregister = multi_producer_sequencer.unregister


@entry
def publish_two(ring: Ring, line: int) -> None:
    stop_itself(STOP)
    high = _try_next(ring, line, 2)
    mask = np.uint64(ring.slots.size - 1)
    for sequence in range(high - 1, high + 1):
        ring.slots[np.uint64(sequence) & mask]["value"] = DYING
    _publish(ring, line, high - 1, high)
    stop_itself(STOP)


@entry
def give_two_up(ring: Ring, line: int, zero: np.ndarray) -> None:
    high = _try_next(ring, line, 2)
    mask = np.uint64(ring.slots.size - 1)
    for sequence in range(high - 1, high + 1):
        ring.slots[np.uint64(sequence) & mask]["value"] = -DYING
    stop_itself(STOP)
    _void(ring, line, high - 1, high, zero)
    stop_itself(STOP)


@entry
def join_and_leave(ring: Ring, me: int, name: np.ndarray) -> None:
    stop_itself(STOP)
    line = _join(ring, -1, True, 0, me, me, name)
    _leave(ring, line, me)
    stop_itself(STOP)


@entry
def register_and_unregister(ring: Ring, me: int) -> None:
    stop_itself(STOP)
    _unregister(ring, _register(ring, me))
    stop_itself(STOP)


@entry
def advance_to(ring: Ring, word: int, sequence: int) -> None:
    stop_itself(STOP)
    _advance(ring, word, sequence)
    stop_itself(STOP)


@pytest.fixture(params=["quick", pytest.param("every", marks=pytest.mark.soak)])
def kills(request: pytest.FixtureRequest) -> Callable[[Callable[[], object]], Iterator[int]]:
    """Gives the instructions to kill at: some, evenly spread, or, as a soak, each."""

    def of(work: Callable[[], object]) -> Iterator[int]:
        total = count_instructions(work)
        assert total > 20
        step = 1 if request.param == "every" else -(-total // KILLS_OF_A_QUICK_RUN)
        yield from range(0, total + 1, step)

    return of


def go_on(ring: RingBuffer, producer: Producer, consumer: Consumer) -> None:
    """After each death: no hole, nothing half written, and room for a whole lap."""
    ring.void_dead_claims()
    ring.remove_dead_consumers()
    read(ring, consumer)
    producer.write(values(*range(1, CAPACITY + 1)))
    assert read(ring, consumer) == list(range(1, CAPACITY + 1))
    assert ring.statistics().in_flight == 0


def read(ring: RingBuffer, consumer: Consumer) -> list[int]:
    high = consumer.available()
    assert high == ring.cursor, "a claim of the dead still blocks the ring"
    seen = [int(value) for _, events in consumer.runs(high) for value in events["value"]]
    consumer.advance(high)
    assert all(value in (*range(1, CAPACITY + 1), DYING) for value in seen), seen
    return seen


def survive(ring: RingBuffer, kills: Any, work: Callable[[], object]) -> None:
    consumer = ring.consumer("living")
    producer = ring.producer("living")
    for instructions in kills(work):
        kill_after(work, instructions)
        if not ring.is_multi_producer:
            producer = ring.producer("successor")
        go_on(ring, producer, consumer)
        assert [each.name for each in ring.statistics().consumers] == ["living"]
        assert len(ring.statistics().producers) == ring.is_multi_producer


def test_a_producer_dies_anywhere_between_claim_and_publish(ring: RingBuffer, kills: Any) -> None:
    compile_for(publish_two, ring.view, 0)
    survive(ring, kills, lambda: publish_two(ring.view, ring.producer("dying").line))


def test_a_producer_dies_anywhere_in_giving_up_a_claim(ring: RingBuffer, kills: Any) -> None:
    zero = np.zeros(1, EVENT)
    compile_for(give_two_up, ring.view, 0, zero)
    survive(ring, kills, lambda: give_two_up(ring.view, ring.producer("dying").line, zero))


def test_a_consumer_dies_anywhere_in_joining_or_leaving(ring: RingBuffer, kills: Any) -> None:
    name = pack_name("dying")
    compile_for(join_and_leave, ring.view, 0, name)
    survive(ring, kills, lambda: join_and_leave(ring.view, current_process().packed, name))


def test_a_producer_dies_anywhere_in_coming_or_going(multi_ring: RingBuffer, kills: Any) -> None:
    compile_for(register_and_unregister, multi_ring.view, 0)
    survive(
        multi_ring,
        kills,
        lambda: register_and_unregister(multi_ring.view, current_process().packed),
    )


def test_a_consumer_dies_anywhere_in_advancing(ring: RingBuffer, kills: Any) -> None:
    """Its successor stands at the sequence before or after, and never in between."""
    consumer, producer = ring.consumer("living"), ring.producer("living")
    line = ring.register_consumer("dying", start=0)
    word = int(gating.consumer_word(line, SEQUENCE))

    def work() -> None:
        dying = ring.consumer("dying")
        advance_to(ring.view, dying.sequence_word, dying.sequence + 2)

    compile_for(advance_to, ring.view, 0, 0)
    for instructions in kills(work):
        producer.write(values(1, 2))
        consumer.advance(consumer.available())
        before = ring.statistics().consumers[1].sequence
        kill_after(work, instructions)
        dead = ring.dead_consumers()[0]
        assert (dead.name, dead.sequence - before in (0, 2)) == ("dying", True)
        advance_now(ring.view, word, ring.cursor)
        assert producer.remaining_capacity() == CAPACITY
