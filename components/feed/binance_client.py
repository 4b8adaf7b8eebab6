"""The live feed: holds the connections to Binance and hands each frame, with its time, on.

A connection is replaced when it ends, when no valid data came for ``stale_after_s`` (an open,
ponging, silent connection is the commonest failure there is), when a message is too large, and
when the server says that it will shut down.  Each replacement waits for a backoff that starts
small again only after data flowed for ``healthy_after_s``: a venue that accepts and cuts at once
meets longer and longer pauses.  Staleness is judged on the local monotonic clock alone.

Frames are decoded as they arrive; ``flush_due`` asks another task to publish their commands, which
gets its turn when the socket's buffer is empty, so that a burst travels in batches and a lone
trade at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import Final, Literal, Protocol

import aiohttp

from components.feed.backoff import Backoff
from components.feed.clock import SLEEP_MAX_S, Clock
from components.feed.metrics import FeedMetrics
from components.feed.settings import BinanceSettings

CLOSE_TIMEOUT_S: Final = 1.0
CONNECT_TIMEOUT_S: Final = 10.0
_LOGGER: Final = logging.getLogger(__name__)


class FrameSink(Protocol):
    """Where frames go; ``Decoder`` is one."""

    shutdown_announced: bool

    def take(self, received_ns: int, frame: bytes | str, place: str, number: int) -> bool:
        """Decode a frame; True if it was valid data."""

    def drop(self, reason: str, detail: bytes | str, where: str) -> None:
        """Count something that never became a frame."""


class BinanceConnection:
    """One combined stream, connected again and again until told to stop."""

    def __init__(
        self,
        address: str,
        settings: BinanceSettings,
        sink: FrameSink,
        metrics: FeedMetrics,
        clock: Clock,
        generator: random.Random,
        flush_due: asyncio.Event,
    ) -> None:
        self._address = address
        self._place = address.partition("?")[0]
        self._settings = settings
        self._sink = sink
        self._metrics = metrics
        self._clock = clock
        self._backoff = Backoff(settings.backoff_base_s, settings.backoff_cap_s, generator)
        self._frame_count = 0
        self._opened_ns = 0
        self._last_data_ns = 0
        self._flush_due = flush_due

    async def run(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        """Connect, receive, and connect again, until ``stop``."""
        while not stop.is_set():
            try:
                why = await self._receive(session, stop)
            except (aiohttp.ClientError, OSError, TimeoutError) as problem:
                why = f"{type(problem).__name__}: {problem}"
            if stop.is_set():
                return
            delay_s = self._backoff.next_delay_s()
            self._metrics.reconnect()
            _LOGGER.warning("%s: %s; reconnecting in %.2f s", self._place, why, delay_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), delay_s)

    async def _receive(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> str:
        """Hold one connection to its end; returns why it ended."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            socket = await session.ws_connect(
                self._address,
                max_msg_size=self._settings.message_bytes_max,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                decode_text=False,
            )
        self._opened_ns = self._last_data_ns = self._clock.monotonic_ns()
        watchdog = asyncio.create_task(self._watch(socket, stop))
        try:
            async for message in socket:
                if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    self._take(message.data)
                if self._sink.shutdown_announced:
                    self._sink.shutdown_announced = False
                    return "the server announced its shutdown"
                if message.type is aiohttp.WSMsgType.ERROR:
                    break
        finally:
            ended_by_watchdog = watchdog.done()
            watchdog.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watchdog
            await socket.close()
        if socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            self._sink.drop("oversized", "", f"{self._place}:{self._frame_count + 1}")
            return "a message was too large"
        if ended_by_watchdog:
            return f"no valid data for {self._settings.stale_after_s} s"
        return f"closed by the server (code {socket.close_code})"

    def _take(self, frame: bytes) -> None:
        self._frame_count += 1
        if self._sink.take(self._clock.wall_ns(), frame, self._place, self._frame_count):
            now_ns = self._clock.monotonic_ns()
            self._last_data_ns = now_ns
            if (now_ns - self._opened_ns) / 1e9 >= self._settings.healthy_after_s:
                self._backoff.reset()
        self._flush_due.set()

    async def _watch(
        self, socket: aiohttp.ClientWebSocketResponse[Literal[False]], stop: asyncio.Event
    ) -> None:
        """Close ``socket``, which ends the receiving loop, when data is stale or on ``stop``."""
        while not stop.is_set():
            silent_s = (self._clock.monotonic_ns() - self._last_data_ns) / 1e9
            remaining_s = self._settings.stale_after_s - silent_s
            if remaining_s <= 0:
                break
            await asyncio.sleep(min(remaining_s, SLEEP_MAX_S))
        await socket.close()
