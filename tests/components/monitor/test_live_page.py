"""The page over HTTP and its WebSocket: files, strangers, and clients that take their time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from components.monitor.exporter import application
from components.monitor.live_page import TICK_S
from components.monitor.page_state import PageState
from tests.components.monitor.conftest import Platform

WEIGHT_MAX = 300_000
SMALL = 4096
"""Bytes of a socket's buffers, so that a client that does not read is noticed soon."""


@asynccontextmanager
async def serving(platform: Platform) -> AsyncIterator[str]:
    view = platform.view()
    runner = web.AppRunner(
        application(view, page=PageState(view, platform.name)), access_log=None, shutdown_timeout=1
    )
    await runner.setup()
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    listening.bind(("127.0.0.1", 0))
    await web.SockSite(runner, listening).start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        await runner.cleanup()
        view.close()


async def told(client: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    async with asyncio.timeout(60):
        return dict(orjson.loads((await client.receive()).data))


def test_the_page_and_all_that_it_asks_for_weigh_little(busy: Platform) -> None:
    async def session() -> dict[str, tuple[int, str, bytes]]:
        answers = {}
        async with serving(busy) as host, aiohttp.ClientSession() as client:
            names = [each.name for each in (files("components.monitor") / "web").iterdir()]
            for path in ("/", *(f"/web/{name}" for name in names)):
                async with client.get(f"http://{host}{path}") as answer:
                    answers[path] = (answer.status, answer.content_type, await answer.read())
        return answers

    answers = asyncio.run(session())
    index = answers["/"]
    assert index[:2] == (200, "text/html")
    assert answers["/web/app.js"][:2] == (200, "text/javascript")
    assert answers["/web/uPlot.LICENSE"][0] == 404  # it is for who reads the code
    served = {path: body for path, (status, _, body) in answers.items() if status == 200}
    assert sum(map(len, served.values())) < WEIGHT_MAX
    assert b"http://" not in index[2]
    assert b"https://" not in index[2]


@pytest.mark.parametrize("path", ["/web/nothing.js", "/web/..%2Fexporter.py", "/web/__init__.py"])
def test_nothing_but_the_pages_files_is_served(busy: Platform, path: str) -> None:
    async def session() -> int:
        async with (
            serving(busy) as host,
            aiohttp.ClientSession() as client,
            client.get(f"http://{host}{path}") as answer,
        ):
            return answer.status

    assert asyncio.run(session()) == 404


@pytest.mark.parametrize(
    ("origin", "status"), [(None, 101), ("same", 101), ("http://elsewhere.example", 403)]
)
def test_another_sites_page_may_not_listen(busy: Platform, origin: str | None, status: int) -> None:
    async def session() -> int:
        async with serving(busy) as host, aiohttp.ClientSession() as client:
            sent = f"http://{host}" if origin == "same" else origin
            headers = {"Origin": sent} if sent else {}
            try:
                async with client.ws_connect(f"ws://{host}/live", headers=headers):
                    return 101
            except aiohttp.WSServerHandshakeError as refusal:
                return refusal.status

    assert asyncio.run(session()) == status


def test_who_connects_is_told_the_state_at_once_and_then_each_tick(busy: Platform) -> None:
    async def session() -> list[dict[str, Any]]:
        async with (
            serving(busy) as host,
            aiohttp.ClientSession() as client,
            client.ws_connect(f"ws://{host}/live") as page,
        ):
            return [await told(page) for _ in range(3)]

    greeting, first, second = asyncio.run(session())
    assert [each["name"] for each in greeting["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    assert first["prices"]["ETHUSDT"]["bid"] == 4_999.99
    assert first["points"]
    assert second["at"] > first["at"]
    assert first["every_ms"] == second["every_ms"] == round(TICK_S * 1000)


async def stubborn(host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has shaken hands and reads nothing."""
    name, port = host.split(":")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    raw.connect((name, int(port)))
    reader, writer = await asyncio.open_connection(sock=raw, limit=SMALL)
    writer.write(
        f"GET /live HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    await writer.drain()
    return reader, writer


def test_a_slow_client_is_served_less_often_and_holds_up_nobody(busy: Platform) -> None:
    busy.publish_accounts(list(range(100_000, 900_000, 1_000)))

    async def session() -> tuple[int, bytes]:
        async with serving(busy) as host, aiohttp.ClientSession() as client:
            reader, writer = await stubborn(host)
            async with client.ws_connect(f"ws://{host}/live") as page:
                moments = 0
                while moments < 8:
                    moments += (await told(page))["kind"] == "moment"
            seen = b""
            async with asyncio.timeout(60):
                while b'"every_ms":400' not in seen and b'"every_ms":800' not in seen:
                    seen = seen[-200_000:] + await reader.read(SMALL)
                    await asyncio.sleep(0.001)
            writer.close()
            return moments, seen

    moments, seen = asyncio.run(session())
    assert moments == 8
    assert seen
