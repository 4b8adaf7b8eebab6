"""The feed's side of the raw journal: every frame, and what became of connections, before parsing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import orjson

from components.feed.clock import Clock
from components.feed.metrics import FeedMetrics
from components.feed.stream_board import Stream
from components.oracle.raw.tail import BOOK, CLOSED, DOWN, FRAME, OPENED
from components.oracle.raw.writer import RawWriter

_VENUE_SHIFT: Final = 12
CONNECTIONS_MAX: Final = (1 << _VENUE_SHIFT) - 1
"""A source is a venue's place among those of the feed, then a number of its connection, or 0."""


def venue_of(source: int) -> int:
    """The place of the venue that an entry's source is of."""
    return source >> _VENUE_SHIFT


class RawRecorder:
    """Writes what one venue sends; ``venue_names`` are its symbols by our index."""

    def __init__(
        self,
        writer: RawWriter,
        venue: int,
        venue_names: Mapping[int, str],
        metrics: FeedMetrics,
        clock: Clock,
    ) -> None:
        self._writer = writer
        self._venue = venue << _VENUE_SHIFT
        self._venue_names = venue_names
        self._metrics = metrics
        self._clock = clock
        self._sources: dict[str, int] = {}
        self._opened = 0
        self._bytes = 0

    def started(self, session: bytes) -> None:
        """The feed, with all its venues, begins."""
        self._writer.begin(self._clock.wall_ns(), session, self._clock.monotonic_ns())

    def frame(self, name: str, received_ns: int, now_ns: int, frame: bytes) -> None:
        """A frame of the connection with this name."""
        self._writer.add(FRAME, self._sources.get(name, self._venue), received_ns, frame, now_ns)
        self._bytes += len(frame)

    def book(self, received_ns: int, now_ns: int, frame: bytes) -> None:
        """The answer to a request for a whole book."""
        self._writer.add(BOOK, self._venue, received_ns, frame, now_ns)
        self._bytes += len(frame)

    def opened(self, name: str, address: str, streams: Iterable[str]) -> None:
        """A connection was made."""
        self._opened = self._opened % CONNECTIONS_MAX + 1
        source = self._sources[name] = self._venue + self._opened
        said = {"connection": name, "address": address, "streams": list(streams)}
        self._note(OPENED, source, orjson.dumps(said))

    def closed(self, name: str, why: str) -> None:
        """A connection has ended, if it was ever made."""
        source = self._sources.pop(name, 0)
        if source:
            self._note(CLOSED, source, why.encode())

    def down(self, streams: Iterable[Stream]) -> None:
        """Nothing carries these streams any more."""
        told = [[each.kind, self._venue_names[each.symbol]] for each in streams]
        self._note(DOWN, self._venue, orjson.dumps(told))

    def report(self) -> None:
        """Count what was recorded, and let the last second's frames become a block."""
        if self._bytes:
            self._metrics.recorded(self._bytes)
            self._bytes = 0
        self._writer.cut_if_old(self._clock.monotonic_ns())

    def _note(self, kind: int, source: int, payload: bytes) -> None:
        now_ns = self._clock.monotonic_ns()
        self._writer.add(kind, source, self._clock.wall_ns(), payload, now_ns)
