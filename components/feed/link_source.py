"""A venue of a live feed that is held by one link: Coinbase, Kraken."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import aiohttp

from components.feed.live_sink import LiveSink
from components.feed.venue_link import VenueLink


class LinkSource:
    """A ``LiveSource``."""

    def __init__(self, link: VenueLink, sink: LiveSink) -> None:
        self.sink = sink
        self._link = link

    def runs(
        self, session: aiohttp.ClientSession, stop: asyncio.Event
    ) -> list[Coroutine[Any, Any, None]]:
        """What receives until ``stop``."""
        return [self._link.run(session, stop)]

    def wake(self) -> None:
        """Nothing: its watchdog looks at ``stop`` by itself."""
