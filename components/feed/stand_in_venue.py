"""A stand-in for the venue: a local server that speaks Binance's shapes and misbehaves on demand.

Each connection plays the next script of a list (the last one again and again): a sequence of
steps, sent without pause unless a step waits.  Tests use it through real sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import WSCloseCode, web


class Step:
    """One thing that a connection does."""


@dataclass(frozen=True)
class Send(Step):
    """Send these frames as text, in order."""

    frames: tuple[bytes, ...]


@dataclass(frozen=True)
class Cut(Step):
    """End the connection without a closing handshake."""


@dataclass(frozen=True)
class Close(Step):
    """Close the connection properly, as before a planned rotation."""


@dataclass(frozen=True)
class Silence(Step):
    """Stay open, answer pings, send nothing, until the client goes."""


Script = Sequence[Step]


@dataclass
class StandInVenue:
    """An aiohttp server on 127.0.0.1 at a free port; use it as an async context manager."""

    scripts: Sequence[Script]
    requests: list[str] = field(default_factory=list)  # path and query of each connection

    async def __aenter__(self) -> StandInVenue:
        application = web.Application()
        application.router.add_get("/{route:.*}", self._serve)
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner = web.AppRunner(application, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in tuple(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """What to configure as ``binance.base_url``."""
        return f"ws://127.0.0.1:{self._port}"

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        script = self.scripts[min(len(self.requests), len(self.scripts) - 1)]
        self.requests.append(request.path_qs)
        socket = web.WebSocketResponse(timeout=1.0)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            for step in script:
                await self._play(step, socket, request)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._sockets.discard(socket)
        return socket

    async def _play(self, step: Step, socket: web.WebSocketResponse, request: web.Request) -> None:
        if isinstance(step, Send):
            for frame in step.frames:
                await socket.send_frame(frame, web.WSMsgType.TEXT)
        elif isinstance(step, Cut):
            if request.transport is not None:
                request.transport.abort()
        elif isinstance(step, Close):
            await socket.close()
        else:
            async for _ in socket:
                pass
