"""Cache lines from one core to another with nothing but two words to say how far each side is."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from disruptor.compiled import entry
from disruptor.memory.atomics import load_acquire, pause, store_release
from perf.harness.crew import Work, Worker, run_crew, shared_array
from perf.ring.events import WIDE
from perf.ring.graph import WrongResultError, places

_SLOTS: Final = 65_536
_HALF: Final = _SLOTS // 2
_WRITTEN: Final = 0
_READ: Final = 32  # words; far from the other


@entry
def _write(slots: Any, words: Any, halves: int) -> int:
    mask = np.uint64(slots.size - 1)
    for half in range(halves):
        while load_acquire(words, _READ) < half - 1:
            pause()
        for number in range(half * _HALF, (half + 1) * _HALF):
            slots[np.uint64(number) & mask]["value"] = number
        store_release(words, _WRITTEN, half + 1)
    return halves


@entry
def _read(slots: Any, words: Any, halves: int) -> int:
    mask = np.uint64(slots.size - 1)
    total = 0
    for half in range(halves):
        while load_acquire(words, _WRITTEN) < half + 1:
            pause()
        for number in range(half * _HALF, (half + 1) * _HALF):
            total += slots[np.uint64(number) & mask]["value"]
        store_release(words, _READ, half + 1)
    return total


def bare_memory_rate(events: int) -> float:
    """Millions of cache lines a second, written by one process and read by another."""
    halves = max(2, events // _HALF)
    slots = shared_array(_SLOTS, WIDE)
    words = shared_array(2 * _READ, np.int64)
    _write(slots, words, 0)
    _read(slots, words, 0)

    def writer() -> Work:
        return lambda: _write(slots, words, halves)

    def reader() -> Work:
        return lambda: _read(slots, words, halves)

    here, there = places(2)
    writing, reading = run_crew([Worker("writer", writer, here), Worker("reader", reader, there)])
    total = halves * _HALF
    if reading.result != total * (total - 1) // 2:
        raise WrongResultError(f"bare memory: the sum is {reading.result}")
    return total / (reading.ended_ns - writing.started_ns) * 1e3
