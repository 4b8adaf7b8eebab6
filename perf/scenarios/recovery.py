"""From the kill of a process to the moment at which its successor runs, and what the others see of it;
and how long a drain takes.

::

    this process ──► commands ──► titan ──► events ──► sentinel          bin/start, without a feed
                         └──────────┴────────────────────┴──► oracle     kill -9 of one at a time

The platform is filled with open orders, then with so many commands since the last snapshot (there
is none, so the state at the start takes its place), and struck under a trickle of 2,000 commands a
second.  ``stall`` is the longest time in which any other process consumed nothing: behind a dead
Titan there is nothing to consume.

The drain is of a platform that syncs each commit, asked to end when its commands ring is full, and
lasts until its last process has ended: rings empty, journal synced, snapshot and hash written.
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
_DRAIN_TARGET = "≤ 5 s"


def run(options: Options) -> list[Measurement]:
    """Each size, each process."""
    results: list[Measurement] = []
    root = os.environ.get("PERF_DIRECTORY", ".")
    sizes = QUICK_SIZES if options.quick else SIZES
    for open_orders, since in sizes:
        with tempfile.TemporaryDirectory(prefix="recovery-", dir=root) as directory:
            results += _struck(Path(directory), open_orders, since, options)
    for open_orders in sorted({size[0] for size in sizes}):
        results.append(_drained(Path(root), open_orders, options))
    return results


def _drained(root: Path, open_orders: int, options: Options) -> Measurement:
    seconds = []
    for _ in range(options.runs):
        with (
            tempfile.TemporaryDirectory(prefix="drain-", dir=root) as directory,
            drilled_platform(Path(directory), "commit") as platform,
        ):
            platform.fill(open_orders)
            platform.settle()
            seconds.append(platform.drain())
    variant = f"drain, {open_orders:,} open orders, full ring"
    return Measurement(SCENARIO, variant, "signal to end", "s", tuple(seconds), _DRAIN_TARGET)


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
