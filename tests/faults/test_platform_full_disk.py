"""A disk that is full under the whole platform: it stops, loses nothing, and goes on with room."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.oracle.replay import replay
from components.oracle.store import Journal, verify
from disruptor.memory.segment import existing
from tests.system.platform_run import PlatformRun

pytestmark = [pytest.mark.fault, pytest.mark.system, pytest.mark.timeout(300)]

ROOM = 4 << 20
SMALL_RINGS = (
    "--set", "rings.commands.capacity=8192",
    "--set", "rings.events.capacity=16384",
    "--set", "rings.risk.capacity=8192",
)  # fmt: skip
BUSY = ("--set", "feed.order_flow.orders_per_second=20000")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What is started meanwhile can make no file larger; to LMDB this is a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_platform_stops_at_a_full_disk_and_goes_on_when_there_is_room(
    segment_prefix: str, tmp_path: Path
) -> None:
    name, journal = segment_prefix.rstrip("."), tmp_path / "events"
    with files_of_at_most(ROOM):
        full = PlatformRun(name, journal, *SMALL_RINGS, *BUSY)
    with full:
        assert full.wait() == 1
    with Journal.open_reader(journal) as reader:
        held = reader.last_sequence("commands")
        assert replay(reader).ok
    with PlatformRun(name, journal, *SMALL_RINGS) as again:
        again.wait_for_metric("oracle_durable_sequence", held + 50, kind="commands")
        assert again.stop() == 0

    assert "process oracle failed: the journal" in full.output
    assert "nothing of it was kept or acknowledged. Make room" in full.output
    assert existing(f"{name}.") == []
    assert held > 1000
    assert f"restored from {held:,} commands" in again.output
    assert verify(journal, deep=True).ok
    with Journal.open_reader(journal) as reader:
        assert replay(reader).ok
