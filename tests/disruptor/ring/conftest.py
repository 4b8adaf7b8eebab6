"""Rings that the tests of this folder share: small, of both kinds, with one kind of event."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from disruptor.ring.ring_buffer import RingBuffer

EVENT = np.dtype([("value", np.int64), ("note", "S8")])


@pytest.fixture(params=[False, True], ids=["single", "multi"])
def ring(request: pytest.FixtureRequest, segment_prefix: str) -> Iterator[RingBuffer]:
    made = RingBuffer.create(f"{segment_prefix}ring", EVENT, 8, multi_producer=request.param)
    yield made
    made.unlink()


@pytest.fixture
def multi_ring(segment_prefix: str) -> Iterator[RingBuffer]:
    made = RingBuffer.create(f"{segment_prefix}multi", EVENT, 8, multi_producer=True)
    yield made
    made.unlink()


@pytest.fixture
def single_ring(segment_prefix: str) -> Iterator[RingBuffer]:
    made = RingBuffer.create(f"{segment_prefix}single", EVENT, 8)
    yield made
    made.unlink()


def values(*numbers: int) -> np.ndarray:
    """Events with these values."""
    events = np.zeros(len(numbers), EVENT)
    events["value"] = numbers
    return events


def in_a_child(work: Callable[[], object]) -> int:
    """Do this in a forked process that then ends; its pid."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    return child
