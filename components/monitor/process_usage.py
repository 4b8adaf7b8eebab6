"""What the kernel says of a process: CPU time, memory, how often it was switched away from its CPU.

The proportional set size (each shared page divided among those that map it) is what memory a
process really costs, but the kernel walks all its pages to tell it; so that is asked seldom.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from disruptor.memory.libc import monotonic_ns

PSS_EVERY_NS: Final = 15_000_000_000


@dataclass(frozen=True)
class Usage:
    """Of one process, since it began; ``proportional_bytes`` may be some seconds old."""

    cpu_seconds: float
    resident_bytes: int
    proportional_bytes: int | None
    voluntary_switches: int
    involuntary_switches: int


class ProcessUsage:
    """Asks for each process, and keeps what is dear to ask; for one thread."""

    def __init__(self, now_ns: Callable[[], int] = monotonic_ns) -> None:
        self._now_ns = now_ns
        self._kept: dict[int, tuple[int, int | None]] = {}

    def of(self, pid: int) -> Usage | None:
        """Now; None if the process is gone."""
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                switches = process.num_ctx_switches()
                resident = int(process.memory_info().rss)
        except psutil.Error:
            self._kept.pop(pid, None)
            return None
        return Usage(
            times.user + times.system,
            resident,
            self._proportional(pid),
            int(switches.voluntary),
            int(switches.involuntary),
        )

    def _proportional(self, pid: int) -> int | None:
        now = self._now_ns()
        kept = self._kept.get(pid)
        if kept is None or now - kept[0] > PSS_EVERY_NS:
            kept = self._kept[pid] = (now, proportional_bytes(pid))
        return kept[1]


def proportional_bytes(pid: int) -> int | None:
    """The proportional set size; None where the kernel does not tell it."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except OSError:
        return None
    found = (line.split() for line in text.splitlines() if line.startswith("Pss:"))
    words = next(found, None)
    return int(words[1]) * 1024 if words else None
