"""What is told of a running platform: lags that grow, clocks that jump, disks that fill."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.launcher.watches import ClockWatch, DiskWatch, LagWatch, Watches


@dataclass(frozen=True)
class Reader:
    name: str
    sequence: int


@dataclass(frozen=True)
class Ring:
    cursor: int
    capacity: int
    consumers: tuple[Reader, ...]


def lines(*lags: int) -> list[str]:
    watch = LagWatch()
    told: list[str] = []
    for at, lag in enumerate(lags):
        ring: Any = Ring(1_000 * at + lag, 1_000, (Reader("titan", 1_000 * at),))
        told += watch.look({"commands": ring})
    return told


@pytest.mark.parametrize(
    "lags",
    [
        (0, 0, 0, 0, 0),
        (100, 200, 300, 400, 450),  # grows, and is not far behind
        (900, 900, 900, 900, 900),  # far behind, and does not fall back
        (600, 700, 800, 100, 700, 800),  # caught up between
    ],
)
def test_a_lag_that_is_small_or_does_not_grow_is_not_told(lags: tuple[int, ...]) -> None:
    assert lines(*lags) == []


def test_a_consumer_that_falls_back_is_told_with_its_pace() -> None:
    told = (
        "ring commands: titan is 700 of 1,000 events behind, 200 more each second; when it is full, "
        "producers wait"
    )

    assert lines(100, 300, 500, 700) == [told]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (0.0, ""),
        (0.1, ""),
        (-0.1, ""),
        (-3_600.0, "the clock was set back by 3600.0 s; the platform's time stands until"),
        (60.0, "the clock was set forward by 60.0 s; what expires before now has expired"),
    ],
)
def test_a_clock_that_is_set_is_told_once(step: float, told: str) -> None:
    watch = ClockWatch(1_000_000.0, 50.0)

    assert [*watch.look(1_000_001.0, 51.0)] == []
    found = [*watch.look(1_000_002.0 + step, 52.0)]
    assert len(found) == bool(told)
    assert "".join(found).startswith(told)
    assert [*watch.look(1_000_003.0 + step, 53.0)] == []


def test_a_clock_that_is_set_forth_and_back_is_told_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = 1_000_000.0
    monkeypatch.setattr("components.launcher.watches.time.time", lambda: wall)
    monkeypatch.setattr("components.launcher.watches.time.monotonic", lambda: 0.0)
    watches = Watches(tmp_path, dict)
    told = []
    for second, step in enumerate((3_600.0, -3_600.0, 0.0)):
        wall += step
        told += [line for line in watches.look(10.0 + 2 * second) if "the clock" in line]

    assert [line.partition(" by")[0] for line in told] == [
        "the clock was set forward", "the clock was set back",
    ]  # fmt: skip


def test_a_disk_with_little_room_is_told() -> None:
    assert [*DiskWatch().look(1 << 35)] == []
    assert "the journal's disk has 512 MiB left" in next(iter(DiskWatch().look(1 << 29)))
