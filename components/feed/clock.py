"""The feed's two clocks, behind one small interface so that tests can bring their own time.

The wall clock stamps; it may step back and forth.  The monotonic clock schedules and judges
staleness; it never does.  Nothing behind the commands ring reads either.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol

SLEEP_MAX_S: Final = 0.25
"""The longest nap, so that a stop is seen soon however rarely a feed has work."""


class Clock(Protocol):
    """Time as the feed sees it."""

    def wall_ns(self) -> int:
        """Nanoseconds since the epoch."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Let others run; 0 only yields."""


class SystemClock:
    """The machine's clocks."""

    def wall_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def nap_until(clock: Clock, due_ns: int) -> None:
    """Sleep towards the monotonic time ``due_ns``, at most ``SLEEP_MAX_S``; callers loop."""
    remaining_s = (due_ns - clock.monotonic_ns()) / 1e9
    await clock.sleep(min(max(remaining_s, 0.0), SLEEP_MAX_S))
