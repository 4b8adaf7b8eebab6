"""The monitor as a process: serves what shared memory shows, and touches nothing."""

from __future__ import annotations

import asyncio

from components.monitor.exporter import ExporterSettings, serve
from components.monitor.platform_view import SharedMemoryView
from components.run_settings import RunSettings
from disruptor.supervisor.child import ProcessContext

_LOOK_S = 0.1


def run(context: ProcessContext) -> None:
    """Answer scrapes until told to stop."""
    settings: RunSettings = context.settings
    asyncio.run(_serve(context, settings))


async def _serve(context: ProcessContext, settings: RunSettings) -> None:
    metrics = settings.configuration.metrics
    view = SharedMemoryView(context.platform)
    runner = await serve(view, ExporterSettings(metrics.host, metrics.port))
    try:
        context.ready()
        while not context.should_stop():
            context.beat()
            await asyncio.sleep(_LOOK_S)
    finally:
        await runner.cleanup()
        view.close()
