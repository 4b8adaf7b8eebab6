"""One WebSocket to a venue, from connecting to its end; line.py decides what comes after it.

It asks for its streams, answers pings (a pong carries the ping's payload and counts among the frames
that we may send), and hands each frame with its two times to the sink as soon as it is there.  One that
is to replace another begins ``holding``: it looks into its frames only to see that data flows and
where it begins, and keeps them until the line lets them go.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple, Protocol

import aiohttp

from components.feed.binance_messages import Parser
from components.feed.binance_streams import Line
from components.feed.clock import Clock
from components.feed.control_budget import ControlBudget
from components.feed.decoder import Connection, is_data
from components.feed.settings import BinanceSettings
from components.feed.stream_board import Stream
from components.feed.subscription import Subscription
from components.feed.venue_messages import Control, Message, ServerShutdown

CLOSE_TIMEOUT_S: Final = 1.0
CONNECT_TIMEOUT_S: Final = 10.0
HELD_MAX: Final = 200_000
"""Frames; a successor that has held so many takes over, whatever the other still owes."""

Socket = aiohttp.ClientWebSocketResponse[Literal[False]]


class HeldFrame(NamedTuple):
    """A frame that was received and not yet handed on."""

    received_ns: int
    now_ns: int
    frame: bytes
    number: int


class FrameSink(Protocol):
    """Where frames go, and what a connection tells besides."""

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

    def drop(self, reason: str, detail: bytes | str, where: str) -> None:
        """Count something that never became a frame."""

    def opened(self, name: str, address: str, streams: Iterable[str]) -> None:
        """A connection was made; ``streams`` are those that it will ask for."""

    def closed(self, name: str, why: str) -> None:
        """It has ended."""

    def granted(self, streams: list[Stream], now_ns: int) -> None:
        """The venue acknowledged these streams."""

    def has_reached(self, message: Message) -> bool:
        """Whether everything before a numbered message is known already."""


class VenueConnection:
    """One connection; ``wake`` is called whenever the line should look at it."""

    def __init__(
        self,
        name: str,
        line: Line,
        settings: BinanceSettings,
        sink: FrameSink,
        parser: Parser,
        clock: Clock,
        budget: ControlBudget,
        wake: Callable[[], None],
        *,
        holding: bool,
    ) -> None:
        self._name = name
        self._line = line
        self._settings = settings
        self._sink = sink
        self._parse = parser.parse
        self._clock = clock
        self._budget = budget
        self._wake = wake
        self._held: list[HeldFrame] | None = [] if holding else None
        self._begins: list[Message] = []
        self._began: set[tuple[type, int]] = set()
        self._socket: Socket | None = None
        answer_ns = round(settings.acknowledge_within_s * 1e9)
        self.subscription: Final = Subscription(line.streams, answer_ns)
        self.opened_ns = 0
        self.granted_ns = 0
        self.data_ns = 0
        self.has_data = False
        self.is_announced_to_end = False
        self.ended = ""
        self.task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._frame_count = 0
        self._is_retired = False

    @property
    def name(self) -> str:
        """What it is called in logs and recordings."""
        return self._name

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Connect and receive to the end; ``ended`` says why, when it is over."""
        why = ""
        try:
            why = await self._serve(session)
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            why = f"{type(problem).__name__}: {problem}"
        finally:
            self.ended = self.ended or why or "given up"
            self._sink.closed(self._name, self.ended)
            self._wake()

    def close(self, why: str) -> None:
        """Take nothing more from it, for a reason of our own; ``closed`` follows."""
        self.ended = self.ended or why
        self._is_retired = True

    async def closed(self) -> None:
        """Say goodbye to the venue, or give up connecting to it."""
        if self._socket is not None:
            await self._socket.close()
        elif self.task is not None:
            self.task.cancel()

    def is_ready(self, now_ns: int) -> bool:
        """Whether it can take over: data flows, and begins where what is known ends, or before."""
        if self._held is None or not self.has_data or not self.subscription.is_granted:
            return False
        if (now_ns - self.granted_ns) / 1e9 < self._settings.overlap_s:
            return False
        self._begins = [each for each in self._begins if not self._sink.has_reached(each)]
        return not self._begins or len(self._held) >= HELD_MAX

    def release(self) -> None:
        """Hand on what was held, and everything from now on at once."""
        held, self._held = self._held or [], None
        for received_ns, now_ns, frame, number in held:
            self._sink.take(received_ns, now_ns, frame, self._line.address, number, self)

    def answered(self, control: Control) -> None:
        """The venue answered one of our requests."""
        granted = self.subscription.answered(control)
        now_ns = self._clock.monotonic_ns()
        if granted and self._held is None:
            self._sink.granted(granted, now_ns)
        if self.subscription.is_granted:
            self.granted_ns = now_ns
        self._wake()

    def shutdown_announced(self) -> None:
        """The venue will end it soon."""
        self.is_announced_to_end = True
        self._wake()

    async def _serve(self, session: aiohttp.ClientSession) -> str:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            socket = await session.ws_connect(
                self._line.address,
                max_msg_size=self._settings.message_bytes_max,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                autoping=False,
                decode_text=False,
            )
        self._socket = socket
        self._sink.opened(self._name, self._line.address, self._line.streams)
        self.opened_ns = self.data_ns = self._clock.monotonic_ns()
        asking = asyncio.create_task(self._ask(socket))
        try:
            await self._receive(socket)
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            await socket.close()
        if self._failure is not None:
            raise self._failure
        if socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            self._sink.drop("oversized", "", f"{self._line.address}:{self._frame_count + 1}")
            return "a message was too large"
        return f"closed by the venue (code {socket.close_code})"

    async def _ask(self, socket: Socket) -> None:
        """Send the requests, no faster than the venue allows; a failure ends the connection."""
        try:
            while self.subscription.has_more:
                wait_s = self._budget.wait_s(self._clock.monotonic_ns())
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                    continue
                now_ns = self._clock.monotonic_ns()
                self._budget.spend(now_ns)
                request = self.subscription.next_request(now_ns)
                await socket.send_frame(request, aiohttp.WSMsgType.TEXT)
        except Exception as failure:
            self._failure = failure
            await socket.close()

    async def _receive(self, socket: Socket) -> None:
        while not self._is_retired:
            message = await socket.receive()
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                if not self._is_retired:
                    self._take(message.data)
            elif message.type is aiohttp.WSMsgType.PING:
                self._budget.spend(self._clock.monotonic_ns())
                await socket.pong(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                return

    def _take(self, frame: bytes) -> None:
        self._frame_count += 1
        received_ns, now_ns = self._clock.wall_ns(), self._clock.monotonic_ns()
        if self._held is not None:
            self._hold(self._held, HeldFrame(received_ns, now_ns, frame, self._frame_count))
        elif self._sink.take(
            received_ns, now_ns, frame, self._line.address, self._frame_count, self
        ):
            self._note_data(now_ns)

    def _hold(self, held: list[HeldFrame], frame: HeldFrame) -> None:
        for message in self._parse(frame.frame):
            if isinstance(message, Control):
                self.answered(message)
                return
            if isinstance(message, ServerShutdown):
                self.shutdown_announced()
                return
            if not is_data(message):
                continue
            self._note_data(frame.now_ns)
            key = (type(message), message.symbol)
            if key not in self._began:
                self._began.add(key)
                self._begins.append(message)
        held.append(frame)

    def _note_data(self, now_ns: int) -> None:
        self.data_ns = now_ns
        if not self.has_data:
            self.has_data = True
            self._wake()
