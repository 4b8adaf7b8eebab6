"""The feed as a process: prices and order flow into the commands ring."""

from __future__ import annotations

import asyncio

from components.feed.source import run_feed
from components.messages.command import Commands
from components.monitor.catalogue import FEED, specs_for
from components.monitor.feed_counters import FeedCounters
from components.monitor.platform_view import counters_name
from components.run_settings import RunSettings
from disruptor.errors import AlertedError
from disruptor.memory.counters import CounterBlock
from disruptor.supervisor.child import ProcessContext

_LOOK_S = 0.05


def run(context: ProcessContext) -> None:
    """Feed until told to stop, or until a recording that does not loop has ended."""
    settings: RunSettings = context.settings
    feed = settings.configuration.feed.settings()
    block = CounterBlock.create(
        counters_name(context.platform, context.name), specs_for(FEED, settings.instruments)
    )
    producer = context.producer("commands")
    producer.control = context.line.order  # a stop also ends a wait for room
    metrics = FeedCounters(block, settings.instruments, simulated=feed.mode == "simulation")

    def publish(commands: Commands) -> None:
        producer.write(commands)

    async def main() -> None:
        stop = asyncio.Event()
        watch = asyncio.ensure_future(_watch(context, stop))
        try:
            await run_feed(feed, settings.instruments, publish, stop, metrics)
            await stop.wait()
        finally:
            watch.cancel()

    try:
        context.ready()
        asyncio.run(main())
    except AlertedError:
        pass  # told to stop while the ring was full: what did not fit was never promised
    finally:
        producer.close()
        block.unlink()


async def _watch(context: ProcessContext, stop: asyncio.Event) -> None:
    while not context.should_stop():
        context.beat()
        await asyncio.sleep(_LOOK_S)
    stop.set()
