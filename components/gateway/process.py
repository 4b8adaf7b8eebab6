"""The gateway as a process: clients over TCP, one JSON object a line each way.

    {"op":"login","account":7}                          {"login":7,"after_event":1234}
    {"op":"place","symbol":"BTCUSDT","id":1,…}     ►    {"seq":5,"event":"accepted",…}
    {"op":"plaice"}                                     {"error":"line 3: op: found \"plaice\"; …"}

It publishes commands without ever waiting for room, and answers from the journal, never ahead of
the disk (output_gate.py).  It holds no state: clients of one that was restarted connect again.
It knows no passwords and listens on this machine alone; who lets others in stands in front of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Final

from components.configuration.model import COMMANDS, Gateway
from components.gateway.counters import GatewayCounters
from components.gateway.hub import Hub, Platform
from components.gateway.order_entry import OrderEntry
from components.gateway.output_gate import OutputGate
from components.monitor.catalogue import GATEWAY, specs_for
from components.monitor.platform_view import counters_name
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from components.run_settings import RunSettings
from disruptor.errors import ConfigurationError
from disruptor.memory.counters import CounterBlock
from disruptor.supervisor.child import ProcessContext

_LOOK_S: Final = 0.001
_IDLE_S: Final = 0.02
_LAST_ANSWERS_WITHIN_S: Final = 1.5

_log = logging.getLogger(__name__)


def run(context: ProcessContext) -> None:
    """Serve clients until told to stop and the last commands are answered."""
    settings: RunSettings = context.settings
    configuration = settings.configuration
    assert configuration.gateway is not None, "the configuration's checks see to it"
    block = CounterBlock.create(
        counters_name(context.platform, context.name), specs_for(GATEWAY, settings.instruments)
    )
    producer = context.producer(COMMANDS)
    try:
        with Journal.open_reader(Path(configuration.oracle.path), STREAM_DTYPES) as journal:
            platform = Platform(
                settings.instruments,
                OrderEntry(producer),
                OutputGate(journal, configuration.durability.sync),
                GatewayCounters(block),
            )
            hub = Hub(configuration.gateway, platform)
            asyncio.run(_serve(context, hub, configuration.gateway))
    finally:
        producer.close()
        block.unlink()


async def _serve(context: ProcessContext, hub: Hub, settings: Gateway) -> None:
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(hub.session, settings.host, settings.port)
    except OSError as error:
        raise ConfigurationError(
            f"port {settings.port} on {settings.host} for the gateway cannot be used "
            f"({error.strerror}); set gateway.port to a free one"
        ) from error
    port = server.sockets[0].getsockname()[1]
    _log.info("the gateway takes commands on %s port %d", settings.host, port)
    context.ready()
    while not context.should_stop():
        hub.deliver()
        context.beat()
        await asyncio.sleep(_LOOK_S if hub.has_listeners else _IDLE_S)
    server.close()
    await _answer_the_last(hub)


async def _answer_the_last(hub: Hub) -> None:
    """Take nothing more, and wait for the answers to what was taken."""
    hub.is_closing = True
    deadline = time.monotonic() + _LAST_ANSWERS_WITHIN_S
    last = hub.platform.entry.last_sequence
    while hub.has_listeners and hub.answered < last and time.monotonic() < deadline:
        hub.deliver()
        await asyncio.sleep(_LOOK_S)
    hub.close()
    while hub.has_listeners and time.monotonic() < deadline:
        await asyncio.sleep(_LOOK_S)
