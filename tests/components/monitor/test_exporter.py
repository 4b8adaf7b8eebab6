"""The exporter over HTTP: formats, health, and a port that is taken."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from components.monitor.exporter import ExporterSettings, port_of, serve
from disruptor.errors import ConfigurationError
from disruptor.supervisor.control_block import BACKOFF
from tests.components.monitor.conftest import Platform

Asked = tuple[int, str, str]


def ask(platform: Platform, *requests: tuple[str, dict[str, str]]) -> list[Asked]:
    """(status, content type, body) of each (path, headers), from one running exporter."""

    async def session(url: str) -> list[Asked]:
        async with aiohttp.ClientSession() as client:
            answers = []
            for path, headers in requests:
                async with client.get(url + path, headers=headers) as answer:
                    kind = answer.headers["Content-Type"]
                    answers.append((answer.status, kind, await answer.text()))
            return answers

    return asyncio.run(while_serving(platform, session))


async def while_serving(
    platform: Platform, work: Callable[[str], Awaitable[list[Asked]]]
) -> list[Asked]:
    view = platform.view()
    runner = await serve(view, ExporterSettings(port=0))
    try:
        return await work(f"http://127.0.0.1:{port_of(runner)}")
    finally:
        await runner.cleanup()
        view.close()


def test_curl_gets_text_and_prometheus_gets_openmetrics(busy: Platform) -> None:
    text, openmetrics = ask(
        busy,
        ("/metrics", {}),
        ("/metrics", {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}),
    )

    assert text[:2] == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'titan_executions_total{symbol="BTCUSDT"} 2.0\n' in text[2]
    assert openmetrics[0] == 200
    assert openmetrics[1].startswith("application/openmetrics-text")
    assert openmetrics[2].endswith("# EOF\n")


def test_a_scrape_sees_what_was_counted_since_the_last(busy: Platform) -> None:
    async def session(url: str) -> list[Asked]:
        async with aiohttp.ClientSession() as client:
            bodies = []
            for _ in range(2):
                async with client.get(f"{url}/metrics") as answer:
                    bodies.append((answer.status, "", await answer.text()))
                busy.count("titan", "titan_executions", 5, symbol="BTCUSDT")
            return bodies

    first, second = asyncio.run(while_serving(busy, session))

    assert 'titan_executions_total{symbol="BTCUSDT"} 2.0\n' in first[2]
    assert 'titan_executions_total{symbol="BTCUSDT"} 7.0\n' in second[2]


def test_health_names_what_is_not_running(busy: Platform) -> None:
    assert ask(busy, ("/healthz", {}))[0][::2] == (200, "ok\n")

    busy.control.lines[1].state = BACKOFF
    assert ask(busy, ("/healthz", {}))[0][::2] == (503, "oracle is backoff\n")


def test_a_used_port_is_one_sentence_that_names_it_and_the_remedy(busy: Platform) -> None:
    async def attempt(port: int) -> None:
        view = busy.view()
        try:
            await serve(view, ExporterSettings(port=port))
        finally:
            view.close()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigurationError,
            match=rf"port {port} for metrics is in use .* PROMETHEUS_PORT or metrics\.port",
        ):
            asyncio.run(attempt(port))


def test_an_address_of_another_machine_is_explained(busy: Platform) -> None:
    async def attempt() -> None:
        await serve(busy.view(), ExporterSettings(host="192.0.2.1", port=0))

    with pytest.raises(ConfigurationError, match=r"set metrics\.host"):
        asyncio.run(attempt())


LINT_ALLOWED = {
    "price_feed_latency_ms": "metric names should not contain abbreviated units",
    "sentinel_accounts_total": 'non-counter metrics should not have "_total" suffix',
}
"""Names that the platform promises although promtool's linter would choose others."""


def test_promtool_finds_nothing_but_what_is_promised(busy: Platform) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; Debian's package is called prometheus")
    body = ask(busy, ("/metrics", {}))[0][2]
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=body, capture_output=True, text=True, timeout=30
    )

    complaints = {tuple(line.split(" ", 1)) for line in checked.stderr.splitlines()}
    assert complaints == set(LINT_ALLOWED.items())
    assert re.search("titan_spread", body)
