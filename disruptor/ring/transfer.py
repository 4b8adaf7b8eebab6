"""Moves prepared records into a ring, in the largest pieces that fit.

For processes that decide first and publish afterwards: their outbox is an ordinary array.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor.compiled import inlined, internal
from disruptor.ring.layout import Ring
from disruptor.ring.sequencer import FULL, next_sequence, publish, try_next
from disruptor.ring.wait_strategy import WaitStrategy

_PIECES: Final = 4
"""A claim is at most this part of the ring, so that consumers work while the rest is written."""


@inlined
def _write(ring: Ring, line: int, records: NDArray[Any], begin: int, high: int, count: int) -> None:
    mask = np.uint64(ring.slots.size - 1)
    low = high - count + 1
    for number in range(count):
        ring.slots[np.uint64(low + number) & mask] = records[np.uint64(begin + number)]
    publish(ring, line, low, high)


@internal
def transfer(
    ring: Ring,
    line: int,
    records: NDArray[Any],
    begin: int,
    end: int,
    strategy: WaitStrategy,
    control: np.ndarray,
    timeout_ns: int,
) -> int:
    """Publish records begin … end - 1, waiting for room; how far it came.

    Less than ``end`` when a wait took ``timeout_ns`` or control[0] became non-zero.
    """
    piece_max = max(1, ring.slots.size // _PIECES)
    while begin < end:
        count = min(end - begin, piece_max)
        high = next_sequence(ring, line, count, strategy, control, timeout_ns)
        if high == FULL:
            break
        _write(ring, line, records, begin, high, count)
        begin += count
    return begin


@internal
def transfer_ready(ring: Ring, line: int, records: NDArray[Any], begin: int, end: int) -> int:
    """Publish as many of the records begin … end - 1 as there is room for, without waiting."""
    while begin < end:
        count = min(end - begin, max(1, ring.slots.size // _PIECES))
        high = try_next(ring, line, count)
        while high == FULL and count > 1:
            count //= 2
            high = try_next(ring, line, count)
        if high == FULL:
            break
        _write(ring, line, records, begin, high, count)
        begin += count
    return begin
