"""The live feed as a whole: every connection, and the order flow beside them on the wall clock."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import aiohttp

from components.feed.batch import CommandBatch
from components.feed.binance_client import BinanceConnection
from components.feed.binance_streams import stream_addresses
from components.feed.clock import Clock, nap_until
from components.feed.decoder import Decoder
from components.feed.metrics import FeedMetrics
from components.feed.order_flow import OrderFlow
from components.feed.settings import FeedSettings
from components.messages.command import Commands

STOP_TIMEOUT_S: Final = 2.0
"""How long connections may take to close (or give up connecting) before they are dropped."""


async def run_live(
    settings: FeedSettings,
    flow: OrderFlow,
    decoder: Decoder,
    batch: CommandBatch,
    metrics: FeedMetrics,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Receive until ``stop``; an error that no reconnect can mend ends it and is raised."""
    generator = random.Random(settings.seed)
    flush_due = asyncio.Event()
    try:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
            flushing = tasks.create_task(_flush_when_due(decoder, flush_due))
            connections = []
            for address in stream_addresses(settings):
                connection = BinanceConnection(
                    address, settings.binance, decoder, metrics, clock, generator, flush_due
                )
                connections.append(tasks.create_task(connection.run(session, stop)))
            if flow.enabled:
                tasks.create_task(_run_flow(flow, batch, clock, stop))
            await stop.wait()
            _, still_busy = await asyncio.wait(connections, timeout=STOP_TIMEOUT_S)
            for task in (flushing, *still_busy):
                task.cancel()
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    decoder.flush()


async def _flush_when_due(decoder: Decoder, due: asyncio.Event) -> None:
    while True:
        await due.wait()
        due.clear()
        decoder.flush()


async def _run_flow(
    flow: OrderFlow, batch: CommandBatch, clock: Clock, stop: asyncio.Event
) -> None:
    batch.add_orders(_stamped(flow.open(clock.monotonic_ns()), clock))
    while not stop.is_set():
        now_ns = clock.monotonic_ns()
        if flow.next_due_ns <= now_ns:
            batch.add_orders(_stamped(flow.due(now_ns), clock))
            batch.flush()
        await nap_until(clock, flow.next_due_ns)
    batch.add_orders(_stamped(flow.close(clock.monotonic_ns()), clock))
    batch.flush()


def _stamped(commands: Commands, clock: Clock) -> Commands:
    """The flow is scheduled on the monotonic clock; its commands carry the wall clock's time."""
    commands["ts"] = clock.wall_ns()
    return commands
