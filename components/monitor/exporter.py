"""The monitor's HTTP side: ``/metrics`` for Prometheus, ``/healthz`` for supervisors, ``/``.

``/metrics`` answers in the Prometheus text format, or in OpenMetrics to who asks for it, as
Prometheus does.  A scrape is made in the event loop's own thread: it takes a few milliseconds,
and two at once would only wait for each other.
"""

from __future__ import annotations

import errno
import html
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from components.monitor.collector import MAX_USERS, platform_version, registry_of
from components.monitor.platform_view import PlatformView
from disruptor.errors import ConfigurationError

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 9000

VIEW: Final = web.AppKey("view", PlatformView)

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Trading platform</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }} td, th {{ padding: .2rem 1rem .2rem 0; text-align: left; }}
</style></head><body>
<h1>Trading platform</h1>
<p>Version {version}.</p>
<p><a href="/metrics">/metrics</a> for Prometheus · <a href="/healthz">/healthz</a></p>
<table><tr><th>Process</th><th>State</th><th>Restarts</th></tr>{rows}</table>
</body></html>
"""


@dataclass(frozen=True)
class ExporterSettings:
    """Where the exporter listens.  Port 0 takes any free one."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    max_users: int = MAX_USERS


def application(view: PlatformView, max_users: int = MAX_USERS) -> web.Application:
    """The routes, over one view."""
    app = web.Application()
    app[VIEW] = view
    app.router.add_get("/metrics", make_aiohttp_handler(registry_of(view, max_users)))
    app.router.add_get("/healthz", _health)
    app.router.add_get("/", _page)
    return app


async def serve(view: PlatformView, settings: ExporterSettings) -> web.AppRunner:
    """Listen; the caller cleans the runner up, which ends it.

    Raises ConfigurationError when the port cannot be had.
    """
    runner = web.AppRunner(application(view, settings.max_users), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigurationError(_why_not(settings, error)) from error
    return runner


def port_of(runner: web.AppRunner) -> int:
    """The port that a started exporter listens on."""
    return int(runner.addresses[0][1])


def _why_not(settings: ExporterSettings, error: OSError) -> str:
    remedy = "set PROMETHEUS_PORT or metrics.port to another one"
    if error.errno == errno.EADDRINUSE:
        return f"port {settings.port} for metrics is in use by another program; {remedy}"
    if error.errno == errno.EACCES:
        return f"port {settings.port} for metrics needs a privilege; {remedy}, above 1023"
    return (
        f"metrics cannot be served on {settings.host} port {settings.port}: {error.strerror}; "
        "set metrics.host to an address of this machine, e.g. 127.0.0.1"
    )


async def _health(request: web.Request) -> web.Response:
    view = request.app[VIEW]
    if not view.counters():
        return web.Response(status=503, text="no platform is running\n")
    down = [f"{each.name} is {each.state}" for each in view.processes() if not each.is_up]
    if down:
        return web.Response(status=503, text=f"{', '.join(down)}\n")
    return web.Response(text="ok\n")


async def _page(request: web.Request) -> web.Response:
    rows = "".join(
        f"<tr><td>{html.escape(each.name)}</td><td>{html.escape(each.state)}</td>"
        f"<td>{each.restarts}</td></tr>"
        for each in request.app[VIEW].processes()
    )
    page = _PAGE.format(version=html.escape(platform_version()), rows=rows)
    return web.Response(text=page, content_type="text/html")
