"""The platform for hours or minutes at one pace: flat memory, flat latency, or not.

What is sent is the recording, over and over: it leaves no order behind, so the book does not grow.
Only with ``--soak MINUTES``.  Each slice, a sixtieth of the run, is told by itself; in the end stand
the medians of the last fifth of them over those of the first, and whether that is flat.  Memory is
what the processes have themselves and share; the journal's pages, which are the system's cache and grow
with it, are left out.
"""

from __future__ import annotations

from statistics import median

from perf.harness.measurement import Measurement, Options, absent
from perf.platform.histogram import percentile
from perf.platform.run import Outcome, Setting, run_platform

SCENARIO = "platform.soak"
RATE = 20_000
SLICES = 60
HOPS = ("event", "durable")
PERCENTILES = (50.0, 99.0)
FLAT_BELOW = 1.2


def run(options: Options) -> list[Measurement]:
    """One run of so many minutes."""
    if not options.soak_minutes:
        return [absent(SCENARIO, "", "it runs with --soak MINUTES")]
    seconds = 60.0 * options.soak_minutes
    setting = Setting("recorded", rate=RATE, seconds=seconds, slice_s=seconds / SLICES)
    return told(run_platform(setting))


def told(outcome: Outcome) -> list[Measurement]:
    """Every slice, and whether the end is as the beginning was."""
    curves: dict[tuple[str, str], list[float]] = {
        (f"ingress → {hop} p{wanted:g}", "µs"): [
            percentile(each[hop], wanted) / 1e3 for each in outcome.slices if each[hop].any()
        ]
        for hop in HOPS
        for wanted in PERCENTILES
    }
    curves["memory of all processes", "MB"] = [each / 1e6 for each in outcome.usage.own_over_time]
    figures = [
        Measurement(SCENARIO, f"slice {number}", metric, unit, (value,))
        for (metric, unit), values in curves.items()
        for number, value in enumerate(values, 1)
    ]
    for (metric, _), values in curves.items():
        fifth = max(1, len(values) // 5)
        if values:
            ratio = median(values[-fifth:]) / median(values[:fifth])
            verdict = "flat" if ratio <= FLAT_BELOW else "not flat"
            target = f"≤ {FLAT_BELOW} ×: {verdict}"
            figures.append(
                Measurement(SCENARIO, "last fifth over first", metric, "×", (ratio,), target)
            )
    return figures
