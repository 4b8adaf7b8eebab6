"""Keeps one line to the venue alive: connects, watches, replaces, and connects again.

                        ┌────────── lost: back-off ◄─────────┐
    connect ─► primary ─┤                                    │
                        └─ soon 24 h old, or the venue says  │
                           that it will cut it: a successor  │
                           connects beside it, holding ──────┴─► takes over

A connection is given up when no valid data came for ``stale_after_s`` (an open, ponging, silent
connection is the commonest failure there is), when a stream that is sent at fixed times is silent,
when a request is not answered in time or refused, and when a message is too large.  Each new attempt
waits for a back-off that starts small again only after data flowed for ``healthy_after_s``: a venue
that accepts and cuts at once meets longer and longer pauses.

The successor takes over once everything before its own first messages is known, so that nothing is
lost; what both delivered is dropped by its numbers.  The primary serves until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Final, Protocol

import aiohttp

from components.feed import binance_streams
from components.feed.backoff import Backoff
from components.feed.binance_messages import Parser
from components.feed.clock import SLEEP_MAX_S, Clock
from components.feed.connection import FrameSink, VenueConnection
from components.feed.control_budget import ControlBudget
from components.feed.metrics import FeedMetrics
from components.feed.settings import BinanceSettings
from components.feed.stream_board import STALE, Stream

PERIODIC: Final = ("mark_price", "partial_depth")
"""Kinds that the venue sends at fixed times, whatever the market does."""

_LOGGER: Final = logging.getLogger(__name__)


class LineSink(FrameSink, Protocol):
    """Where a line's frames go, and who is told what becomes of it."""

    def connecting(self, name: str, streams: Iterable[Stream]) -> None:
        """A connection is made that nothing stands in for."""

    def lost(self, name: str, streams: Iterable[Stream], why: str) -> None:
        """It has ended, and nothing stands in for it."""

    def replaced(self, name: str, successor: str) -> None:
        """Another connection took over."""

    def state(self, stream: Stream) -> int | None:
        """The state of a stream."""


class LineKeeper:
    """Keeps one line connected until told to stop; one thread."""

    def __init__(
        self,
        name: str,
        line: binance_streams.Line,
        settings: BinanceSettings,
        sink: LineSink,
        parser: Parser,
        metrics: FeedMetrics,
        clock: Clock,
        backoff: Backoff,
        budget: ControlBudget,
    ) -> None:
        self._name = name
        self._line = line
        self._settings = settings
        self._sink = sink
        self._parser = parser
        self._metrics = metrics
        self._clock = clock
        self._backoff = backoff
        self._budget = budget
        self._awake = asyncio.Event()
        self._connections = 0
        self._primary: VenueConnection | None = None
        self._successor: VenueConnection | None = None
        self._retry_ns = 0
        self._successor_retry_ns = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        """Hold the line until ``stop``."""
        try:
            while not stop.is_set():
                self._step(session)
                self._awake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), self._nap_s())
                self._raise_failures()
        finally:
            for connection in (self._primary, self._successor):
                if connection is not None:
                    connection.close("told to stop")
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """Look again now."""
        self._awake.set()

    def _nap_s(self) -> float:
        return min(
            SLEEP_MAX_S, self._settings.stale_after_s / 4, self._settings.overlap_s / 2 + 0.001
        )

    def _step(self, session: aiohttp.ClientSession) -> None:
        now_ns = self._clock.monotonic_ns()
        self._bury(now_ns)
        if self._primary is None:
            if now_ns >= self._retry_ns:
                self._sink.connecting(self._name, self._line.streams.values())
                self._primary = self._connect(session, holding=False)
            return
        self._watch(self._primary, now_ns)
        if self._successor is not None:
            self._watch(self._successor, now_ns)
            if self._successor.is_ready(now_ns):
                self._take_over()
        elif self._is_due_to_be_replaced(self._primary, now_ns):
            self._successor = self._connect(session, holding=True)

    def _bury(self, now_ns: int) -> None:
        """See to connections that have ended."""
        successor, primary = self._successor, self._primary
        if successor is not None and successor.ended:
            _LOGGER.warning("%s: %s, before it took over", successor.name, successor.ended)
            self._successor = None
            self._successor_retry_ns = now_ns + self._pause_ns()
        if primary is None or not primary.ended:
            return
        if self._successor is not None and self._successor.subscription.is_granted:
            self._take_over()
            return
        if self._successor is not None:
            self._end(self._successor, "what it should replace is lost")
            self._successor = None
        self._primary = None
        pause_ns = self._pause_ns()
        self._retry_ns = now_ns + pause_ns
        self._sink.lost(primary.name, self._line.streams.values(), primary.ended)
        self._metrics.reconnect()
        _LOGGER.warning(
            "%s: %s; connecting again in %.2f s", primary.name, primary.ended, pause_ns / 1e9
        )

    def _pause_ns(self) -> int:
        return round(self._backoff.next_delay_s() * 1e9)

    def _connect(self, session: aiohttp.ClientSession, *, holding: bool) -> VenueConnection:
        self._connections += 1
        connection = VenueConnection(
            f"{self._name}.{self._connections}",
            self._line,
            self._settings,
            self._sink,
            self._parser,
            self._clock,
            self._budget,
            self.wake,
            holding=holding,
        )
        connection.task = asyncio.create_task(connection.run(session), name=connection.name)
        self._tasks.add(connection.task)
        return connection

    def _end(self, connection: VenueConnection, why: str) -> None:
        connection.close(why)
        closing = asyncio.create_task(connection.closed(), name=f"{connection.name} closes")
        self._tasks.add(closing)

    def _raise_failures(self) -> None:
        """What no new connection can mend ends the feed."""
        for task in [each for each in self._tasks if each.done()]:
            self._tasks.discard(task)
            if not task.cancelled():
                task.result()

    def _watch(self, connection: VenueConnection, now_ns: int) -> None:
        """End a connection that does not do its work."""
        if connection.ended or not connection.opened_ns:
            return
        silent_s = (now_ns - connection.data_ns) / 1e9
        if connection.subscription.refused:
            self._end(connection, f"the venue refused: {connection.subscription.refused}")
        elif connection.subscription.is_overdue(now_ns):
            self._end(connection, f"no answer within {self._settings.acknowledge_within_s} s")
        elif silent_s >= self._settings.stale_after_s:
            self._end(connection, f"no valid data for {self._settings.stale_after_s} s")
        elif connection is self._primary and (stuck := self._stuck()):
            self._end(connection, f"{stuck.kind} of symbol {stuck.symbol} is silent")
        elif connection.has_data:
            flowing_s = (connection.data_ns - connection.opened_ns) / 1e9
            if flowing_s >= self._settings.healthy_after_s:
                self._backoff.reset()

    def _stuck(self) -> Stream | None:
        """A stream that should send now and then whatever happens, and is silent."""
        for stream in self._line.streams.values():
            if stream.kind in PERIODIC and self._sink.state(stream) == STALE:
                return stream
        return None

    def _is_due_to_be_replaced(self, primary: VenueConnection, now_ns: int) -> bool:
        if now_ns < self._successor_retry_ns or not primary.opened_ns:
            return False
        age_s = (now_ns - primary.opened_ns) / 1e9
        return primary.is_announced_to_end or age_s >= self._settings.replace_after_s

    def _take_over(self) -> None:
        """The successor is the primary from now on."""
        old, new = self._primary, self._successor
        assert old is not None
        assert new is not None
        self._end(old, "replaced")
        self._primary, self._successor = new, None
        self._sink.replaced(old.name, new.name)
        new.release()
        self._metrics.replacement()
        _LOGGER.info("%s took over from %s", new.name, old.name)
