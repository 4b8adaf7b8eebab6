"""From the kill of a process to the moment at which its successor runs, and what the others see of it.

::

    this process ──► commands ──► titan ──► events ──► sentinel          bin/start, without a feed
                         └──────────┴────────────────────┴──► oracle     kill -9 of one at a time

The platform is filled with open orders, then with so many commands since the last snapshot (there
is none, so the state at the start takes its place), and struck under a trickle of 2,000 commands a
second.  ``stall`` is the longest time in which any other process consumed nothing: behind a dead
Titan there is nothing to consume.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from perf.harness.drilled_platform import Outage, drilled_platform
from perf.harness.measurement import Measurement, Options

SCENARIO = "recovery"
SIZES = ((1_000, 10_000), (1_000, 1_000_000), (100_000, 10_000), (100_000, 1_000_000))
"""(open orders, commands since the snapshot)"""
QUICK_SIZES = ((1_000, 10_000),)
VICTIMS = ("titan", "sentinel", "oracle", "feed", "monitor", "snapshots")
_TARGET = "≤ 1 s"


def run(options: Options) -> list[Measurement]:
    """Each size, each process."""
    results: list[Measurement] = []
    root = os.environ.get("PERF_DIRECTORY", ".")
    for open_orders, since in QUICK_SIZES if options.quick else SIZES:
        with tempfile.TemporaryDirectory(prefix="recovery-", dir=root) as directory:
            results += _struck(Path(directory), open_orders, since, options)
    return results


def _struck(directory: Path, open_orders: int, since: int, options: Options) -> list[Measurement]:
    results = []
    with drilled_platform(directory) as platform:
        platform.fill(open_orders)
        platform.churn(since)
        for victim in VICTIMS:
            outages = [platform.kill(victim) for _ in range(options.runs)]
            results += _told(victim, open_orders, since, outages)
    return results


def _told(victim: str, open_orders: int, since: int, outages: list[Outage]) -> list[Measurement]:
    variant = f"{victim}, {open_orders:,} open orders, {since:,} commands since"
    back = tuple(each.back for each in outages)
    stall = tuple(each.stall for each in outages)
    return [
        Measurement(SCENARIO, variant, "kill to running", "s", back, _TARGET),
        Measurement(SCENARIO, variant, "longest stall of the others", "s", stall),
    ]
