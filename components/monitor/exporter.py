"""The monitor's HTTP side: ``/metrics`` for Prometheus, ``/healthz`` for supervisors, the page.

``/metrics`` answers in the Prometheus text format, or in OpenMetrics to who asks for it, as
Prometheus does.  A scrape is made in the event loop's own thread: it takes a few milliseconds,
and two at once would only wait for each other.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from components.monitor.collector import MAX_USERS, registry_of
from components.monitor.live_page import LivePage
from components.monitor.page_state import PageState
from components.monitor.platform_view import PlatformView
from disruptor.errors import ConfigurationError

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 9000

VIEW: Final = web.AppKey("view", PlatformView)


@dataclass(frozen=True)
class ExporterSettings:
    """Where the exporter listens.  Port 0 takes any free one."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    max_users: int = MAX_USERS


def application(
    view: PlatformView, max_users: int = MAX_USERS, page: PageState | None = None
) -> web.Application:
    """The routes, over one view; ``page`` is what the web page shows, none without it."""
    app = web.Application()
    app[VIEW] = view
    app.router.add_get("/metrics", make_aiohttp_handler(registry_of(view, max_users)))
    app.router.add_get("/healthz", _health)
    if page is not None:
        LivePage(page).add_to(app)
    return app


async def serve(
    view: PlatformView, settings: ExporterSettings, page: PageState | None = None
) -> web.AppRunner:
    """Listen; the caller cleans the runner up, which ends it.

    Raises ConfigurationError when the port cannot be had.
    """
    app = application(view, settings.max_users, page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
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
