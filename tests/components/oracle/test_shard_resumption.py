"""What one of several Titans owes when it goes on, wherever its predecessor died."""

from __future__ import annotations

import random

import numpy as np
import pytest

from components.messages.event import EVENT, Events
from components.oracle.replay import ReplayDifferenceError
from components.oracle.resumption import _ShardOutput
from disruptor.ring.ring_buffer import RingBuffer

COMMANDS = 40


def events_of(chance: random.Random) -> Events:
    """Some events of each of some commands."""
    counts = [chance.choice((0, 0, 1, 2, 7)) for _ in range(COMMANDS)]
    told = np.zeros(sum(counts), EVENT)
    told["seq"] = np.repeat(np.arange(1, COMMANDS + 1), counts)
    told["index"] = np.concatenate([np.arange(count) for count in counts])
    told["qty"] = np.arange(len(told))
    return told


@pytest.mark.parametrize("seed", range(60))
def test_what_is_owed_is_what_is_not_in_the_ring(segment_prefix: str, seed: int) -> None:
    """From any snapshot, with any part of the output published, in a ring that holds all of it or some."""
    chance = random.Random(seed)
    told = events_of(chance)
    began = chance.randint(0, COMMANDS - 1)  # the command after which the run began
    in_run = told[told["seq"] > began]
    out = chance.randint(0, len(in_run))
    unfinished = int(in_run["seq"][out]) if out < len(in_run) else COMMANDS + 1
    place = chance.randint(began, unfinished - 1)
    start = chance.randint(0, place)
    ring = RingBuffer.create(f"{segment_prefix}events", EVENT, chance.choice((4, 16, 256)))
    try:
        place_in_ring = ring.consumer("reader", start=0)
        producer = ring.producer()
        for event in in_run[:out]:
            producer.write(event.reshape(1))
            place_in_ring.advance(ring.cursor)
        output = _ShardOutput(ring, start, place)
        derived = told[told["seq"] > start]
        while len(derived):
            count = chance.randint(1, 9)
            output.take(derived[:count])
            derived = derived[count:]

        assert not output.is_behind
        assert output.owed().tobytes() == in_run[out:][in_run["seq"][out:] > place].tobytes()
        assert (in_run["seq"][out:] > place).all()
    finally:
        ring.unlink()
        ring.close()


def test_a_ring_that_holds_something_else_is_refused(segment_prefix: str) -> None:
    told = events_of(random.Random(1))
    ring = RingBuffer.create(f"{segment_prefix}events", EVENT, 256)
    try:
        other = told.copy()
        other["qty"][len(told) // 2] += 1
        ring.producer().write(other)
        with pytest.raises(ReplayDifferenceError, match="the ring is not what its input gives"):
            _ShardOutput(ring, 0, COMMANDS).take(told)
        missing = _ShardOutput(ring, 0, COMMANDS)
        missing.take(other[:-1])
        with pytest.raises(ReplayDifferenceError, match="holds"):
            missing.owed()
    finally:
        ring.unlink()
        ring.close()
