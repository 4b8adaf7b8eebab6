"""Takes what one venue's connections receive: has it recorded, decoded at once, published soon.

Frames are decoded as they arrive; what they gave is published when the socket's buffer is empty, so
that a burst travels in batches and a lone trade at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from components.feed.clock import Clock
from components.feed.decoder import Connection, Decoder
from components.feed.raw_recorder import RawRecorder
from components.feed.stream_board import Stream
from components.feed.venue_messages import Message

_NEVER: Final = 2**63 - 1


class LiveSink:
    """Takes what the lines receive: has it recorded, decodes it, and has it published soon."""

    def __init__(self, decoder: Decoder, clock: Clock, recorder: RawRecorder | None = None) -> None:
        self.decoder: Final = decoder
        self._recorder = recorder
        self._clock = clock
        self._due = asyncio.Event()
        self._armed_ns = _NEVER

    def take(
        self,
        received_ns: int,
        now_ns: int,
        frame: bytes,
        place: str,
        number: int,
        connection: Connection | None,
    ) -> bool:
        """Decode a frame; True if it was valid data."""
        if self._recorder is not None and connection is not None:
            self._recorder.frame(connection.name, received_ns, now_ns, frame)
        self._due.set()
        return self.decoder.take(received_ns, now_ns, frame, place, number, connection)

    def take_book(self, frame: bytes, place: str) -> None:
        """Decode the answer to a request for a book."""
        received_ns, now_ns = self._clock.wall_ns(), self._clock.monotonic_ns()
        if self._recorder is not None:
            self._recorder.book(received_ns, now_ns, frame)
        self.take(received_ns, now_ns, frame, place, 0, None)

    def drop(self, reason: str, detail: bytes | str, where: str) -> None:
        """Count something that never became a frame."""
        self.decoder.drop(reason, detail, where)
        self._due.set()

    def opened(self, name: str, address: str, streams: Iterable[str]) -> None:
        """A connection was made."""
        if self._recorder is not None:
            self._recorder.opened(name, address, streams)

    def closed(self, name: str, why: str) -> None:
        """It has ended."""
        if self._recorder is not None:
            self._recorder.closed(name, why)

    def granted(self, streams: list[Stream], now_ns: int) -> None:
        """The venue acknowledged these streams."""
        self.decoder.board.subscribed(streams, now_ns)
        self._due.set()

    def has_reached(self, message: Message) -> bool:
        """Whether everything before a numbered message is known already."""
        return self.decoder.has_reached(message)

    def connecting(self, name: str, streams: Iterable[Stream]) -> None:
        """A connection is made that nothing stands in for."""
        self.decoder.board.connecting(streams)

    def lost(self, name: str, streams: Iterable[Stream], why: str) -> None:
        """It has ended, and nothing stands in for it."""
        if self._recorder is not None:
            self._recorder.down(streams)
        self.decoder.down(streams, self._clock.wall_ns(), self._clock.monotonic_ns())
        self._due.set()

    def replaced(self, name: str, successor: str) -> None:
        """Another connection took over."""
        self._due.set()

    def state(self, stream: Stream) -> int | None:
        """The state of a stream."""
        return self.decoder.board.state(stream)

    async def publish(self) -> None:
        """Publish what frames gave, and do what time alone brings; until cancelled."""
        loop = asyncio.get_running_loop()
        decoder, clock = self.decoder, self._clock
        while True:
            await self._due.wait()
            self._due.clear()
            now_ns = clock.monotonic_ns()
            if now_ns >= decoder.due_ns:
                decoder.advance(clock.wall_ns(), now_ns)
            decoder.flush()
            if self._recorder is not None:
                self._recorder.report()
            if decoder.due_ns < self._armed_ns:
                self._armed_ns = decoder.due_ns
                loop.call_later(max(0.0, (decoder.due_ns - now_ns) / 1e9), self._look)

    def _look(self) -> None:
        self._armed_ns = _NEVER
        self._due.set()
