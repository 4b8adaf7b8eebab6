"""Who a process is, provably: its pid together with the kernel's start time of that pid.

A pid alone is reused; the pair is not until the machine reboots.  "Dead" therefore is a proof, not
the guess that a timeout would be.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that lives or lived on this machine since it was booted."""

    pid: int
    start_time: int  # clock ticks since boot, from /proc/<pid>/stat

    def is_alive(self) -> bool:
        """False once the process has ended, also as a zombie that nobody has reaped yet."""
        return self.pid > 0 and start_time_of(self.pid) == self.start_time


def start_time_of(pid: int) -> int:
    """Start time of a living process in clock ticks since boot; 0 when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            text = stat.read()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # The command's name is in parentheses and may hold anything; fields are counted after it.
    fields = text[text.rindex(b")") + 2 :].split()
    state, start_time = fields[0], int(fields[19])
    return 0 if state in (b"Z", b"X") else start_time


def current_process() -> ProcessIdentity:
    """The identity of the calling process."""
    pid = os.getpid()
    return ProcessIdentity(pid, start_time_of(pid))
