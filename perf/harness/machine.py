"""What machine the figures come from, and whether it can give good ones."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

_NEEDED_CPUS: Final = 2


def describe_machine() -> dict[str, str | int | float]:
    """CPU, kernel, versions, load; for the head of a report."""
    return {
        "cpu": _cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numba": version("numba"),
        "numpy": version("numpy"),
        "load": round(os.getloadavg()[0], 2),
    }


def warnings() -> list[str]:
    """Reasons to distrust the figures of this run."""
    found = []
    cpus = len(os.sched_getaffinity(0))
    if cpus < _NEEDED_CPUS:
        found.append(f"this machine has {cpus} CPU; pinned pairs need {_NEEDED_CPUS}")
    if os.getloadavg()[0] > cpus / 2:
        found.append(f"the load is {os.getloadavg()[0]:.1f} on {cpus} CPUs; others are running")
    return found


def two_cpus() -> tuple[int, int]:
    """The first and the last CPU that this process may use; equal when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
