"""How long a command takes from its ingress to each hop, at a fixed pace.

load ─(paced)─► commands ─► titan ─► events ─► sentinel ─► risk        each arrow's end is seen by
                    └─► oracle ─► durable                              the probe, on the wall clock

The stamp is the time at which a command was due, so what a stall delays is charged to it.
"generator" is how late the load itself was, which every other figure includes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from perf.harness.measurement import Measurement, Options
from perf.platform.histogram import PERCENTILES, largest, percentile
from perf.platform.run import Outcome, Setting, run_platform

SCENARIO = "platform.latency"
RATES = (1_000, 10_000, 50_000, 200_000, 1_000_000)
RUNS_MAX = 3
_TARGETS = {
    (50_000, "ingress → event", 50.0): "≤ 30,000 ns",
    (50_000, "ingress → event", 99.0): "≤ 500,000 ns",
    (50_000, "ingress → liquidation order", 99.0): "≤ 1,000,000 ns",
}


def run(options: Options) -> list[Measurement]:
    """Rates on a busy book, then at one rate: durability, gates, waits, and other workloads."""
    figures: list[Measurement] = []
    for variant, setting in settings(options):
        outcomes = [run_platform(setting) for _ in range(min(options.runs, RUNS_MAX))]
        figures += told(variant, setting, outcomes)
    return figures


def settings(options: Options) -> Iterator[tuple[str, Setting]]:
    """What is run, by name."""
    seconds = 0.5 if options.quick else 3.0
    rates = (2_000,) if options.quick else RATES
    for rate in rates:
        yield f"mixed, {rate:,}/s", Setting(rate=rate, seconds=seconds)
    rate = rates[len(rates) // 2]
    for sync in ("interval", "off"):
        yield f"mixed, {rate:,}/s, sync {sync}", Setting(rate=rate, seconds=seconds, sync=sync)
    yield f"mixed, {rate:,}/s, gate input", Setting(rate=rate, seconds=seconds, gate="input")
    for workload in ("prices", "cascades", "recorded"):
        yield f"{workload}, {rate:,}/s", Setting(workload, rate=rate, seconds=seconds)
    for wait in options.waits:
        yield f"mixed, {rate:,}/s, {wait}", Setting(rate=rate, seconds=seconds, wait=wait)


def told(variant: str, setting: Setting, outcomes: list[Outcome]) -> list[Measurement]:
    """The percentiles of every hop that was seen, and what it cost."""
    hops = {"generator": [each.late for each in outcomes]}
    for hop in outcomes[0].latencies:
        hops[f"ingress → {hop}"] = [each.latencies[hop] for each in outcomes]
    figures = [
        Measurement(
            SCENARIO,
            variant,
            f"{hop} {'max' if wanted is None else f'p{wanted:g}'}",
            "ns",
            tuple(_at(histogram, wanted) for histogram in histograms),
            _TARGETS.get((setting.rate, hop, wanted or 100.0), ""),
        )
        for hop, histograms in hops.items()
        if all(histogram.sum() for histogram in histograms)
        for wanted in (*PERCENTILES, None)
    ]
    return figures + costs(SCENARIO, variant, outcomes)


def costs(scenario: str, variant: str, outcomes: list[Outcome]) -> list[Measurement]:
    """CPU, context switches and bytes written, a command."""
    kinds = {
        "CPU a command": ("µs", [each.usage.cpu_s * 1e6 for each in outcomes]),
        "context switches a command": ("", [float(each.usage.switches) for each in outcomes]),
        "written a command": ("bytes", [float(each.usage.written_bytes) for each in outcomes]),
    }
    return [
        Measurement(
            scenario,
            variant,
            metric,
            unit,
            tuple(value / each.commands for value, each in zip(values, outcomes, strict=True)),
        )
        for metric, (unit, values) in kinds.items()
    ]


def _at(histogram: NDArray[np.int64], wanted: float | None) -> float:
    return largest(histogram) if wanted is None else percentile(histogram, wanted)
