"""Asks the venue for whole books: of every symbol whose changes wait for one, one at a time.

The answer goes through the same sink as every frame, in the envelope of a stream, as it does not name
its symbol.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp

from components.feed.binance_streams import snapshot_address
from components.feed.settings import BinanceSettings

ANSWER_TIMEOUT_S: Final = 10.0
_LOGGER: Final = logging.getLogger(__name__)

TakeBook = Callable[[bytes, str], None]
"""Takes an answer, in its envelope, and where it came from."""


class BookRequests:
    """The requests of one feed; ``names`` are the venue's names of symbols, by our index."""

    def __init__(
        self,
        settings: BinanceSettings,
        names: Mapping[int, str],
        wanted: Callable[[], list[int]],
        take: TakeBook,
    ) -> None:
        self._settings = settings
        self._names = names
        self._wanted = wanted
        self._take = take

    async def run(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        """Ask until ``stop``, each symbol in its turn, never faster than the interval."""
        last = -1
        while not stop.is_set():
            wanted = self._wanted()
            if wanted:
                last = min(wanted, key=lambda symbol: (symbol <= last, symbol))
                await self._ask(session, self._names[last])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._settings.snapshot_interval_s)

    async def _ask(self, session: aiohttp.ClientSession, name: str) -> None:
        address = snapshot_address(self._settings, name)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S), session.get(address) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            _LOGGER.warning("%s: %s: %s", address, type(problem).__name__, problem)
            return
        if answer.status != 200:
            _LOGGER.warning("%s: status %d: %r", address, answer.status, body[:120])
            return
        self._take(b'{"stream":"%s@snapshot","data":%s}' % (name.lower().encode(), body), address)
