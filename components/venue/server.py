"""The exchange's side of the sockets: subscriptions, pings, limits, rotation, whole books.

What it demands of a client it checks as Binance does: more frames a second than allowed, or a ping
that is not answered with its own payload in time, ends the connection.  Whoever plays a market calls
``publish``; whoever tests turns what ``Conduct`` has, while clients are connected.

    GET /ws, /stream, /public/stream, /market/stream     a WebSocket; ?streams=a/b subscribes at once
    GET /api/v3/depth, /fapi/v1/depth?symbol=…           the whole book: of ``books``, or the default
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from components.venue import wire
from components.venue.faults import Faults, FaultSettings

MARKET_ROUTE_KINDS: Final = ("aggTrade", "markPrice", "markPrice@1s")
_DEPTH_PATHS: Final = ("/api/v3/depth", "/fapi/v1/depth")


@dataclass
class Conduct:
    """How the venue behaves; may be changed at any time."""

    faults: FaultSettings = field(default_factory=FaultSettings)
    acknowledges: bool = True  # False: requests are taken and never answered
    is_frozen: bool = False  # open, answering, and no data
    refuses: bool = False  # every request is answered with an error
    reads: bool = True  # False: it does not read what clients send
    life_s: float = 0.0  # a connection is cut at this age; 0: never
    notice_s: float = 0.0  # so long before, it is told; 0: never
    ping_every_s: float = 0.0  # 0: never
    pong_within_s: float = 10.0
    frames_per_s_max: int = 0  # what a client may send; 0: anything
    fragment_bytes: int = 0  # data comes in fragments of so many, a ping after each; 0: whole
    byte_pause_s: float | None = None  # data comes byte by byte, so long apart; None: at once
    clock_offset_ms: int = 0  # added to its own time by whoever plays a market
    jump_ppm: int = 0  # prices move by this at the next step, once


class Client:
    """One connection, as the venue sees it."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, faults: Faults) -> None:
        self.socket: Final = socket
        self.path: Final = request.path
        self.streams: set[str] = set()
        self.requests: list[dict[str, Any]] = []
        self.sent: list[bytes] = []
        self.faults: Final = faults
        self.pings: dict[bytes, float] = {}
        self.turn: Final = asyncio.Lock()
        self._request = request
        self._received: deque[float] = deque()

    def cut(self) -> None:
        """End it without a closing handshake."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def write(self, wire: bytes, byte_pause_s: float | None) -> None:
        """Bytes as they are, all at once or one at a time; who writes has the ``turn``."""
        transport = self._request.transport
        for piece in [wire] if byte_pause_s is None else (bytes((byte,)) for byte in wire):
            if transport is None or transport.is_closing():
                raise ConnectionResetError
            transport.write(piece)
            await asyncio.sleep(byte_pause_s or 0)

    def expect_pong(self) -> bytes:
        """The payload of a ping that is sent now."""
        payload = os.urandom(8)
        self.pings[payload] = time.monotonic()
        return payload

    def sends_too_much(self, limit: int) -> bool:
        """Count a frame from the client; whether that was one too many in a second."""
        now = time.monotonic()
        self._received.append(now)
        while self._received[0] <= now - 1.0:
            self._received.popleft()
        return 0 < limit < len(self._received)

    def wants(self, stream: str, *, is_futures: bool) -> bool:
        """Whether a stream's data goes to it: it asked, and on the route that carries it."""
        if stream not in self.streams:
            return False
        if not is_futures:
            return True
        is_market = stream.partition("@")[2] in MARKET_ROUTE_KINDS
        return self.path.startswith("/market" if is_market else "/public")


class VenueServer:
    """An aiohttp server; use it as an async context manager."""

    def __init__(
        self,
        conduct: Conduct | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        is_futures: bool = False,
        keeps_sent: bool = False,
    ) -> None:
        self.conduct: Final = conduct or Conduct()
        self.clients: list[Client] = []
        self.connected = 0
        self.violations: list[str] = []
        self.books: dict[str, Callable[[], dict[str, Any]]] = {}
        self.default_book: dict[str, Any] | None = None
        self._host = host
        self._port = port
        self._is_futures = is_futures
        self._keeps_sent = keeps_sent

    async def __aenter__(self) -> VenueServer:
        application = web.Application()
        for path in _DEPTH_PATHS:
            application.router.add_get(path, self._depth)
        application.router.add_get("/{route:.*}", self._serve)
        self._runner = web.AppRunner(application, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in tuple(self.clients):
            client.cut()
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """What to configure as ``feed.binance.base_url``."""
        return f"ws://{self._host}:{self._port}"

    async def publish(self, stream: str, data: bytes) -> None:
        """Send one message, JSON, to everyone who wants the stream."""
        frame = b'{"stream":"%s","data":%s}' % (stream.encode(), data)
        if self.conduct.is_frozen:
            return
        for client in tuple(self.clients):
            if client.wants(stream, is_futures=self._is_futures):
                for each in client.faults.frames(frame):
                    await self._send_data(client, each)

    async def send(self, client: Client, frame: bytes) -> None:
        """Send a frame as it is to one client."""
        with contextlib.suppress(ConnectionError):
            async with client.turn:
                await client.socket.send_frame(frame, WSMsgType.TEXT)
            if self._keeps_sent:
                client.sent.append(frame)

    async def _send_data(self, client: Client, frame: bytes) -> None:
        """Send a frame in the way that ``conduct`` says."""
        conduct = self.conduct
        if not conduct.fragment_bytes and conduct.byte_pause_s is None:
            await self.send(client, frame)
            return
        with contextlib.suppress(ConnectionError):
            async with client.turn:
                for each in wire.fragments(frame, conduct.fragment_bytes):
                    await client.write(each, conduct.byte_pause_s)
                    if conduct.fragment_bytes:
                        await client.write(wire.ping(client.expect_pong()), None)
            if self._keeps_sent:
                client.sent.append(frame)

    async def announce_shutdown(self) -> None:
        """Tell everyone that the connection will be cut soon."""
        frame = orjson.dumps(
            {
                "stream": "!serverShutdown",
                "data": {"e": "serverShutdown", "E": time.time_ns() // 1_000_000},
            }
        )
        for client in tuple(self.clients):
            await self.send(client, frame)

    def cut_all(self) -> None:
        """End every connection without a closing handshake."""
        for client in tuple(self.clients):
            client.cut()

    async def _depth(self, request: web.Request) -> web.Response:
        book = self.books.get(request.query.get("symbol", ""), lambda: self.default_book)()
        if book is None:
            return web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)
        return web.Response(body=orjson.dumps(book), content_type="application/json")

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=1.0, autoping=False, max_msg_size=65_536)
        await socket.prepare(request)
        client = Client(socket, request, Faults(self.conduct.faults))
        wanted = request.query.get("streams", "")
        client.streams.update(each for each in wanted.split("/") if each)
        self.clients.append(client)
        self.connected += 1
        ageing = asyncio.create_task(self._age(client))
        pinging = asyncio.create_task(self._ping(client))
        try:
            await self._listen(client)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            ageing.cancel()
            pinging.cancel()
            self.clients.remove(client)
        return socket

    async def _listen(self, client: Client) -> None:
        while True:
            while not self.conduct.reads:
                await asyncio.sleep(0.01)
            message = await client.socket.receive()
            if message.type in (
                WSMsgType.CLOSE,
                WSMsgType.CLOSING,
                WSMsgType.CLOSED,
                WSMsgType.ERROR,
            ):
                return
            if client.sends_too_much(self.conduct.frames_per_s_max):
                self.violations.append("too many frames a second")
                await client.socket.close(code=WSCloseCode.POLICY_VIOLATION)
                return
            if message.type is WSMsgType.PING:
                async with client.turn:
                    await client.socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                client.pings.pop(bytes(message.data), None)
            elif message.type is WSMsgType.TEXT:
                await self._answer(client, message.data)

    async def _answer(self, client: Client, text: str) -> None:
        try:
            request = orjson.loads(text)
            method, names, number = request["method"], request.get("params", []), request["id"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            await self.send(client, orjson.dumps({"code": 2, "msg": "Invalid request"}))
            return
        client.requests.append(request)
        if not self.conduct.acknowledges:
            return
        if self.conduct.refuses:
            refusal = {"error": {"code": 2, "msg": "Invalid request"}, "id": number}
            await self.send(client, orjson.dumps(refusal))
            return
        result = None
        if method == "SUBSCRIBE":
            client.streams.update(names)
        elif method == "UNSUBSCRIBE":
            client.streams.difference_update(names)
        elif method == "LIST_SUBSCRIPTIONS":
            result = sorted(client.streams)
        await self.send(client, orjson.dumps({"result": result, "id": number}))

    async def _age(self, client: Client) -> None:
        """Cut a connection at the end of its life, with a notice if that is the custom."""
        if not self.conduct.life_s:
            return
        await asyncio.sleep(self.conduct.life_s - self.conduct.notice_s)
        if self.conduct.notice_s:
            await self.send(
                client, b'{"e":"serverShutdown","E":%d}' % (time.time_ns() // 1_000_000)
            )
            await asyncio.sleep(self.conduct.notice_s)
        client.cut()

    async def _ping(self, client: Client) -> None:
        """Ping now and then; cut who does not answer with the same payload."""
        while self.conduct.ping_every_s:
            await asyncio.sleep(self.conduct.ping_every_s)
            now = time.monotonic()
            if any(sent + self.conduct.pong_within_s < now for sent in client.pings.values()):
                self.violations.append("a ping was not answered")
                client.cut()
                return
            with contextlib.suppress(ConnectionError):
                async with client.turn:
                    await client.socket.ping(client.expect_pong())
