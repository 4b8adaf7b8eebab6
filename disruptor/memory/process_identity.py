"""Who a process is, provably: its pid together with the kernel's start time of that pid.

A pid alone is reused; the pair is not until the machine reboots.  "Dead" therefore is a proof, not
the guess that a timeout would be.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

_PID_BITS: Final = 22
"""The kernel's limit is 2**22 processes; the start time has 41 bits left, some 700 years."""


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that lives or lived on this machine since it was booted."""

    pid: int
    start_time: int  # clock ticks since boot, from /proc/<pid>/stat

    def is_alive(self) -> bool:
        """False once its last thread has ended, also as a zombie that nobody has reaped yet."""
        return self.pid > 0 and start_time_of(self.pid) == self.start_time

    @property
    def packed(self) -> int:
        """Both in one positive word, which one atomic step can write."""
        return self.start_time << _PID_BITS | self.pid

    @classmethod
    def unpacked(cls, word: int) -> ProcessIdentity:
        """The process that ``packed`` named; pid 0, which never lives, for 0."""
        return cls(word & ((1 << _PID_BITS) - 1), word >> _PID_BITS)


def start_time_of(pid: int) -> int:
    """Start time of a living process in clock ticks since boot; 0 when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            text = stat.read()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # The command's name is in parentheses and may hold anything; fields are counted after it.
    fields = text[text.rindex(b")") + 2 :].split()
    state, threads, start_time = fields[0], int(fields[17]), int(fields[19])
    # The first thread becomes a zombie before the others have ended; those may still publish.
    return 0 if state == b"X" or (state == b"Z" and threads <= 1) else start_time


def pid_namespace() -> int:
    """The PID namespace of the calling process; pids of another one mean nothing here."""
    return os.stat("/proc/self/ns/pid").st_ino


def current_process() -> ProcessIdentity:
    """The identity of the calling process."""
    pid = os.getpid()
    return ProcessIdentity(pid, start_time_of(pid))
