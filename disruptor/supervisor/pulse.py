"""Whether a process hangs: it lives, and its heartbeat does not move; before it runs, nor its CPU time.

Silence is counted in looks of the supervisor, each of which counts for a moment at most.  So when
the supervisor itself did not run, because the machine slept or everything was stopped together,
nobody is blamed for it.  Nor is a process that may wait for room in a ring: it is held up, and the
one that holds it up is found instead.
"""

from __future__ import annotations

from typing import Final

_LOOK_MAX_S: Final = 0.25


def cpu_time_of(pid: int) -> int:
    """How long a process has run on CPUs, in clock ticks; 0 when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            text = stat.read()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # The command's name is in parentheses and may hold anything; fields are counted after it.
    fields = text[text.rindex(b")") + 2 :].split()
    return int(fields[11]) + int(fields[12])


class Pulse:
    """The heartbeat of one process, as its supervisor watches it."""

    def __init__(self, now: float) -> None:
        self._looked_at = now
        self._heartbeat = 0
        self.silent_s = 0.0

    def look(self, heartbeat: int, is_held_up: bool, now: float) -> float:
        """Look at it now; how many seconds it has been silent."""
        passed = min(now - self._looked_at, _LOOK_MAX_S)
        self._looked_at = now
        if heartbeat != self._heartbeat or is_held_up:
            self._heartbeat = heartbeat
            self.silent_s = 0.0
        else:
            self.silent_s += passed
        return self.silent_s
