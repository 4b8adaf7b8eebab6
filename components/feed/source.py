"""One interface for the three sources of prices, so that a process need not know which it runs."""

from __future__ import annotations

import asyncio

from components.feed.batch import CommandBatch
from components.feed.clock import Clock, SystemClock
from components.feed.ingress import Ingress
from components.feed.live import run_live
from components.feed.metrics import FeedMetrics
from components.feed.order_flows import build_flow
from components.feed.publisher import Publish, Publisher
from components.feed.recorded import Recorded
from components.feed.recorded_venues import RecordedVenues
from components.feed.settings import FeedSettings
from components.feed.simulation import Simulation
from components.feed.venues import build_sources
from components.instruments import Instrument, InstrumentTable
from components.oracle.raw.writer import RawWriter
from disruptor.errors import ConfigurationError


async def run_feed(
    settings: FeedSettings,
    instruments: InstrumentTable,
    publish: Publish,
    stop: asyncio.Event,
    metrics: FeedMetrics,
    *,
    clock: Clock | None = None,
    raw: RawWriter | None = None,
) -> None:
    """Feed commands to ``publish`` until ``stop`` is set, or a recording that does not loop ends.

    All work happens in the calling event loop; between due items it sleeps.  What is published
    is an array of dtype COMMAND, shape (1…batch_max,), valid, stamped, and not used again here.
    A live feed writes each frame to ``raw``, if there is one, before it parses it.
    Raises ConfigurationError, before anything is published, when a setting does not fit.
    """
    clock = clock or SystemClock()
    traded = traded_instruments(settings, instruments)
    flow = build_flow(settings.order_flow, instruments, traded, settings.seed)
    ingress = Ingress(len(instruments), metrics)
    publisher = Publisher(publish, ingress, metrics, settings.batch_max)
    if settings.mode == "simulation":
        await Simulation(settings, traded, flow, publisher, metrics, clock).run(stop)
        return
    batch = CommandBatch(publisher, settings.batch_max)
    if settings.mode == "recorded":
        venues = RecordedVenues(settings, instruments, batch, flow, metrics)
        await Recorded(settings, flow, venues, batch, clock).run(stop)
    else:
        sources = build_sources(settings, instruments, batch, flow, metrics, clock, raw)
        await run_live(sources, flow, batch, clock, stop)


def traded_instruments(
    settings: FeedSettings, instruments: InstrumentTable
) -> tuple[Instrument, ...]:
    """The instruments that ``settings.symbols`` names; ConfigurationError if one is unknown."""
    for symbol in settings.symbols:
        if symbol not in instruments:
            known = ", ".join(instruments) or "none"
            raise ConfigurationError(
                f"feed.symbols: {symbol!r} is not an instrument; configured are {known}"
            )
    return tuple(instruments[symbol] for symbol in settings.symbols)
