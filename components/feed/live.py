"""The live feed as a whole: every line to the venue, and the order flow beside them.

Frames are decoded as they arrive; what they gave is published when the socket's buffer is empty, so
that a burst travels in batches and a lone trade at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Final

import aiohttp

from components.feed import binance_streams
from components.feed.backoff import Backoff
from components.feed.batch import CommandBatch
from components.feed.binance_messages import Parser
from components.feed.book_requests import BookRequests
from components.feed.clock import Clock, nap_until
from components.feed.control_budget import ControlBudget
from components.feed.decoder import Connection, Decoder
from components.feed.line import LineKeeper
from components.feed.metrics import FeedMetrics
from components.feed.order_flow import OrderFlow
from components.feed.settings import FeedSettings
from components.feed.stream_board import Stream
from components.feed.venue_messages import Message
from components.instruments import Instrument
from components.messages.command import Commands

STOP_TIMEOUT_S: Final = 2.0
"""How long connections may take to close (or give up connecting) before they are dropped."""
_NEVER: Final = 2**63 - 1


class LiveSink:
    """Takes what the lines receive: decodes it, and has it published soon."""

    def __init__(self, decoder: Decoder, clock: Clock) -> None:
        self._decoder = decoder
        self._clock = clock
        self._due = asyncio.Event()
        self._armed_ns = _NEVER

    def take(
        self,
        received_ns: int,
        now_ns: int,
        frame: bytes,
        place: str,
        number: int,
        connection: Connection | None,
    ) -> bool:
        """Decode a frame; True if it was valid data."""
        self._due.set()
        return self._decoder.take(received_ns, now_ns, frame, place, number, connection)

    def take_book(self, frame: bytes, place: str) -> None:
        """Decode the answer to a request for a book."""
        self.take(self._clock.wall_ns(), self._clock.monotonic_ns(), frame, place, 0, None)

    def drop(self, reason: str, detail: bytes | str, where: str) -> None:
        """Count something that never became a frame."""
        self._decoder.drop(reason, detail, where)
        self._due.set()

    def granted(self, streams: list[Stream], now_ns: int) -> None:
        """The venue acknowledged these streams."""
        self._decoder.board.subscribed(streams, now_ns)
        self._due.set()

    def has_reached(self, message: Message) -> bool:
        """Whether everything before a numbered message is known already."""
        return self._decoder.has_reached(message)

    def connecting(self, name: str, streams: Iterable[Stream]) -> None:
        """A connection is made that nothing stands in for."""
        self._decoder.board.connecting(streams)

    def lost(self, name: str, streams: Iterable[Stream], why: str) -> None:
        """It has ended, and nothing stands in for it."""
        self._decoder.down(streams, self._clock.wall_ns(), self._clock.monotonic_ns())
        self._due.set()

    def replaced(self, name: str, successor: str) -> None:
        """Another connection took over."""
        self._due.set()

    def state(self, stream: Stream) -> int | None:
        """The state of a stream."""
        return self._decoder.board.state(stream)

    async def publish(self) -> None:
        """Publish what frames gave, and do what time alone brings; until cancelled."""
        loop = asyncio.get_running_loop()
        decoder, clock = self._decoder, self._clock
        while True:
            await self._due.wait()
            self._due.clear()
            now_ns = clock.monotonic_ns()
            if now_ns >= decoder.due_ns:
                decoder.advance(clock.wall_ns(), now_ns)
            decoder.flush()
            if decoder.due_ns < self._armed_ns:
                self._armed_ns = decoder.due_ns
                loop.call_later(max(0.0, (decoder.due_ns - now_ns) / 1e9), self._look)

    def _look(self) -> None:
        self._armed_ns = _NEVER
        self._due.set()


async def run_live(
    settings: FeedSettings,
    traded: Sequence[Instrument],
    parser: Parser,
    flow: OrderFlow,
    decoder: Decoder,
    batch: CommandBatch,
    metrics: FeedMetrics,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Receive until ``stop``; an error that no reconnect can mend ends it and is raised."""
    sink = LiveSink(decoder, clock)
    keepers = _keepers(settings, traded, sink, parser, metrics, clock)
    names = {each.index: settings.venue_symbol(each.name) for each in traded}
    books = BookRequests(settings.binance, names, decoder.books.wanted, sink.take_book)
    try:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(sink.publish())
            lines = [tasks.create_task(each.run(session, stop)) for each in keepers]
            if "depth" in settings.binance.streams:
                lines.append(tasks.create_task(books.run(session, stop)))
            if flow.enabled:
                tasks.create_task(_run_flow(flow, batch, clock, stop))
            await stop.wait()
            for keeper in keepers:
                keeper.wake()
            _, still_busy = await asyncio.wait(lines, timeout=STOP_TIMEOUT_S)
            for task in (publishing, *still_busy):
                task.cancel()
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    decoder.finish()


def _keepers(
    settings: FeedSettings,
    traded: Sequence[Instrument],
    sink: LiveSink,
    parser: Parser,
    metrics: FeedMetrics,
    clock: Clock,
) -> list[LineKeeper]:
    binance = settings.binance
    generator = random.Random(settings.seed)
    per_s = binance_streams.VENUES[binance.market].control_per_s
    return [
        LineKeeper(
            f"{binance.market}-{number}",
            line,
            binance,
            sink,
            parser,
            metrics,
            clock,
            Backoff(binance.backoff_base_s, binance.backoff_cap_s, generator),
            ControlBudget(per_s),
        )
        for number, line in enumerate(binance_streams.lines(settings, traded), 1)
    ]


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
