"""When a process that died is started again, and how long that waits; pure functions."""

from __future__ import annotations

from typing import Final

from disruptor.topology.model import Process

_FIRST_DELAY_S: Final = 0.1
_LONGEST_DELAY_S: Final = 10.0


def may_restart(process: Process, failed: bool, restarts: int) -> bool:
    """Whether this process, having ended, gets another try.

    ``failed``: it raised or was killed; otherwise it returned by itself.
    """
    if restarts >= process.max_restarts:
        return False
    return process.restart == "always" or (process.restart == "on-failure" and failed)


def delay_before_restart(restarts: int) -> float:
    """Seconds to wait before try number ``restarts`` + 1: doubling, up to a limit."""
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0**restarts)
