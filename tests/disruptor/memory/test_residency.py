"""Pages are there before the first store; what the machine refuses is said and fails nothing."""

from __future__ import annotations

import os

import numpy as np
import pytest

from disruptor.errors import SegmentError, SegmentInUseError
from disruptor.memory.residency import PageOptions
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY, Segment, reclaim
from disruptor.ring.ring_buffer import RingBuffer

EVENT = np.dtype([("value", np.int64, 8)])


def test_every_page_is_resident_from_the_start(segment_prefix: str) -> None:
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 16_384)
    attached = RingBuffer.attach(ring.name)
    for each in (ring, attached):
        found = each.residency()
        assert found.mapped >= 16_384 * 64
        assert found.resident == found.mapped
        assert found.refusals == ()
    ring.unlink()


def test_wishes_are_granted_or_refused_with_a_reason(segment_prefix: str) -> None:
    wishes = PageOptions(huge_pages=True, lock=True)
    ring = RingBuffer.create(f"{segment_prefix}r", EVENT, 65_536, pages=wishes)
    found = ring.residency()
    reasons = " ".join(found.refusals)

    assert found.resident == found.mapped
    assert found.locked in (0, found.mapped)
    assert ("lock:" in reasons) == (found.locked == 0)
    assert found.huge > 0 or "huge pages:" in reasons
    ring.unlink()


def test_a_segment_of_another_pid_namespace_is_neither_attached_nor_reclaimed(
    segment_prefix: str,
) -> None:
    """There its owner would look dead, whether it is or not."""
    segment = Segment.create(f"{segment_prefix}s", "test", 1, 4096)
    segment.publish()
    with open(f"{SHARED_MEMORY_DIRECTORY}/{segment.name}", "r+b") as header:
        header.seek(56)
        header.write((1).to_bytes(8, "little"))

    with pytest.raises(SegmentError, match=r"another PID namespace.*: run both in one"):
        Segment.attach(segment.name, "test", 1)
    with pytest.raises(SegmentInUseError, match=r"another PID namespace.*; it is not reclaimed"):
        reclaim(segment.name)
    assert os.path.exists(f"{SHARED_MEMORY_DIRECTORY}/{segment.name}")
    segment.unlink()
