"""Round trips between two workers, each timed alone: over two rings, and over two bare words."""

from __future__ import annotations

import os
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor import RingBuffer, WaitStrategy, wait_strategy
from disruptor.compiled import entry
from disruptor.memory.atomics import load_acquire, store_release
from disruptor.memory.libc import monotonic_ns
from disruptor.ring.barrier import advance, wait_for
from disruptor.ring.layout import Ring
from disruptor.ring.sequencer import next_sequence, publish
from perf.harness.crew import Across, Work, Worker, run_crew, shared_array
from perf.harness.machine import two_cpus
from perf.ring.events import VALUE
from perf.ring.graph import WrongResultError
from perf.ring.producers import FOREVER_NS

INTERVAL_NS: Final = 1_000
CAPACITY: Final = 1_024
_WARM_UP_PART: Final = 10
_FAR: Final = 32  # words between the two bare ones: four cache lines


@entry
def _ask(
    ping: Ring, pong: Ring, word: int, dependents: Any, times: Any, strategy: WaitStrategy,
    control: Any,
) -> int:  # fmt: skip
    """Send 0, 1, 2 … and time each answer; how many came back as they were sent."""
    mask = np.uint64(ping.slots.size - 1)
    right = 0
    for number in range(times.size):
        started = monotonic_ns()
        high = next_sequence(ping, 0, 1, strategy, control, FOREVER_NS)
        ping.slots[np.uint64(high) & mask]["value"] = number
        publish(ping, 0, high, high)
        answer = wait_for(pong, dependents, high, strategy, control, FOREVER_NS)
        right += pong.slots[np.uint64(answer) & mask]["value"] == number
        advance(pong, word, answer)
        ended = monotonic_ns()
        times[number] = ended - started
        while monotonic_ns() < ended + INTERVAL_NS:
            pass
    return right


@entry
def _answer(
    ping: Ring, pong: Ring, word: int, dependents: Any, rounds: int, strategy: WaitStrategy,
    control: Any,
) -> int:  # fmt: skip
    mask = np.uint64(ping.slots.size - 1)
    wanted = ping.words[word] + 1
    for _ in range(rounds):
        high = wait_for(ping, dependents, wanted, strategy, control, FOREVER_NS)
        claimed = next_sequence(pong, 0, 1, strategy, control, FOREVER_NS)
        value = ping.slots[np.uint64(high) & mask]["value"]
        pong.slots[np.uint64(claimed) & mask]["value"] = value
        publish(pong, 0, claimed, claimed)
        advance(ping, word, high)
        wanted = high + 1
    return rounds


@entry
def _ask_bare(words: Any, times: Any) -> int:
    for number in range(times.size):
        started = monotonic_ns()
        store_release(words, 0, number + 1)
        while load_acquire(words, _FAR) != number + 1:
            pass
        ended = monotonic_ns()
        times[number] = ended - started
        while monotonic_ns() < ended + INTERVAL_NS:
            pass
    return times.size


@entry
def _answer_bare(words: Any, rounds: int) -> int:
    for number in range(rounds):
        while load_acquire(words, 0) != number + 1:
            pass
        store_release(words, _FAR, number + 1)
    return rounds


@entry
def _read_clock(times: Any) -> None:
    for number in range(times.size):
        started = monotonic_ns()
        times[number] = monotonic_ns() - started


def ring_round_trips(wait: str, across: Across, rounds: int) -> NDArray[np.int64]:
    """Over two rings; each answer must bear the number that was sent."""
    strategy = wait_strategy(wait)
    name = f"perf.{os.getpid()}"
    ping = RingBuffer.create(f"{name}.ping", VALUE, CAPACITY)
    ping.unlink()  # the crew inherits the mapping
    pong = RingBuffer.create(f"{name}.pong", VALUE, CAPACITY)
    pong.unlink()
    times = shared_array(rounds, np.int64)

    def ask() -> Work:
        ping.producer("asker", strategy)
        reading = pong.consumer("c", strategy=strategy)
        return lambda: _ask(
            ping.view, pong.view, reading.sequence_word, reading.dependents, times, strategy,
            reading.control,
        )  # fmt: skip

    def answer() -> Work:
        pong.producer("answerer", strategy)
        reading = ping.consumer("c", strategy=strategy)
        return lambda: _answer(
            ping.view, pong.view, reading.sequence_word, reading.dependents, rounds, strategy,
            reading.control,
        )  # fmt: skip

    try:
        _compile(ping, pong, strategy)
        for ring in (ping, pong):
            ring.register_consumer("c", start=0)
        _run(ask, answer, across, rounds, f"ring.ping_pong, {wait}")
    finally:
        ping.close()
        pong.close()
    return after_warm_up(times)


def _compile(ping: RingBuffer, pong: RingBuffer, strategy: WaitStrategy) -> None:
    reading = ping.consumer("compile", strategy=strategy)
    wired = ping.view, pong.view, reading.sequence_word, reading.dependents
    _answer(*wired, 0, strategy, reading.control)
    _ask(*wired, np.zeros(0, np.int64), strategy, reading.control)
    ping.remove_consumer("compile")


def bare_round_trips(rounds: int) -> NDArray[np.int64]:
    """Over two words in memory and nothing else: what the machine can do."""
    words = shared_array(2 * _FAR, np.int64)
    times = shared_array(rounds, np.int64)
    _answer_bare(words, 0)
    _ask_bare(words, np.zeros(0, np.int64))
    _run(
        lambda: lambda: _ask_bare(words, times),
        lambda: lambda: _answer_bare(words, rounds),
        "processes",
        rounds,
        "two bare words",
    )
    return after_warm_up(times)


def clock_readings(count: int) -> NDArray[np.int64]:
    """Two readings of the clock, one after the other: contained in every round trip."""
    times = np.zeros(count, np.int64)
    _read_clock(times)
    return times


def _run(ask: Any, answer: Any, across: Across, rounds: int, what: str) -> None:
    here, there = two_cpus()
    workers = [
        Worker("asker", ask, frozenset({here})),
        Worker("answerer", answer, frozenset({there})),
    ]
    asked, _ = run_crew(workers, across=across)
    if asked.result != rounds:
        raise WrongResultError(f"{what}: {asked.result} of {rounds} answers were right")


def after_warm_up(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """All but the first tenth."""
    return times[times.size // _WARM_UP_PART :]
