"""A kill -9 loop: producers and the consumer die at random moments and are replaced, again and again.

Each incarnation of a producer numbers its events from 1.  The consumer keeps its own account in
shared memory, two copies of it of which a word names the valid one, and writes it before it
advances; its successor goes on where the account stands.  In the end each sequence of the ring was
either consumed once, in its producer's order, or void.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import time
from collections.abc import Callable

import numpy as np
import pytest

from disruptor.compiled import entry
from disruptor.ring.layout import Ring
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.ring.sequencer import next_sequence, publish
from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy
from tests.disruptor.ring.stepping import compile_for

pytestmark = [pytest.mark.stress, pytest.mark.fault]

EVENT = np.dtype([("incarnation", np.int64), ("number", np.int64), ("check", np.int64)])
FOREVER = 2**60
SALT = 0x2545F4914F6CDD1D
LIMIT_S = 60.0


@entry
def produce(
    ring: Ring, line: int, incarnation: int, strategy: WaitStrategy, control: np.ndarray
) -> None:
    """Events without end, three in a claim, the check written last."""
    mask = np.uint64(ring.slots.size - 1)
    number = 0
    while True:
        high = next_sequence(ring, line, 3, strategy, control, FOREVER)
        for sequence in range(high - 2, high + 1):
            number += 1
            slot = ring.slots[np.uint64(sequence) & mask]
            slot["incarnation"] = incarnation
            slot["number"] = number
            slot["check"] = (incarnation << 32 | number) ^ SALT
        publish(ring, line, high - 2, high)


class Account:
    """What was consumed: the sequence, the events, the voids, and each incarnation's last number."""

    FIXED = 3

    def __init__(self, incarnations: int) -> None:
        width = self.FIXED + incarnations
        shared = mmap.mmap(-1, 8 * (1 + 2 * width))
        words = np.frombuffer(shared, np.int64)
        self._valid = words[:1]
        self._copies = words[1:].reshape(2, width)

    def load(self) -> np.ndarray:
        return self._copies[self._valid[0]].copy()

    def store(self, account: np.ndarray) -> None:
        other = 1 - self._valid[0]
        self._copies[other] = account
        self._valid[0] = other


def start(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
        finally:
            os._exit(status)
    return child


def consume(ring: RingBuffer, accounts: Account) -> None:
    """For ever; ends, with a status that is not a kill's, at the first event that is wrong."""
    consumer = ring.consumer("c", strategy="yielding")
    account = accounts.load()
    consumer.advance(max(consumer.sequence, int(account[0])))
    newest = account[Account.FIXED :]
    while True:
        high = consumer.wait(10_000_000)
        voids = len(consumer.voids(high))
        for _, events in consumer.runs(high):
            key = events["incarnation"] << 32 | events["number"]
            assert (events["check"] == key ^ SALT).all()
            for incarnation in np.unique(events["incarnation"]):
                numbers = events["number"][events["incarnation"] == incarnation]
                expected = newest[incarnation] + 1 + np.arange(len(numbers))
                assert (numbers == expected).all()
                newest[incarnation] += len(numbers)
            account[1] += len(events)
        account[0], account[2] = high, account[2] + voids
        accounts.store(account)
        consumer.advance(high)


def run_kill_loop(segment_prefix: str, kills: int, producers: int) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 256, multi_producer=producers > 1)
    plan = wait_strategy("yielding")
    accounts = Account(kills + producers)
    ring.register_consumer("c", start=0)
    compile_for(produce, ring.view, 0, 0, plan, np.zeros(1, np.int64))
    incarnations = iter(range(kills + producers))

    def producer() -> int:
        incarnation = next(incarnations)

        def work() -> None:
            mine = ring.producer(str(incarnation), plan)
            produce(ring.view, mine.line, incarnation, plan, mine.control)

        return start(work)

    def consumer() -> int:
        return start(lambda: consume(ring, accounts))

    crew = [*(producer() for _ in range(producers)), consumer()]
    until(lambda: accounts.load()[1] > 0)
    rng = random.Random(23)
    for _ in range(kills):
        time.sleep(rng.random() * 0.01)
        victim = rng.randrange(len(crew))
        end(crew[victim])
        ring.void_dead_claims()
        crew[victim] = consumer() if victim == producers else producer()
    for child in crew[:producers]:
        end(child)
    until(lambda: ring.void_dead_claims() == 0 and not ring.statistics().producers)
    until(lambda: int(accounts.load()[0]) == ring.cursor)
    end(crew[producers])
    account = accounts.load()

    assert account[1] + account[2] == ring.cursor
    assert account[2] == ring.statistics().voided
    assert account[1] == account[Account.FIXED :].sum()
    ring.unlink()


def end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "a process ended by itself: it saw something wrong"


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("producers", [1, 3])
def test_what_was_published_is_consumed_once_whoever_dies(
    segment_prefix: str, producers: int
) -> None:
    run_kill_loop(segment_prefix, 15, producers)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("producers", [1, 3])
def test_what_was_published_is_consumed_once_through_four_hundred_kills(
    segment_prefix: str, producers: int
) -> None:
    run_kill_loop(segment_prefix, 400, producers)
