"""The monitor as a process: serves metrics and the page from shared memory, and touches nothing.

Where the pipeline needs every CPU, the monitor gets a tenth of what one of its processes gets: pages
are then served less often, as to slow clients, and commands go on as if nobody looked.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from components.monitor.exporter import ExporterSettings, serve
from components.monitor.page_state import PageState
from components.monitor.platform_view import SharedMemoryView
from components.oracle.store import watermark
from components.run_settings import RunSettings
from disruptor.supervisor.child import ProcessContext

_LOOK_S = 0.1
_LOW_PRIORITY = 10


def run(context: ProcessContext) -> None:
    """Answer scrapes until told to stop."""
    lowered = max(_LOW_PRIORITY, os.getpriority(os.PRIO_PROCESS, 0))
    os.setpriority(os.PRIO_PROCESS, 0, lowered)
    settings: RunSettings = context.settings
    asyncio.run(_serve(context, settings))


async def _serve(context: ProcessContext, settings: RunSettings) -> None:
    metrics = settings.configuration.metrics
    view = SharedMemoryView(context.platform)
    journal = Path(settings.configuration.oracle.path)
    page = PageState(view, context.platform, lambda: journal_head(journal))
    runner = await serve(view, ExporterSettings(metrics.host, metrics.port), page)
    try:
        context.ready()
        while not context.should_stop():
            context.beat()
            await asyncio.sleep(_LOOK_S)
    finally:
        await runner.cleanup()
        view.close()


def journal_head(path: Path) -> dict[str, Any] | None:
    """How far each of the journal's streams is, and the digest that stands for it; None without."""
    mark = watermark.read(path)
    if mark is None:
        return None
    return {
        "path": str(path),
        "streams": {
            name: {
                "sequence": each.sequence,
                "durable": each.durable_sequence,
                "digest": each.digest.hex(),
            }
            for name, each in sorted(mark.streams.items())
        },
    }
