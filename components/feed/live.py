"""The live feed as a whole: every venue, and the order flow beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final, Protocol

import aiohttp

from components.feed.batch import CommandBatch
from components.feed.clock import Clock, nap_until
from components.feed.live_sink import LiveSink
from components.feed.order_flow import OrderFlow
from components.messages.command import Commands

STOP_TIMEOUT_S: Final = 2.0
"""How long connections may take to close (or give up connecting) before they are dropped."""


class LiveSource(Protocol):
    """One venue: whatever holds its connections and hands their frames to its sink."""

    sink: LiveSink

    def runs(
        self, session: aiohttp.ClientSession, stop: asyncio.Event
    ) -> list[Coroutine[Any, Any, None]]:
        """What receives until ``stop``."""

    def wake(self) -> None:
        """Look at ``stop`` now."""


async def run_live(
    sources: Sequence[LiveSource],
    flow: OrderFlow,
    batch: CommandBatch,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Receive until ``stop``; an error that no reconnect can mend ends it and is raised."""
    try:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
            publishing = [tasks.create_task(each.sink.publish()) for each in sources]
            lines = [tasks.create_task(run) for each in sources for run in each.runs(session, stop)]
            if flow.enabled:
                tasks.create_task(_run_flow(flow, batch, clock, stop))
            await stop.wait()
            for source in sources:
                source.wake()
            _, still_busy = await asyncio.wait(lines, timeout=STOP_TIMEOUT_S)
            for task in (*publishing, *still_busy):
                task.cancel()
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    for source in sources:
        source.sink.decoder.finish()


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
