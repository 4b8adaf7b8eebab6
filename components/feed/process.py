"""The feed as a process: prices and order flow into the commands ring."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from components.feed.collector import spare_the_collector
from components.feed.settings import LIVE_MODES, FeedSettings
from components.feed.source import run_feed
from components.messages.command import Commands
from components.monitor.catalogue import FEED, SENTINEL, specs_for
from components.monitor.feed_counters import FeedCounters
from components.monitor.platform_view import counters_name
from components.oracle.raw import raw_path
from components.oracle.raw.writer import RawWriter
from components.oracle.store.retention import DAY_S, Retention
from components.run_settings import RunSettings
from disruptor.errors import AlertedError
from disruptor.memory.counters import CounterBlock
from disruptor.supervisor.child import ProcessContext

_LOOK_S = 0.05


def run(context: ProcessContext) -> None:
    """Feed until told to stop, or until a recording that does not loop has ended."""
    settings: RunSettings = context.settings
    feed = continuing(settings.configuration.feed.settings(), _last_prices(context, settings))
    if context.is_restart:
        feed = without_stress(feed)
    block = CounterBlock.continued(
        counters_name(context.platform, context.name), specs_for(FEED, settings.instruments)
    )
    producer = context.producer("commands")
    producer.control = context.line.order  # a stop also ends a wait for room
    metrics = FeedCounters(block, settings.instruments, simulated=feed.mode == "simulation")

    def publish(commands: Commands) -> None:
        producer.write(commands)

    raw = _raw_writer(settings) if feed.mode in LIVE_MODES and feed.record else None

    async def main() -> None:
        stop = asyncio.Event()
        watch = asyncio.ensure_future(_watch(context, stop))
        try:
            await run_feed(feed, settings.instruments, publish, stop, metrics, raw=raw)
            await stop.wait()
        finally:
            watch.cancel()

    try:
        spare_the_collector()
        context.ready()
        asyncio.run(main())
    except AlertedError:
        pass  # told to stop while the ring was full: what did not fit was never promised
    finally:
        if raw is not None:
            raw.close()
        producer.close()
        block.unlink()


def _raw_writer(settings: RunSettings) -> RawWriter:
    """The raw journal beside the platform's, for writing."""
    oracle = settings.configuration.oracle
    return RawWriter(
        raw_path(Path(oracle.path)),
        segment_bytes=oracle.segment_mb << 20,
        retention=Retention(oracle.raw.keep, oracle.raw.keep_days * DAY_S),
    )


def continuing(feed: FeedSettings, last_prices: Mapping[str, Decimal]) -> FeedSettings:
    """The settings, with simulated prices going on from the last ones.

    A restart is not a price jump that would liquidate somebody, nor does it change what prices
    revert to.
    """
    simulation = feed.simulation
    prices = {**simulation.start_prices, **last_prices}
    levels = {symbol: simulation.level_of(symbol) for symbol in feed.symbols}
    return replace(feed, simulation=replace(simulation, start_prices=prices, levels=levels))


def without_stress(feed: FeedSettings) -> FeedSettings:
    """The settings of a feed that was started again while its platform runs.

    A stress script belongs to a run, and is not played twice in one.
    """
    return replace(feed, simulation=replace(feed.simulation, stress=()))


def _last_prices(context: ProcessContext, settings: RunSettings) -> dict[str, Decimal]:
    """The newest price of each symbol that has one: in this run, else in the journal."""
    if context.is_restart:
        block = CounterBlock.attach(counters_name(context.platform, SENTINEL))
        offsets = block.offsets("sentinel_mark_price", symbol=list(settings.instruments))
        newest = [int(word) for word in block.words[offsets]]
        block.close()
    else:
        marks = settings.restored.sentinel_state.symbols["mark"]
        newest = [int(marks[each.index]) for each in settings.instruments.values()]
    return {
        each.name: Decimal(each.price_text(ticks))
        for each, ticks in zip(settings.instruments.values(), newest, strict=True)
        if ticks > 0
    }


async def _watch(context: ProcessContext, stop: asyncio.Event) -> None:
    while not context.should_stop():
        context.beat()
        await asyncio.sleep(_LOOK_S)
    stop.set()
