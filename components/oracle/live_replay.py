"""A replay that looks like the platform that it was: its metrics, at a chosen pace.

The journal's commands are applied when they are due, by their own timestamps and a speed; what
follows is counted in the counters of feed, Titan and Sentinel, under a platform's name of this
process' own, and served on loopback as the monitor serves them.  Dashboards and alerts cannot tell
it from a run; only times and latencies are those of this replay, both engines together.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.instruments import InstrumentTable
from components.messages.code import OP_PRICE, SOURCE_ORDER_FLOW
from components.messages.command import Commands
from components.messages.risk import RISK
from components.monitor.catalogue import FEED, SENTINEL, TITAN, specs_for
from components.monitor.exporter import ExporterSettings, port_of, serve
from components.monitor.feed_counters import FeedCounters
from components.monitor.page_state import PageState
from components.monitor.platform_view import (
    ACCOUNTS,
    EXPOSURES,
    LIQUIDATIONS,
    SharedMemoryView,
    counters_name,
    depth_name,
    table_name,
)
from components.oracle.derivation import Derivation
from components.oracle.history import Instruments
from components.oracle.read_ahead import ReadAhead
from components.oracle.starts import derivation_before
from components.oracle.store import Journal
from components.sentinel import instrumentation as sentinel_counting
from components.sentinel.account_view import ACCOUNT_VIEW, fill_account_view, totals
from components.sentinel.exposure_view import EXPOSURE_VIEW, EXPOSURES_SHOWN, nearest_exposures
from components.titan import instrumentation as titan_counting
from components.titan.depth_view import DEPTH_VIEW, depth_capacity, depth_rows
from components.titan.shards import live_count, now_of
from disruptor.compiled import entry
from disruptor.memory.counters import CounterBlock
from disruptor.memory.snapshot_table import SnapshotTable

_STEP_S: Final = 0.005
_SHOW_S: Final = 0.1
_BATCH: Final = 256
_STEP_COMMANDS: Final = 1 << 14
_LOOPBACK: Final = "127.0.0.1"
_ACCOUNTS_SHOWN: Final = 1 << 17
"""The first so many, whatever limit the journal comes to."""


@dataclass(frozen=True)
class Pace:
    """Which commands are replayed, and how fast; ``speed`` 2 is twice the journal's own pace."""

    first: int
    last: int
    speed: float = math.inf
    hold: bool = False  # go on serving after the last command, until told to stop


def play(journal: Journal, pace: Pace, port: int, say: Callable[[str], None]) -> int:
    """Replay onto a metrics endpoint until the end, Ctrl+C or SIGTERM; the last command applied.

    ConfigurationError if the port cannot be had.
    """
    return asyncio.run(_play(journal, pace, port, say))


async def _play(journal: Journal, pace: Pace, port: int, say: Callable[[str], None]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    table = Instruments(journal).table()
    derivation = derivation_before(journal, pace.first - 1)
    with ExitStack() as stack:
        for _, commands in stack.enter_context(
            ReadAhead(journal, "commands", derivation.commands_last + 1, pace.first - 1)
        ):
            derivation.run(commands)
        stage = _Stage(f"replay-{os.getpid()}", table, derivation)
        stack.callback(stage.unlink)
        view = SharedMemoryView(stage.platform)
        stack.callback(view.close)
        page = PageState(view, stage.platform)
        runner = await serve(view, ExporterSettings(_LOOPBACK, port), page)
        try:
            say(f"metrics http://{_LOOPBACK}:{port_of(runner)}/metrics")
            chunks = stack.enter_context(ReadAhead(journal, "commands", pace.first, pace.last))
            await _perform(stage, _pieces(chunks), pace.speed, stop)
            if pace.hold and not stop.is_set():
                say(f"replayed up to command {derivation.commands_last:,}; Ctrl+C ends")
                await stop.wait()
        finally:
            await runner.cleanup()
    return derivation.commands_last


async def _perform(
    stage: _Stage, pieces: Iterator[Commands], speed: float, stop: asyncio.Event
) -> None:
    """Apply each command when it is due; the first one at once."""
    started = time.monotonic()
    begin: int | None = None
    for commands in pieces:
        times = np.maximum.accumulate(commands["ts"])
        begin = int(times[0]) if begin is None else begin
        done = 0
        while done < len(commands) and not stop.is_set():
            due = len(commands)
            if not math.isinf(speed):
                now = begin + int((time.monotonic() - started) * speed * 1e9)
                due = int(np.searchsorted(times, now, side="right"))
            if due > done:
                stage.apply(commands[done:due])
                done = due
            await asyncio.sleep(0 if math.isinf(speed) else _STEP_S)
        stage.show()
        if stop.is_set():
            return


def _pieces(chunks: ReadAhead) -> Iterator[Commands]:
    """So many commands at most, that scrapes are answered in between."""
    for _, commands in chunks:
        for start in range(0, len(commands), _STEP_COMMANDS):
            yield commands[start : start + _STEP_COMMANDS]


class _Stage:
    """Both engines, and the shared memory in which a platform of this name is seen."""

    def __init__(self, platform: str, table: InstrumentTable, derivation: Derivation) -> None:
        self.platform = platform
        self._derivation = derivation
        self._parts = ExitStack()
        feed, titan, sentinel = (self._block(name, table) for name in (FEED, TITAN, SENTINEL))
        self._sentinel_block = sentinel
        self._feed = FeedCounters(feed, table, simulated=False, now_ns=self._now)
        self._titan = titan_counting.titan_counters(titan, table)
        self._sentinel = sentinel_counting.sentinel_counters(sentinel, table)
        self._rows = np.zeros(_ACCOUNTS_SHOWN, ACCOUNT_VIEW)
        self._accounts = self._table(ACCOUNTS, ACCOUNT_VIEW, _ACCOUNTS_SHOWN)
        self._symbols = len(table)
        self._books = self._table_at(
            depth_name(platform, TITAN), DEPTH_VIEW, depth_capacity(self._symbols)
        )
        self._exposures = self._table(EXPOSURES, EXPOSURE_VIEW, EXPOSURES_SHOWN)
        self._liquidations = self._table(LIQUIDATIONS, RISK, sentinel_counting.RECENT_LIQUIDATIONS)
        self._shown = 0.0
        self.show()

    def apply(self, commands: Commands) -> None:
        """Derive what follows, and count it as the processes do."""
        for start in range(0, len(commands), _BATCH):
            batch = commands[start : start + _BATCH]
            began = time.monotonic_ns()
            for derived in self._derivation.feed(batch):
                ended = time.monotonic_ns()
                count_events(self._titan, derived.events)
                count_risks(self._sentinel, derived.risks)
                if len(derived.events):
                    newest = int(derived.events["ts"][-1]) + ended - began
                    sentinel_counting.count_batch(
                        self._sentinel, derived.events, len(derived.events), began, ended, newest
                    )
            ended = time.monotonic_ns()
            live = live_count(self._derivation.shards)
            newest = int(batch["ts"][-1]) + ended - began
            titan_counting.count_batch(self._titan, batch, len(batch), live, began, ended, newest)
            self._count_feed(batch)
        if time.monotonic() - self._shown > _SHOW_S:
            self.show()

    def show(self) -> None:
        """Publish books, accounts, totals and liquidations as they are now."""
        state = self._derivation.sentinel
        sentinel_counting.put_totals(self._sentinel_block, totals(state))
        count = int(fill_account_view(state, self._rows))
        self._accounts.publish(self._rows[:count])
        shards = self._derivation.shards
        self._books.publish(np.concatenate([depth_rows(each, self._symbols) for each in shards]))
        self._exposures.publish(nearest_exposures(state))
        self._liquidations.publish(sentinel_counting.newest_liquidations(self._sentinel))
        self._shown = time.monotonic()

    def unlink(self) -> None:
        """Remove all of it."""
        self._parts.close()

    def _count_feed(self, commands: Commands) -> None:
        prices = commands[commands["op"] == OP_PRICE]
        for symbol in np.unique(prices["symbol"]).tolist():
            own = prices[prices["symbol"] == symbol]
            self._feed.price_update(symbol, int(own["price"][-1]), len(own))
        self._feed.orders(int((commands["source"] == SOURCE_ORDER_FLOW).sum()))

    def _block(self, name: str, table: InstrumentTable) -> CounterBlock:
        block = CounterBlock.create(counters_name(self.platform, name), specs_for(name, table))
        self._parts.callback(block.unlink)
        return block

    def _table(self, name: str, dtype: np.dtype, capacity: int) -> SnapshotTable:
        return self._table_at(table_name(self.platform, name), dtype, capacity)

    def _table_at(self, segment: str, dtype: np.dtype, capacity: int) -> SnapshotTable:
        table = SnapshotTable.create(segment, dtype, capacity)
        self._parts.callback(table.unlink)
        return table

    def _now(self) -> int:
        return now_of(self._derivation.shards)


@entry
def count_events(counters: titan_counting.TitanCounters, events: NDArray[Any]) -> None:
    """Count Titan's events, as its process does one by one."""
    for place in range(len(events)):
        titan_counting.count_event(counters, events[place])


@entry
def count_risks(counters: sentinel_counting.SentinelCounters, risks: NDArray[Any]) -> None:
    """Count Sentinel's records, as its process does one by one."""
    for place in range(len(risks)):
        sentinel_counting.count_risk(counters, risks[place])
