"""The producer's verbs, whichever kind of ring it is: claim, wait for room, publish.

Compiled processes and the Python classes call these; the two sequencers hold the algorithms.  A
ring with one producer has no words of what is published, which is how the kind is told; the branch
is always predicted.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from disruptor.compiled import entry, inlined, internal
from disruptor.memory.atomics import fetch_add, load_acquire
from disruptor.memory.libc import monotonic_ns
from disruptor.ring import multi_producer_sequencer as multi
from disruptor.ring import single_producer_sequencer as single
from disruptor.ring.layout import CONSUMED_EPOCH, CURSOR, STALLS, Ring
from disruptor.ring.voids import mark_void
from disruptor.ring.wait_strategy import (
    WaitStrategy,
    announce_sleep,
    idle,
    reads_clock_at,
    sleep_on,
)

FULL: Final = -1

_multi_try_next = multi.try_next
_multi_publish = multi.publish
_multi_remaining = multi.remaining_capacity
_single_try_next = single.try_next
_single_publish = single.publish
_single_remaining = single.remaining_capacity


@inlined
def try_next(ring: Ring, line: int, count: int) -> int:
    """Claim ``count`` slots without waiting; the highest sequence claimed, or FULL."""
    if ring.published.size == 0:
        return _single_try_next(ring, count)
    return _multi_try_next(ring, line, count)


@inlined
def publish(ring: Ring, line: int, low: int, high: int) -> None:
    """Make the claimed sequences low … high readable."""
    if ring.published.size == 0:
        _single_publish(ring, low, high)
    else:
        _multi_publish(ring, line, low, high)


@internal
def void(ring: Ring, line: int, low: int, high: int, zero: np.ndarray) -> None:
    """Publish the claimed sequences low … high as void events, which consumers skip.

    ``zero``: one zeroed event, shape (1,).
    """
    for sequence in range(low, high + 1):
        mark_void(ring, sequence, zero)
    publish(ring, line, low, high)


@inlined
def remaining_capacity(ring: Ring) -> int:
    """Free slots at this moment; only the producer itself may ask a single-producer ring."""
    if ring.published.size == 0:
        return _single_remaining(ring)
    return _multi_remaining(ring)


@inlined
def next_sequence(
    ring: Ring,
    line: int,
    count: int,
    strategy: WaitStrategy,
    control: np.ndarray,
    timeout_ns: int,
) -> int:
    """Claim ``count`` slots, waiting for room; the highest sequence claimed.

    FULL when control[0] became non-zero or the time is over; then nothing is claimed.
    """
    claimed = try_next(ring, line, count)
    if claimed != FULL:
        return claimed
    return _wait_for_room(ring, line, count, strategy, control, timeout_ns)


@internal
def _wait_for_room(
    ring: Ring,
    line: int,
    count: int,
    strategy: WaitStrategy,
    control: np.ndarray,
    timeout_ns: int,
) -> int:
    fetch_add(ring.words, STALLS, 1)
    since = monotonic_ns()
    deadline = since + timeout_ns
    step = 0
    while True:
        claimed = try_next(ring, line, count)
        if claimed != FULL or load_acquire(control, 0) != 0:
            return claimed
        if reads_clock_at(strategy, step) and monotonic_ns() >= deadline:
            return FULL
        if idle(strategy, step, since):
            seen = announce_sleep(ring.words, CONSUMED_EPOCH)
            claimed = try_next(ring, line, count)
            if claimed != FULL:
                return claimed
            if load_acquire(control, 0) == 0:
                sleep_on(ring.words, CONSUMED_EPOCH, seen, strategy, deadline - monotonic_ns())
        step += 1


@entry
def cursor(ring: Ring) -> int:
    """Highest published sequence (single producer) or highest claimed one (multi-producer)."""
    return load_acquire(ring.words, CURSOR)
