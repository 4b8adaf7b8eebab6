"""What the platform takes when nothing happens, and how soon it is there.

Start-up is from the command to "operational", with compiled kernels in the cache.  CPU is that of
all processes but the generator, which sends nothing, and the probe; memory is their PSS, which
counts what is shared once.
"""

from __future__ import annotations

from perf.harness.measurement import Measurement, Options
from perf.platform.run import Setting, run_platform

SCENARIO = "platform.resources"
RUNS_MAX = 3


def run(options: Options) -> list[Measurement]:
    """A start, some seconds at rest, and the memory then."""
    seconds = 1.0 if options.quick else 5.0
    setting = Setting(seconds=seconds)
    outcomes = [run_platform(setting) for _ in range(min(options.runs, RUNS_MAX))]
    idle = tuple(100 * each.usage.cpu_s / seconds for each in outcomes)
    memory = tuple(each.usage.pss_bytes / 1e6 for each in outcomes)
    starts = tuple(each.startup_s for each in outcomes)
    return [
        Measurement(SCENARIO, "warm", "start-up", "s", starts, "≤ 3 s"),
        Measurement(SCENARIO, "at rest", "CPU of all processes", "% of a core", idle, "≤ 5 %"),
        Measurement(SCENARIO, "at rest", "memory of all processes", "MB", memory, "≤ 250 MB"),
    ]
