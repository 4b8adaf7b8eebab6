"""Binance as a venue of a live feed: its lines, and the requests for its books."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import Any

import aiohttp

from components.feed import binance_streams
from components.feed.backoff import Backoff
from components.feed.binance_messages import Parser
from components.feed.book_requests import BookRequests
from components.feed.clock import Clock
from components.feed.control_budget import ControlBudget
from components.feed.line import LineKeeper
from components.feed.live_sink import LiveSink
from components.feed.metrics import FeedMetrics
from components.feed.settings import FeedSettings
from components.instruments import Instrument


class BinanceSource:
    """A ``LiveSource``."""

    def __init__(
        self,
        settings: FeedSettings,
        traded: Sequence[Instrument],
        parser: Parser,
        sink: LiveSink,
        metrics: FeedMetrics,
        clock: Clock,
    ) -> None:
        self.sink = sink
        self._keepers = _keepers(settings, traded, sink, parser, metrics, clock)
        names = {each.index: settings.venue_symbol(each.name) for each in traded}
        self._books: BookRequests | None = None
        if "depth" in settings.binance.streams:
            wanted = sink.decoder.books.wanted
            self._books = BookRequests(settings.binance, names, wanted, sink.take_book)

    def runs(
        self, session: aiohttp.ClientSession, stop: asyncio.Event
    ) -> list[Coroutine[Any, Any, None]]:
        """What receives until ``stop``."""
        runs = [each.run(session, stop) for each in self._keepers]
        if self._books is not None:
            runs.append(self._books.run(session, stop))
        return runs

    def wake(self) -> None:
        """Look at ``stop`` now."""
        for keeper in self._keepers:
            keeper.wake()


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
