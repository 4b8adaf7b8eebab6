"""The recorded feed: a recording's frames through the same decoder as live ones, at any speed.

Time is the recording's own: commands carry the receive time of their frame, and the order flow
runs on that time too, on its own schedule between frames, as does whatever the decoder does when a
stream falls silent.  The commands are therefore the same at
1×, N× and as fast as possible, byte for byte; speed only decides when they are published.  In a
loop, each round follows the one before it by ``LOOP_PAUSE_NS``, so that time still never goes back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Final

from components.feed.batch import CommandBatch
from components.feed.clock import Clock, nap_until
from components.feed.order_flow import OrderFlow
from components.feed.raw_recording import read_raw
from components.feed.recorded_venues import RecordedVenues
from components.feed.recording import RecordedFrame, read_recording
from components.feed.settings import FeedSettings

LOOP_PAUSE_NS: Final = 1_000_000_000
_NEVER: Final = 2**63 - 1
_YIELD_EVERY: Final = 512
"""Frames decoded, or due times passed, before other tasks of the event loop get their turn."""
_LINE_HEAD_BYTES_MAX: Final = 4096


class Recorded:
    """Plays one recording; times inside are the recording's, shifted by the rounds of a loop."""

    def __init__(
        self,
        settings: FeedSettings,
        flow: OrderFlow,
        venues: RecordedVenues,
        batch: CommandBatch,
        clock: Clock,
    ) -> None:
        self._path = Path(settings.recorded.path)
        self._speed = settings.recorded.speed
        self._loop = settings.recorded.loop
        self._line_bytes_max = settings.frame_bytes_max + _LINE_HEAD_BYTES_MAX
        self._flow = flow
        self._venues = venues
        self._batch = batch
        self._clock = clock
        self._now_ns = 0
        self._first_ns = 0
        self._started_ns = 0
        self._shift_ns = 0
        self._wait_from_ns = 0
        self._waits = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until the end of the recording, or until ``stop`` if it loops."""
        while not stop.is_set():
            before_ns = self._now_ns
            await self._play(stop)
            if not self._loop or self._now_ns == before_ns:
                break
            self._venues.restart()
            self._shift_ns = self._now_ns + LOOP_PAUSE_NS - self._first_ns
        self._venues.finish()
        if self._now_ns:
            self._batch.add_orders(self._flow.close(self._now_ns))
        self._venues.flush()

    async def _play(self, stop: asyncio.Event) -> None:
        """One round; the loop awaits nothing while frames are at hand and no time is due."""
        venues, path = self._venues, str(self._path)
        with contextlib.closing(self._reading()) as reading:
            for count, entry in enumerate(reading):
                received_ns, frame, line_number, venue, *_ = entry
                received_ns += self._shift_ns
                if (
                    received_ns >= self._wait_from_ns
                    or received_ns >= venues.due_ns
                    or count % _YIELD_EVERY == 0
                ):
                    await self._reach(received_ns, stop)
                    if stop.is_set():
                        return
                if received_ns > self._now_ns:
                    self._now_ns = received_ns
                now_ns = self._now_ns
                if frame:
                    venues.take(venue, now_ns, frame, path, line_number)
                elif entry.is_continued:
                    venues.go_on(entry.session)
                elif entry.session:
                    venues.begin(entry.session)
                elif entry.is_opened:
                    venues.open(venue)
                else:
                    venues.down(venue, entry.lost, now_ns)

    def _reading(self) -> Generator[RecordedFrame]:
        """The frames of a file, or of the raw journal in a folder."""
        if self._path.is_dir():
            return read_raw(self._path, self._venues.drop)
        return read_recording(self._path, self._venues.drop, line_bytes_max=self._line_bytes_max)

    async def _reach(self, received_ns: int, stop: asyncio.Event) -> None:
        """Wait until the recording's clock shows ``received_ns``; what is due before it is done."""
        flow, venues = self._flow, self._venues
        if not self._now_ns:
            self._first_ns = self._now_ns = received_ns
            self._started_ns = self._clock.monotonic_ns()
            self._batch.add_orders(flow.open(received_ns))
        due_ns = flow.next_due_ns if flow.enabled else _NEVER
        while min(due_ns, venues.due_ns) <= received_ns and not stop.is_set():
            if venues.due_ns <= due_ns:
                at_ns = max(venues.due_ns, self._now_ns)
                await self._wait_until(at_ns, stop)
                venues.advance(at_ns)
                continue
            await self._wait_until(due_ns, stop)
            self._batch.add_orders(flow.due(due_ns))
            due_ns = flow.next_due_ns
        await self._wait_until(received_ns, stop)
        self._wait_from_ns = 0 if self._speed > 0 else due_ns

    async def _wait_until(self, recorded_ns: int, stop: asyncio.Event) -> None:
        self._now_ns = max(self._now_ns, recorded_ns)
        if self._speed > 0:
            due_ns = self._started_ns + round((self._now_ns - self._first_ns) / self._speed)
            if due_ns > self._clock.monotonic_ns():
                self._venues.flush()
            while due_ns > self._clock.monotonic_ns() and not stop.is_set():
                await nap_until(self._clock, due_ns)
        self._waits += 1
        if self._waits % _YIELD_EVERY == 0:
            await self._clock.sleep(0)
