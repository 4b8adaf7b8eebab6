"""One connection to a venue that tells everything from its beginning after each subscription.

Coinbase and Kraken send their books whole when they are subscribed, so a connection that is lost,
silent, refused or disproved (a checksum) is simply made again: after a back-off that starts small
again only once data flowed for ``healthy_after_s``.  Between two connections the streams are down,
which the decoder tells whoever trusts their prices.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import aiohttp

from components.feed.backoff import Backoff
from components.feed.clock import SLEEP_MAX_S, Clock
from components.feed.frame_parser import FrameParser
from components.feed.metrics import FeedMetrics
from components.feed.stream_board import Stream
from components.feed.venue_messages import Control
from components.feed.venue_settings import VenueSettings

CLOSE_TIMEOUT_S: Final = 1.0
CONNECT_TIMEOUT_S: Final = 10.0
MESSAGE_BYTES_MAX: Final = 16 * 2**20
"""Coinbase's snapshot of a whole book is some megabytes."""

Socket = aiohttp.ClientWebSocketResponse[Literal[False]]
_LOGGER: Final = logging.getLogger(__name__)


class LinkSink(Protocol):
    """Where a link's frames go, and who is told what becomes of it."""

    def take(
        self,
        received_ns: int,
        now_ns: int,
        frame: bytes,
        place: str,
        number: int,
        connection: VenueLink | None,
    ) -> bool:
        """Decode a frame; True if it was valid data."""

    def opened(self, name: str, address: str, streams: Iterable[str]) -> None:
        """A connection was made; ``streams`` say what it will ask for."""

    def closed(self, name: str, why: str) -> None:
        """It has ended."""

    def granted(self, streams: list[Stream], now_ns: int) -> None:
        """The venue acknowledged these streams."""

    def connecting(self, name: str, streams: Iterable[Stream]) -> None:
        """A connection is being made."""

    def lost(self, name: str, streams: Iterable[Stream], why: str) -> None:
        """Nothing carries these streams any more."""


@dataclass(frozen=True)
class Link:
    """One connection to hold: where, what to ask for, and the streams that it carries."""

    name: str
    address: str
    requests: tuple[bytes, ...]
    streams: tuple[Stream, ...]


class VenueLink:
    """Keeps one link connected until told to stop; one thread."""

    def __init__(
        self,
        link: Link,
        settings: VenueSettings,
        parser: FrameParser,
        sink: LinkSink,
        metrics: FeedMetrics,
        clock: Clock,
        backoff: Backoff,
    ) -> None:
        self._link = link
        self._settings = settings
        self._parser = parser
        self._sink = sink
        self._metrics = metrics
        self._clock = clock
        self._backoff = backoff
        self._frame_count = 0
        self._opened_ns = 0
        self._data_ns = 0
        self._why = ""

    @property
    def name(self) -> str:
        """What it is called in logs."""
        return self._link.name

    async def run(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        """Connect, receive, and connect again, until ``stop``."""
        link = self._link
        while not stop.is_set():
            self._sink.connecting(link.name, link.streams)
            try:
                why = await self._serve(session, stop)
            except (aiohttp.ClientError, OSError, TimeoutError) as problem:
                why = f"{type(problem).__name__}: {problem}"
            self._sink.closed(link.name, why)
            if stop.is_set():
                return
            self._sink.lost(link.name, link.streams, why)
            delay_s = self._backoff.next_delay_s()
            self._metrics.reconnect()
            _LOGGER.warning("%s: %s; reconnecting in %.2f s", link.name, why, delay_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), delay_s)

    def answered(self, control: Control) -> None:
        """The venue answered a request: all of the link's streams are granted, or none is."""
        if control.error:
            self._why = f"refused: {control.error}"
        else:
            self._sink.granted(list(self._link.streams), self._clock.monotonic_ns())

    def shutdown_announced(self) -> None:
        """The connection is of no use any more: what it told was disproved."""
        self._why = self._why or "its book is not the venue's"

    async def _serve(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> str:
        """Hold one connection to its end; returns why it ended."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            socket = await session.ws_connect(
                self._link.address,
                max_msg_size=MESSAGE_BYTES_MAX,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                decode_text=False,
            )
        self._parser.restart()
        asked = (request.decode() for request in self._link.requests)
        self._sink.opened(self._link.name, self._link.address, asked)
        self._why = ""
        self._opened_ns = self._data_ns = self._clock.monotonic_ns()
        watchdog = asyncio.create_task(self._watch(socket, stop))
        try:
            for request in self._link.requests:
                await socket.send_frame(request, aiohttp.WSMsgType.TEXT)
            async for message in socket:
                if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    self._take(message.data)
                if self._why or message.type is aiohttp.WSMsgType.ERROR:
                    break
        finally:
            watchdog.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watchdog
            await socket.close()
        return self._why or f"closed by the venue (code {socket.close_code})"

    def _take(self, frame: bytes) -> None:
        self._frame_count += 1
        now_ns = self._clock.monotonic_ns()
        place = self._link.address
        if self._sink.take(self._clock.wall_ns(), now_ns, frame, place, self._frame_count, self):
            self._data_ns = now_ns
            if (now_ns - self._opened_ns) / 1e9 >= self._settings.healthy_after_s:
                self._backoff.reset()

    async def _watch(self, socket: Socket, stop: asyncio.Event) -> None:
        """Close ``socket``, which ends the receiving loop, when data is stale or on ``stop``."""
        while not stop.is_set():
            silent_s = (self._clock.monotonic_ns() - self._data_ns) / 1e9
            remaining_s = self._settings.stale_after_s - silent_s
            if remaining_s <= 0:
                self._why = f"no valid data for {self._settings.stale_after_s} s"
                break
            await asyncio.sleep(min(remaining_s, SLEEP_MAX_S))
        await socket.close()
