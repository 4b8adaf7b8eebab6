"""A message there and one back between two pinned processes: round-trip latency.

    P1 ──► ping ring ──► P2
       ◄── pong ring ◄──

Each round is timed alone, 1 µs after the one before; a round that takes longer than that delays
those behind it, and the histogram is corrected for this coordinated omission.  Beside it, in the
same run, the least that two cores can do: the same exchange over two bare words.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hdrh.histogram import HdrHistogram

from disruptor.compiled import entry
from disruptor.memory.atomics import load_acquire, store_release
from disruptor.memory.libc import monotonic_ns
from disruptor.ring.barrier import advance, wait_for
from disruptor.ring.layout import Ring
from disruptor.ring.ring_buffer import Consumer, RingBuffer
from disruptor.ring.sequencer import next_sequence, publish
from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy
from perf.harness.measurement import Measurement, Options
from perf.harness.pinned import beside, pinned, two_cpus
from perf.scenarios.unicast import EVENT

_FOREVER_NS = 2**60
_INTERVAL_NS = 1_000
_PERCENTILES = (50.0, 99.0, 99.9, 99.99)


@entry
def _ask(
    ping: Ring, pong: Ring, word: int, dependents: Any, times: Any, strategy: WaitStrategy,
    control: Any,
) -> None:  # fmt: skip
    mask = np.uint64(ping.slots.size - 1)
    for number in range(times.size):
        started = monotonic_ns()
        high = next_sequence(ping, 0, 1, strategy, control, _FOREVER_NS)
        ping.slots[np.uint64(high) & mask]["value"] = number
        publish(ping, 0, high, high)
        answer = wait_for(pong, dependents, high, strategy, control, _FOREVER_NS)
        advance(pong, word, answer)
        ended = monotonic_ns()
        times[number] = ended - started
        while monotonic_ns() < ended + _INTERVAL_NS:
            pass


@entry
def _answer(
    ping: Ring, pong: Ring, word: int, dependents: Any, rounds: int, strategy: WaitStrategy,
    control: Any,
) -> None:  # fmt: skip
    mask = np.uint64(ping.slots.size - 1)
    wanted = ping.words[word] + 1
    for _ in range(rounds):
        high = wait_for(ping, dependents, wanted, strategy, control, _FOREVER_NS)
        claimed = next_sequence(pong, 0, 1, strategy, control, _FOREVER_NS)
        value = ping.slots[np.uint64(high) & mask]["value"]
        pong.slots[np.uint64(claimed) & mask]["value"] = value
        publish(pong, 0, claimed, claimed)
        advance(ping, word, high)
        wanted = high + 1


@entry
def _ask_bare(words: Any, times: Any) -> None:
    for number in range(times.size):
        started = monotonic_ns()
        store_release(words, 0, number + 1)
        while load_acquire(words, 32) != number + 1:
            pass
        ended = monotonic_ns()
        times[number] = ended - started
        while monotonic_ns() < ended + _INTERVAL_NS:
            pass


@entry
def _answer_bare(words: Any, rounds: int) -> None:
    for number in range(rounds):
        while load_acquire(words, 0) != number + 1:
            pass
        store_release(words, 32, number + 1)


def run(options: Options) -> list[Measurement]:
    """Busy-spinning, adaptive and blocking rings, and the bare words."""
    rounds = 20_000 if options.quick else 300_000
    figures = []
    for name in ("busy_spin", "adaptive", "blocking"):
        few = rounds // 20 if name == "blocking" else rounds
        runs = [_ring_run(name, few) for _ in range(options.runs)]
        target = "≤ 1.2 × two bare words" if name == "busy_spin" else ""
        figures += _figures(f"ring, {name}", runs, target, "")
    runs = [_bare_run(rounds) for _ in range(options.runs)]
    return [*figures, *_figures("two bare words", runs, "", "the machine")]


def _figures(variant: str, runs: list[HdrHistogram], target: str, peer: str) -> list[Measurement]:
    return [
        Measurement(
            "ping_pong",
            variant,
            f"round trip p{percentile:g}",
            "ns",
            tuple(float(each.get_value_at_percentile(percentile)) for each in runs),
            target if percentile == _PERCENTILES[0] else "",
            peer,
        )
        for percentile in _PERCENTILES
    ]


def _histogram(times: Any) -> HdrHistogram:
    histogram = HdrHistogram(1, 10_000_000_000, 3)
    values, counts = np.unique(times, return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        for _ in range(count if value > _INTERVAL_NS else 0):
            histogram.record_corrected_value(value, _INTERVAL_NS)
        if value <= _INTERVAL_NS:
            histogram.record_value(max(1, value), count)
    return histogram


def _ring_run(name: str, rounds: int) -> HdrHistogram:
    strategy = wait_strategy(name)
    ping = RingBuffer.create("perf.ping", EVENT, 1024)
    pong = RingBuffer.create("perf.pong", EVENT, 1024)
    try:
        asked, answered = ping.consumer("c"), pong.consumer("c")
        ping.producer()
        pong.producer()
        _compile(ping, pong, asked, strategy)
        times = np.zeros(rounds, np.int64)
        here, there = two_cpus()

        def work() -> None:
            _answer(
                ping.view, pong.view, asked.sequence_word, asked.dependents, rounds, strategy,
                asked.control,
            )  # fmt: skip

        with pinned(here), beside(there, work):
            _ask(
                ping.view, pong.view, answered.sequence_word, answered.dependents, times, strategy,
                answered.control,
            )  # fmt: skip
    finally:
        for ring in (ping, pong):
            ring.unlink()
            ring.close()
    return _histogram(times[rounds // 10 :])


def _compile(
    ping: RingBuffer, pong: RingBuffer, consumer: Consumer, strategy: WaitStrategy
) -> None:
    wiring = (ping.view, pong.view, consumer.sequence_word, consumer.dependents)
    _answer(*wiring, 0, strategy, consumer.control)
    _ask(*wiring, np.zeros(0, np.int64), strategy, consumer.control)


def _bare_run(rounds: int) -> HdrHistogram:
    ring = RingBuffer.create("perf.bare", EVENT, 64)
    try:
        words = ring.view.slots.view(np.int64)
        _answer_bare(words, 0)
        _ask_bare(words, np.zeros(0, np.int64))
        times = np.zeros(rounds, np.int64)
        here, there = two_cpus()
        with pinned(here), beside(there, lambda: _answer_bare(words, rounds)):
            _ask_bare(words, times)
    finally:
        ring.unlink()
        ring.close()
    return _histogram(times[rounds // 10 :])
