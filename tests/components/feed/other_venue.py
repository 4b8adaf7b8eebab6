"""A stand-in for Coinbase or Kraken: a WebSocket server on loopback that says what a test tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web


class OtherVenue:
    """Keeps what clients ask; answers nothing by itself."""

    def __init__(self) -> None:
        self.requests: list[list[dict[str, Any]]] = []
        self._sockets: list[web.WebSocketResponse] = []
        self._transports: list[asyncio.BaseTransport] = []

    async def __aenter__(self) -> OtherVenue:
        application = web.Application()
        application.router.add_get("/feed", self._serve)
        self._runner = web.AppRunner(application, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"ws://127.0.0.1:{self._runner.addresses[0][1]}/feed"

    async def asked(self, connections: int = 1, requests: int = 1) -> list[dict[str, Any]]:
        """Wait until so many connections were made, and the newest asked so much."""
        await until(
            lambda: len(self.requests) >= connections and len(self.requests[-1]) >= requests
        )
        return self.requests[-1]

    async def send(self, *frames: bytes) -> None:
        """To the newest connection."""
        for frame in frames:
            await self._sockets[-1].send_str(frame.decode())

    def cut(self) -> None:
        """End every connection without a goodbye."""
        for transport in self._transports:
            transport.abort()  # type: ignore[attr-defined]
        self._transports.clear()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=1.0)
        await socket.prepare(request)
        assert request.transport is not None
        self._transports.append(request.transport)
        self._sockets.append(socket)
        self.requests.append([])
        mine = self.requests[-1]
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                mine.append(json.loads(message.data))
        return socket


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.002)
