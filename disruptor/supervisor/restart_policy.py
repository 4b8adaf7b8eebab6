"""When a process that died is started again, and how long that waits; pure functions.

What counts is how often it was started again lately, within ``restart_window_s``: the first time it
comes back at once, then after a delay that doubles, and too often is never again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from disruptor.topology.model import Process

POLICY_KEYS: Final = (
    "restart",
    "max_restarts",
    "restart_window_s",
    "restart_delay_s",
    "restart_delay_max_s",
    "hang_after_s",
)
"""What a topology says of a process' restarts, and of what is taken for a hang."""


def recent_restarts(process: Process, restarts_at: Sequence[float], now: float) -> int:
    """How many of these times lie within the window."""
    return sum(now - at < process.restart_window_s for at in restarts_at)


def may_restart(process: Process, failed: bool, recent: int) -> bool:
    """Whether this process, having ended, gets another try after ``recent`` ones.

    ``failed``: it raised or was killed; otherwise it returned by itself.
    """
    if recent >= process.max_restarts:
        return False
    return process.restart == "always" or (process.restart == "on-failure" and failed)


def delay_before_restart(process: Process, recent: int) -> float:
    """Seconds to wait before try number ``recent`` + 1."""
    if recent == 0:
        return 0.0
    doubled = process.restart_delay_s * 2.0 ** min(recent - 1, 64)
    return float(min(process.restart_delay_max_s, doubled))
