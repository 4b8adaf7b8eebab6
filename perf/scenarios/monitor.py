"""What watching costs: a scrape, the page, and what the pipeline has left of its throughput.

::

    accounts in shared memory ──► one scrape over HTTP                      (a monitor of its own)
    bin/start under load ──► Titan's commands a second, in turns: the monitor standing still,
                             and working for ten pages and a scrape a second

The load is paced first, then more than the platform takes, so that every CPU is busy and whatever
watching takes is missing elsewhere.  The two shares of one turn follow each other within seconds, so
that what else the machine does strikes both; the ratio is told of the pairs.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import aiohttp
import numpy as np

from components.instruments import Instrument, InstrumentTable
from components.monitor.catalogue import WRITERS, specs_for
from components.monitor.exporter import ExporterSettings, port_of, serve
from components.monitor.platform_view import (
    ACCOUNTS,
    SharedMemoryView,
    counters_name,
    table_name,
)
from components.sentinel.account_view import ACCOUNT_VIEW
from disruptor.memory.counters import CounterBlock
from disruptor.memory.process_identity import current_process
from disruptor.memory.snapshot_table import SnapshotTable
from disruptor.supervisor.control_block import RUNNING, ControlBlock
from perf.harness.measurement import Measurement, Options
from perf.harness.watched_platform import WatchedPlatform, live_pages, platform_under_load

SCENARIO = "monitor"
ACCOUNTS_WATCHED = (10, 10_000, 100_000)
PROCESSES = ("feed", "titan", "sentinel", "oracle", "monitor", "snapshots")
PAGES = 10
LOADS = {"paced": 200_000, "flat out": 10_000_000}
"""Orders a second that are asked for."""
WINDOW_S = 1.5
_SERVED = (".html", ".css", ".js", ".svg")


def run(options: Options) -> list[Measurement]:
    """Scrapes by number of accounts; then the running platform, watched and unwatched."""
    scrapes = 5 if options.quick else 50
    results = [_scrapes(accounts, scrapes) for accounts in ACCOUNTS_WATCHED]
    weight = sum(
        len(each.read_bytes())
        for each in (files("components.monitor") / "web").iterdir()
        if each.name.endswith(_SERVED)
    )
    results.append(
        Measurement(SCENARIO, "page", "weight", "kB", (weight / 1e3,), target="≤ 300 kB")
    )
    for load, orders_per_second in LOADS.items():
        with (
            tempfile.TemporaryDirectory(prefix="monitor-perf-") as directory,
            platform_under_load(Path(directory), orders_per_second) as platform,
        ):
            results += _first_value(platform, load, 3 if options.quick else 10)
            results += _throughput(platform, load, 2 if options.quick else 2 * options.runs)
    return results


def _first_value(platform: WatchedPlatform, load: str, times: int) -> list[Measurement]:
    seconds = tuple(platform.first_value() for _ in range(times))
    figure = "time to first live value"
    return [Measurement(SCENARIO, f"page, {load}", figure, "s", seconds, target="≤ 1 s")]


def _throughput(platform: WatchedPlatform, load: str, turns: int) -> list[Measurement]:
    watched, unwatched = [], []
    for _ in range(turns):
        with platform.unwatched():
            unwatched.append(platform.rate(WINDOW_S))
        with live_pages(platform.port, PAGES), _scraping(platform):
            time.sleep(WINDOW_S / 5)
            watched.append(platform.rate(WINDOW_S))
    kept = tuple(with_ / without for with_, without in zip(watched, unwatched, strict=True))
    return [
        _rates(f"{load}, no monitor", unwatched),
        _rates(f"{load}, monitor, {PAGES} pages, a scrape a second", watched),
        Measurement(
            SCENARIO, f"{load}, watched of unwatched", "share", "×", kept, target="≥ 0.97 ×"
        ),
    ]


def _rates(variant: str, rates: list[float]) -> Measurement:
    runs = tuple(rate / 1e3 for rate in rates)
    return Measurement(SCENARIO, variant, "throughput", "k commands/s", runs)


@contextmanager
def _scraping(platform: WatchedPlatform) -> Iterator[None]:
    stop = threading.Event()

    def scrape() -> None:
        while not stop.wait(1.0):
            platform.scrape()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _scrapes(accounts: int, count: int) -> Measurement:
    with _stage(accounts) as name:
        seconds = asyncio.run(_scrape_all(name, count))
    return Measurement(
        SCENARIO,
        f"scrape, {accounts:,} accounts",
        "p50",
        "ms",
        (float(np.median(seconds)) * 1e3,),
        "≤ 50 ms" if accounts == 10_000 else "",
        details={"longest, ms": round(max(seconds) * 1e3, 1)},
    )


async def _scrape_all(name: str, count: int) -> list[float]:
    view = SharedMemoryView(name)
    runner = await serve(view, ExporterSettings(port=0))
    seconds = []
    async with aiohttp.ClientSession() as client:
        for _ in range(count + 1):
            began = time.perf_counter()
            async with client.get(f"http://127.0.0.1:{port_of(runner)}/metrics") as answer:
                await answer.read()
            seconds.append(time.perf_counter() - began)
    await runner.cleanup()
    view.close()
    return seconds[1:]  # the first one maps the segments


@contextmanager
def _stage(accounts: int) -> Iterator[str]:
    """A platform's shared memory, with so many accounts at risk and six processes."""
    name = f"perf-scrape-{os.getpid()}"
    table = InstrumentTable(
        [
            Instrument(symbol, index, Decimal("0.01"), Decimal("0.001"))
            for index, symbol in enumerate(("BTCUSDT", "ETHUSDT", "SOLUSDT"))
        ]
    )
    with ExitStack() as stack:
        for process in WRITERS:
            block = CounterBlock.create(counters_name(name, process), specs_for(process, table))
            stack.callback(block.unlink)
        control = ControlBlock.create(name, PROCESSES)
        stack.callback(control.unlink)
        for line in control.lines:
            line.take(current_process())
            line.state = RUNNING
        rows = np.zeros(accounts, ACCOUNT_VIEW)
        rows["account"] = np.arange(accounts)
        rows["positions"] = 1
        rows["margin_ratio_ppm"] = np.random.default_rng(1).integers(0, 1_100_000, accounts)
        shown = SnapshotTable.create(table_name(name, ACCOUNTS), ACCOUNT_VIEW, accounts)
        stack.callback(shown.unlink)
        shown.publish(rows)
        yield name
