"""A live feed beside a stand-in venue, both real, in one event loop: what the tests of faults share.

A test is a coroutine that tells the venue what to do and waits for conditions; nothing depends on how
long anything takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.settings import BinanceSettings, FeedSettings
from components.feed.source import run_feed
from components.instruments import InstrumentTable
from components.messages.code import OP_PRICE
from components.messages.command import Commands, new_commands
from components.oracle.raw.writer import RawWriter
from components.venue.server import Client, Conduct, VenueServer

from .conftest import Collected

LIMIT_S: Final = 90.0
FIRST_MS: Final = 1_723_161_255_000
SETTINGS: Final = FeedSettings(
    mode="binance",
    symbols=("BTCUSDT", "ETHUSDT"),
    order_flow=OrderFlowSettings(orders_per_second=0),
    reorder_ms=0.0,
    conflate_ms=0.0,
    binance=BinanceSettings(
        streams=("trade", "book_ticker"),
        stale_after_s=60.0,
        backoff_base_s=0.001,
        backoff_cap_s=0.01,
        acknowledge_within_s=60.0,
        overlap_s=0.02,
        snapshot_interval_s=0.01,
        message_bytes_max=65_536,
    ),
)


def with_binance(settings: FeedSettings = SETTINGS, **changed: object) -> FeedSettings:
    return replace(settings, binance=replace(settings.binance, **changed))  # type: ignore[arg-type]


def trade(number: int, symbol: str = "BTCUSDT", price: str = "") -> bytes:
    return orjson.dumps(
        {
            "e": "trade",
            "E": FIRST_MS + number,
            "s": symbol,
            "t": number,
            "p": price or f"{50_000 + number}.00",
            "q": "0.5",
            "T": FIRST_MS + number - 1,
            "m": False,
        }
    )


def mark(number: int, price: str) -> bytes:
    data = {"e": "markPriceUpdate", "E": FIRST_MS + number, "s": "BTCUSDT", "p": price}
    return orjson.dumps(data)


def ticks(first: int, last: int) -> list[int]:
    """The prices of the trades with these numbers."""
    return [5_000_000 + 100 * number for number in range(first, last + 1)]


class RunningFeed:
    """A feed in the loop of a test, and what it gave."""

    def __init__(
        self, settings: FeedSettings, instruments: InstrumentTable, raw: Path | None
    ) -> None:
        self.metrics: Final = InMemoryFeedMetrics()
        self._settings = settings
        self._instruments = instruments
        self._collected = Collected()
        self._raw = raw
        self._stop = asyncio.Event()

    @property
    def commands(self) -> Commands:
        batches = self._collected.batches
        return np.concatenate(batches) if batches else new_commands(0)

    async def run(self) -> None:
        writer = None if self._raw is None else RawWriter(self._raw, segment_bytes=64 << 20)
        try:
            await run_feed(
                self._settings,
                self._instruments,
                self._collected,
                self._stop,
                self.metrics,
                raw=writer,
            )
        finally:
            if writer is not None:
                writer.close()

    def stop(self) -> None:
        self._stop.set()


class LiveFeed(RunningFeed):
    """The feed and the venue of one test."""

    def __init__(
        self,
        settings: FeedSettings,
        instruments: InstrumentTable,
        venue: VenueServer,
        raw: Path | None,
    ) -> None:
        binance = replace(settings.binance, base_url=venue.base_url)
        super().__init__(replace(settings, binance=binance), instruments, raw)
        self.venue: Final = venue

    @property
    def price_commands(self) -> Commands:
        commands = self.commands
        return commands[commands["op"] == OP_PRICE]

    @property
    def prices(self) -> list[int]:
        return [int(each) for each in self.price_commands["price"]]

    @property
    def flags(self) -> list[int]:
        return [int(each) for each in self.price_commands["flags"]]

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.002)

    async def subscribed(self, connections: int = 1, streams: int = 4) -> Client:
        """Wait until this many connections were made and the newest has its streams."""
        venue = self.venue
        await self.until(
            lambda: (
                venue.connected >= connections
                and bool(venue.clients)
                and len(venue.clients[-1].streams) >= streams
            )
        )
        return venue.clients[-1]

    async def trades(self, first: int, last: int, symbol: str = "BTCUSDT") -> None:
        for number in range(first, last + 1):
            await self.venue.publish(f"{symbol.lower()}@trade", trade(number, symbol))

    async def published(self, count: int) -> None:
        """Wait until so many prices went to the ring."""
        await self.until(lambda: len(self.price_commands) >= count)

    def states(self, kind: str = "trade", symbol: int = 0) -> list[int]:
        return self.metrics.states.get((kind, symbol), [])


Play = Callable[[LiveFeed], Awaitable[None]]


def play(
    instruments: InstrumentTable,
    script: Play,
    *,
    settings: FeedSettings = SETTINGS,
    conduct: Conduct | None = None,
    is_futures: bool = False,
    raw: Path | None = None,
) -> LiveFeed:
    """Run ``script`` beside a feed and a venue; the feed as it was when the script ended."""

    async def run() -> LiveFeed:
        async with asyncio.timeout(LIMIT_S), VenueServer(conduct, is_futures=is_futures) as venue:
            feed = LiveFeed(settings, instruments, venue, raw)
            feeding = asyncio.create_task(feed.run())
            playing = asyncio.ensure_future(script(feed))
            await asyncio.wait({feeding, playing}, return_when=asyncio.FIRST_COMPLETED)
            if feeding.done():
                playing.cancel()
                await feeding
                raise AssertionError("the feed ended before the script")
            feed.stop()
            await feeding
            await playing
            return feed

    return asyncio.run(run())
