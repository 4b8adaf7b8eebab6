"""The venues of a live feed, each with its own parser, decoder and connections.

A price says which venue it is from (its ``side``: the venue's place in ``feed.venues``), so that
whoever reckons a mark of several can tell them apart, and one that lies, or falls silent, from the
others.  The order flow follows the first venue, whose book it may mirror.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from components.feed import other_venues
from components.feed.backoff import Backoff
from components.feed.batch import CommandBatch, VenueBatch
from components.feed.binance_source import BinanceSource
from components.feed.clock import Clock
from components.feed.decoder import Decoder, build_parser
from components.feed.frame_parser import FrameParser
from components.feed.link_source import LinkSource
from components.feed.live import LiveSource
from components.feed.live_sink import LiveSink
from components.feed.metrics import FeedMetrics
from components.feed.mirror_books import MirrorBooks
from components.feed.mirror_flow import MirrorFlow
from components.feed.order_flow import NoOrderFlow, OrderFlow
from components.feed.raw_recorder import RawRecorder
from components.feed.raw_session import session_text
from components.feed.settings import FeedSettings
from components.feed.venue_link import VenueLink
from components.feed.venue_messages import VenueSymbol
from components.feed.venue_settings import VenueSettings
from components.instruments import InstrumentTable
from components.oracle.raw.writer import RawWriter


class OneOfSeveral:
    """The metrics of a venue that is not the first: what there is only one of is the first's."""

    def __init__(self, metrics: FeedMetrics) -> None:
        self._metrics = metrics

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metrics, name)

    def stream_state(self, kind: str, symbol_index: int, state: int) -> None:
        """Nothing."""

    def clock_offset_ns(self, offset_ns: int) -> None:
        """Nothing."""


def build_decoder(
    settings: FeedSettings,
    parser: FrameParser,
    batch: CommandBatch | VenueBatch,
    flow: OrderFlow,
    metrics: FeedMetrics,
) -> Decoder:
    """A decoder whose books are mirrored, if the flow is a mirror."""
    books = None
    if isinstance(flow, MirrorFlow):
        books = MirrorBooks(flow, parser, batch, lambda: decoder.received_ns)
    decoder = Decoder(settings, parser, batch, flow, metrics, books)
    return decoder


def build_sources(
    settings: FeedSettings,
    instruments: InstrumentTable,
    batch: CommandBatch,
    flow: OrderFlow,
    metrics: FeedMetrics,
    clock: Clock,
    raw: RawWriter | None,
) -> Sequence[LiveSource]:
    """All venues of a live feed: Binance alone, recorded in ``raw``, or those of ``feed.venues``."""
    if settings.mode == "binance":
        recorder = None
        if raw is not None:
            names = {
                instruments[name].index: settings.venue_symbol(name) for name in settings.symbols
            }
            session = session_text(settings, instruments)
            recorder = RawRecorder(raw, session, names, metrics, clock)
        return [_binance(settings, instruments, batch, flow, metrics, clock, recorder)]
    sources: list[LiveSource] = []
    for place, venue in enumerate(settings.venues):
        own = _settings_of(settings, venue)
        own_metrics = metrics if place == 0 else cast(FeedMetrics, OneOfSeveral(metrics))
        own_flow = flow if place == 0 else NoOrderFlow()
        own_batch = VenueBatch(batch, place)
        if venue.venue == "binance":
            sources.append(_binance(own, instruments, own_batch, own_flow, own_metrics, clock))
        else:
            sources.append(_other(venue, own, instruments, own_batch, own_flow, own_metrics, clock))
    return sources


def _settings_of(settings: FeedSettings, venue: VenueSettings) -> FeedSettings:
    """The settings with this venue's symbols, streams and deadlines in place of Binance's own."""
    base_url = settings.binance.base_url
    binance = replace(
        settings.binance,
        base_url=venue.base_url or (base_url if venue.venue == "binance" else ""),
        streams=venue.streams,
        stale_after_s=venue.stale_after_s,
        healthy_after_s=venue.healthy_after_s,
        backoff_base_s=venue.backoff_base_s,
        backoff_cap_s=venue.backoff_cap_s,
    )
    return replace(
        settings,
        symbols=tuple(venue.symbols),
        venue_symbols=venue.symbols,
        price_from="trade",
        binance=binance,
    )


def _binance(
    settings: FeedSettings,
    instruments: InstrumentTable,
    batch: CommandBatch | VenueBatch,
    flow: OrderFlow,
    metrics: FeedMetrics,
    clock: Clock,
    recorder: RawRecorder | None = None,
) -> LiveSource:
    parser = build_parser(settings, instruments)
    sink = LiveSink(build_decoder(settings, parser, batch, flow, metrics), clock, recorder)
    traded = [instruments[name] for name in settings.symbols]
    return BinanceSource(settings, traded, parser, sink, metrics, clock)


def _other(
    venue: VenueSettings,
    settings: FeedSettings,
    instruments: InstrumentTable,
    batch: VenueBatch,
    flow: OrderFlow,
    metrics: FeedMetrics,
    clock: Clock,
) -> LiveSource:
    chosen = [instruments[name] for name in venue.symbols]
    symbols = [
        VenueSymbol(venue.symbols[each.name], each.index, each.tick_size, each.lot_size)
        for each in chosen
    ]
    depth = settings.order_flow.levels
    parser = other_venues.parser_of(venue, symbols, depth, settings.off_grid == "round")
    sink = LiveSink(build_decoder(settings, parser, batch, flow, metrics), clock)
    backoff = Backoff(venue.backoff_base_s, venue.backoff_cap_s, random.Random(settings.seed))
    link = other_venues.link_of(venue, symbols, depth)
    return LinkSource(VenueLink(link, venue, parser, sink, metrics, clock, backoff), sink)
