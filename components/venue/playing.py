"""Plays a market to the venue's clients: a simulated one by the clock, or a recording at any speed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from pathlib import Path
from typing import Any, Final

import orjson

from components.feed.recording import RecordedFrame, read_recording
from components.venue.market import SimulatedMarket
from components.venue.server import VenueServer

LINE_BYTES_MAX: Final = 16 * 2**20
_YIELD_EVERY: Final = 256
_DEPTH_SPEED: Final = re.compile(r"@depth@[0-9]+ms$")


async def play_market(
    venue: VenueServer, market: SimulatedMarket, interval_s: float, stop: asyncio.Event
) -> None:
    """Step the market every ``interval_s`` until ``stop``; its whole books can be asked for."""
    for name, symbol in market.symbols.items():
        venue.books[name] = symbol.book
    while not stop.is_set():
        now_ms = time.time_ns() // 1_000_000 + venue.conduct.clock_offset_ms
        jump_ppm, venue.conduct.jump_ppm = venue.conduct.jump_ppm, 0
        for stream, data in market.step(now_ms, jump_ppm):
            await venue.publish(stream, data)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval_s)


async def play_recording(venue: VenueServer, path: Path, speed: float, stop: asyncio.Event) -> int:
    """Publish a recording's messages at ``speed`` times its own pace, 0: as fast as clients read.

    Whole books among them answer requests from then on.  Returns how many messages were published.
    """
    broken: list[str] = []
    began = time.monotonic()
    first_ns = published = 0
    for frame in read_recording(
        path, lambda reason, *_: broken.append(reason), line_bytes_max=LINE_BYTES_MAX
    ):
        first_ns = first_ns or frame.received_ns
        if speed:
            due_s = began + (frame.received_ns - first_ns) / 1e9 / speed - time.monotonic()
            if due_s > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), due_s)
        if stop.is_set():
            break
        published += await _publish(venue, frame)
        if published % _YIELD_EVERY == 0:
            await asyncio.sleep(0)
    return published


async def _publish(venue: VenueServer, frame: RecordedFrame) -> int:
    try:
        document: Any = orjson.loads(frame.frame)
    except orjson.JSONDecodeError:
        return 0
    if not isinstance(document, dict):
        return 0
    if "lastUpdateId" in document:
        venue.default_book = document
        return 0
    data = document.get("data", document)
    stream = (
        document.get("stream") or f"{str(data.get('s', '')).lower()}@{data.get('e', 'bookTicker')}"
    )
    await venue.publish(_asked_for(stream), orjson.dumps(data))
    return 1


def _asked_for(stream: str) -> str:
    """The name under which clients ask for a recorded stream, whatever its speed was."""
    if _DEPTH_SPEED.search(stream):
        return _DEPTH_SPEED.sub("@depth@100ms", stream)
    return stream + "@1s" if stream.endswith("@markPrice") else stream
