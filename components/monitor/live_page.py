"""The web page and its one WebSocket: ``/``, ``/web/…`` and ``/live``.

The page is files of this package and asks for nothing else.  Every client has a task of its own
that sends it the newest moment when its socket is empty; a client that takes long is served less
often, and what it did not get is in the next moment.  So a slow client costs its own task alone:
moments are gathered once for everybody, from shared memory, and no ring knows of any of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from components.monitor.page_state import PageState

TICK_S: Final = 0.2
SLOWEST_S: Final = 3.2
CLIENTS_MAX: Final = 64
GIVE_UP_S: Final = 60.0
"""A client that took nothing for so long is sent away."""

_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class LivePage:
    """The page's routes over one ``PageState``; for one event loop."""

    def __init__(self, state: PageState) -> None:
        self._state = state
        self._clients = 0
        self._tick = 0
        self._ticked = asyncio.Condition()
        self._encoded: dict[tuple[int, int], str] = {}

    def add_to(self, app: web.Application) -> None:
        """Add the routes, and the task that gathers while the application runs."""
        app.router.add_get("/", self._index)
        app.router.add_get("/web/{name}", self._file)
        app.router.add_get("/live", self._live)
        app.cleanup_ctx.append(self._gathering)

    async def _gathering(self, app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._gather())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _gather(self) -> None:
        while True:
            self._look()
            async with self._ticked:
                self._tick += 1
                self._ticked.notify_all()
            await asyncio.sleep(TICK_S)

    def _look(self) -> None:
        self._state.gather(watched=self._clients > 0)
        self._encoded.clear()

    async def _index(self, request: web.Request) -> web.Response:
        return _answer("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return _answer(request.match_info["name"])

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """One client, until it leaves."""
        if not _is_of_this_page(request):
            raise web.HTTPForbidden(text="only the monitor's own page may read this\n")
        if self._clients >= CLIENTS_MAX:
            raise web.HTTPServiceUnavailable(
                text=f"{CLIENTS_MAX} pages are open already; close one and load this one again\n"
            )
        socket = web.WebSocketResponse(heartbeat=20, max_msg_size=1024, compress=False)
        await socket.prepare(request)
        self._clients += 1
        sending = asyncio.create_task(self._serve(socket, request))
        try:
            async for _ in socket:  # nothing that a page says matters; its close ends this
                pass
        finally:
            self._clients -= 1
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await sending
        return socket

    async def _serve(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        if self._clients == 1:
            self._look()
        greeting = {"kind": "greeting", **self._state.greeting()}
        await socket.send_str(orjson.dumps(greeting).decode())
        sent, after, pause = -1, 0, TICK_S
        while not socket.closed:
            async with self._ticked:
                tick = sent
                await self._ticked.wait_for(lambda seen=tick: self._tick > seen)  # type: ignore[misc]
            sent, number = self._tick, self._state.number
            text = self._text(after, round(pause * 1000))
            after = number
            await socket.send_str(text)
            pause = await self._emptied(request, socket, pause)

    async def _emptied(
        self, request: web.Request, socket: web.WebSocketResponse, pause: float
    ) -> float:
        """Wait until the client has taken what it was sent; how long the next wait shall be."""
        transport = request.transport
        waited = 0.0
        while transport is not None and transport.get_write_buffer_size() > 0:
            await asyncio.sleep(TICK_S / 4)
            waited += TICK_S / 4
            if waited > GIVE_UP_S:
                await socket.close()
                return pause
        pause = min(SLOWEST_S, pause * 2) if waited > TICK_S else max(TICK_S, pause / 2)
        if pause > TICK_S:
            await asyncio.sleep(pause - TICK_S)
        return pause

    def _text(self, after: int, every_ms: int) -> str:
        """The moment as JSON, made once for all clients that had the same before."""
        key = (after, every_ms)
        if key not in self._encoded:
            moment: dict[str, Any] = {"kind": "moment", "every_ms": every_ms}
            moment |= self._state.moment(after)
            self._encoded[key] = orjson.dumps(moment).decode()
        return self._encoded[key]


def _is_of_this_page(request: web.Request) -> bool:
    """Whether the request came from this host's page, or from no page at all."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def _answer(name: str) -> web.Response:
    """A file of the package, by its bare name."""
    folder = files("components.monitor") / "web"
    known = {each.name: each for each in folder.iterdir()}
    suffix = name[name.rfind(".") :]
    if name not in known or suffix not in _TYPES:
        raise web.HTTPNotFound(text=f"there is no {name} here; the page is at /\n")
    return web.Response(
        body=known[name].read_bytes(),
        content_type=_TYPES[suffix],
        charset="utf-8",
        headers=_HEADERS,
    )
