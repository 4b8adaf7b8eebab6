"""What a person should know of a running platform before it becomes a failure, told as it happens.

Each watch looks some times a second and gives lines; none says the same again too soon.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from disruptor.ring.status import RingStatistics

_LOOK_S: Final = 1.0
_SAY_AGAIN_S: Final = 10.0
_LAGGING: Final = 0.5
"""The part of a ring that a consumer may be behind before its falling back is told."""
_LOOKS: Final = 3
"""Looks in a row at which it must have fallen back."""
_CLOCK_STEP_S: Final = 0.5
_DISK_RESERVE_BYTES: Final = 1 << 30
_MIB: Final = 1 << 20


class LagWatch:
    """Consumers that are far behind and fall back further."""

    def __init__(self) -> None:
        self._lags: dict[tuple[str, str], list[int]] = {}

    def look(self, rings: Mapping[str, RingStatistics]) -> Iterator[str]:
        """One look a second; a line for each consumer that has fallen back for some of them."""
        for name, ring in rings.items():
            for consumer in ring.consumers:
                lag = ring.cursor - consumer.sequence
                lags = self._lags.setdefault((name, consumer.name), [])
                if lags and lag <= lags[-1]:
                    lags.clear()
                lags.append(lag)
                if len(lags) > _LOOKS and lag > _LAGGING * ring.capacity:
                    gained = (lags[-1] - lags[-1 - _LOOKS]) // _LOOKS
                    del lags[:-1]
                    yield (
                        f"ring {name}: {consumer.name} is {lag:,} of {ring.capacity:,} events "
                        f"behind, {gained:,} more each second; when it is full, producers wait"
                    )


class ClockWatch:
    """The wall clock beside the monotonic one: who sets it is found."""

    def __init__(self, wall: float, monotonic: float) -> None:
        self._offset = wall - monotonic

    def look(self, wall: float, monotonic: float) -> Iterator[str]:
        """A line if the clock was set since the last look."""
        step = wall - monotonic - self._offset
        self._offset += step
        if step <= -_CLOCK_STEP_S:
            yield (
                f"the clock was set back by {-step:.1f} s; the platform's time stands until it has "
                "caught up"
            )
        elif step >= _CLOCK_STEP_S:
            yield f"the clock was set forward by {step:.1f} s; what expires before now has expired"


class DiskWatch:
    """The room that is left for the journal."""

    def look(self, free: int) -> Iterator[str]:
        """A line if it is little."""
        if free < _DISK_RESERVE_BYTES:
            yield (
                f"the journal's disk has {free // _MIB:,} MiB left; make room, or give oracle.path "
                "another disk: when it is full, the platform stops"
            )


class Watches:
    """All of them, for one running platform."""

    def __init__(self, journal: Path, rings: Callable[[], Mapping[str, RingStatistics]]) -> None:
        self._journal = journal
        self._rings = rings
        self._lag, self._disk = LagWatch(), DiskWatch()
        self._clock = ClockWatch(time.time(), time.monotonic())
        self._next = 0.0
        self._said: dict[str, float] = {}

    def look(self, now: float) -> list[str]:
        """What is new at this monotonic time; cheap to call often."""
        if now < self._next:
            return []
        self._next = now + _LOOK_S
        disk = os.statvfs(self._journal)
        found = {
            "lag": self._lag.look(self._rings()),
            "clock": self._clock.look(time.time(), time.monotonic()),
            "disk": self._disk.look(disk.f_bavail * disk.f_frsize),
        }
        return [
            line
            for subject, lines in found.items()
            for line in lines
            if self._is_time(subject, line, now)
        ]

    def _is_time(self, subject: str, line: str, now: float) -> bool:
        if subject == "clock":  # each step is told once by itself
            return True
        about = subject + line.partition(" is ")[0] if subject == "lag" else subject
        if now < self._said.get(about, 0.0):
            return False
        self._said[about] = now + _SAY_AGAIN_S
        return True
