"""Sequence barriers: how far a consumer may read, and the wait until it is far enough.

A barrier stands over the cursor, or over the sequences of other consumers that must be done with
an event first; then it need not look at the producers at all, because those consumers did.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from disruptor.compiled import inlined, internal
from disruptor.memory.atomics import load_acquire, load_relaxed, pause, prefetch, store_release
from disruptor.memory.libc import monotonic_ns
from disruptor.ring.availability import highest_published
from disruptor.ring.layout import CONSUMED_EPOCH, CONSUMER_COUNT, CURSOR, PUBLISHED_EPOCH, Ring
from disruptor.ring.voids import has_voids, is_void
from disruptor.ring.wait_strategy import (
    WaitStrategy,
    announce_sleep,
    idle,
    reads_clock_at,
    signal,
    sleep_on,
)

__all__ = ["advance", "available", "has_voids", "is_void", "wait_for"]

_LULL: Final = 4
"""Pauses before a wait looks a second time.  A consumer that has caught up and looks again at once
takes the cursor's cache line from the producer for every single event: 60 M events/s between two
cores.  With four pauses (some 100 ns) the producer runs ahead and it is 160 M, while a round trip
of two messages takes 1.15 times what two bare words need."""

_LULL_OF_SEVERAL: Final = 64
"""The same where several producers publish or several consumers read, some 0.6 µs.  Exchanges of
several producers wait until all their stores are done, so that each line which the consumer takes
away costs them a whole transfer: 20 M events/s with four pauses, 40 M with these.  Of three
consumers each takes the lines away for itself: 56 M and 77 M.  Who waits longer than that anyway is not
delayed."""


@inlined
def available(ring: Ring, dependents: np.ndarray, wanted: int) -> int:
    """The highest sequence that may be read now, if at least ``wanted`` is; else less than it.

    ``dependents``: int64 indices into ``ring.words`` of the sequences that must be ahead, shape
    (0,) for the producers alone.
    """
    words = ring.words
    if dependents.size == 0:
        if ring.published.size != 0:
            return highest_published(ring, wanted, wanted + ring.slots.size - 1)
        # acquire: pairs with the producer's release; the slots' bytes are readable after this
        return load_acquire(words, CURSOR)
    lowest = load_acquire(words, dependents[0])
    for number in range(1, dependents.size):
        lowest = min(lowest, load_acquire(words, dependents[number]))
    return lowest


@inlined
def wait_for(
    ring: Ring,
    dependents: np.ndarray,
    wanted: int,
    strategy: WaitStrategy,
    control: np.ndarray,
    timeout_ns: int,
) -> int:
    """Wait until ``wanted`` may be read; the highest sequence that may be.

    Less than ``wanted`` when control[0] became non-zero or the time is over.  control[1], if there
    is one, counts how often there was nothing yet.  What is readable may be void, see ``is_void``.
    """
    reached = available(ring, dependents, wanted)
    if reached >= wanted:
        return reached
    return _wait(ring, dependents, wanted, strategy, control, timeout_ns)


@inlined
def _is_shared(ring: Ring) -> bool:
    # relaxed: whoever joins meanwhile is seen by the next wait
    return ring.published.size != 0 or load_relaxed(ring.words, CONSUMER_COUNT) > 1


@internal
def _wait(
    ring: Ring,
    dependents: np.ndarray,
    wanted: int,
    strategy: WaitStrategy,
    control: np.ndarray,
    timeout_ns: int,
) -> int:
    if control.size > 1:
        control[1] += 1
    since = monotonic_ns()
    deadline = since + timeout_ns
    epoch = PUBLISHED_EPOCH if dependents.size == 0 else CONSUMED_EPOCH
    step = 0
    for _ in range(_LULL_OF_SEVERAL if _is_shared(ring) else _LULL):
        pause()
    slot = np.uint64(wanted) & np.uint64(ring.slots.size - 1)
    while True:
        reached = available(ring, dependents, wanted)
        # The producer wrote the slot before the cursor, so both lines come over together; without
        # this a message costs two transfers, one after the other.
        prefetch(ring.slots, slot)
        if reached >= wanted or load_acquire(control, 0) != 0:
            return reached
        if reads_clock_at(strategy, step) and monotonic_ns() >= deadline:
            return reached
        if idle(strategy, step, since):
            seen = announce_sleep(ring.words, epoch)
            if available(ring, dependents, wanted) < wanted and load_acquire(control, 0) == 0:
                sleep_on(ring.words, epoch, seen, strategy, deadline - monotonic_ns())
        step += 1


@inlined
def advance(ring: Ring, sequence_word: int, sequence: int) -> None:
    """Say that this consumer is done with everything up to ``sequence``."""
    # release: pairs with the producers' and dependents' acquire; our reads of the slots come first
    store_release(ring.words, sequence_word, sequence)
    signal(ring.words, CONSUMED_EPOCH)
