"""The venues of a live feed, each with its own parser, decoder and connections.

A price says which venue it is from (its ``side``: the venue's place in ``feed.venues``), so that
whoever reckons a mark of several can tell them apart, and one that lies, or falls silent, from the
others.  The order flow follows the first venue, whose book it may mirror.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from components.feed import other_venues
from components.feed.backoff import Backoff
from components.feed.batch import CommandBatch, VenueBatch
from components.feed.binance_messages import Parser
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


class Venue(NamedTuple):
    """One venue of a feed, as far as its frames are concerned."""

    settings: FeedSettings
    parser: FrameParser
    decoder: Decoder


def _decoder_of(
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


def build_venues(
    settings: FeedSettings,
    instruments: InstrumentTable,
    batch: CommandBatch,
    flow: OrderFlow,
    metrics: FeedMetrics,
    levels: int,
) -> list[Venue]:
    """Parser and decoder of each of ``feed.venues``, with books of ``levels``; or of Binance alone."""
    if settings.mode != "venues":
        parser = build_parser(settings, instruments)
        return [Venue(settings, parser, _decoder_of(settings, parser, batch, flow, metrics))]
    venues: list[Venue] = []
    for place, venue in enumerate(settings.venues):
        own = _settings_of(settings, venue)
        own_metrics = metrics if place == 0 else cast(FeedMetrics, OneOfSeveral(metrics))
        own_flow = flow if place == 0 else NoOrderFlow()
        own_parser = _parser_of(venue, own, instruments, levels)
        own_batch = VenueBatch(batch, place)
        decoder = _decoder_of(own, own_parser, own_batch, own_flow, own_metrics)
        venues.append(Venue(own, own_parser, decoder))
    return venues


def build_sources(
    settings: FeedSettings,
    instruments: InstrumentTable,
    batch: CommandBatch,
    flow: OrderFlow,
    metrics: FeedMetrics,
    clock: Clock,
    raw: RawWriter | None,
) -> Sequence[LiveSource]:
    """All venues of a live feed, each recorded in ``raw``: Binance alone, or ``feed.venues``."""
    levels = settings.order_flow.levels
    sources: list[LiveSource] = []
    for place, venue in enumerate(
        build_venues(settings, instruments, batch, flow, metrics, levels)
    ):
        recorder = None
        if raw is not None:
            names = {each.index: each.name for each in venue.parser.symbols}
            recorder = RawRecorder(raw, place, names, metrics, clock)
            if place == 0:
                recorder.started(session_text(settings, instruments))
        sink = LiveSink(venue.decoder, clock, recorder)
        if isinstance(venue.parser, Parser):
            traded = [instruments[name] for name in venue.settings.symbols]
            own = venue.settings
            sources.append(BinanceSource(own, traded, venue.parser, sink, metrics, clock))
        else:
            told = settings.venues[place]
            link = other_venues.link_of(told, venue.parser.symbols, levels)
            generator = random.Random(settings.seed)
            backoff = Backoff(told.backoff_base_s, told.backoff_cap_s, generator)
            keeper = VenueLink(link, told, venue.parser, sink, metrics, clock, backoff)
            sources.append(LinkSource(keeper, sink))
    return sources


def _parser_of(
    venue: VenueSettings, settings: FeedSettings, instruments: InstrumentTable, levels: int
) -> FrameParser:
    if venue.venue == "binance":
        return build_parser(settings, instruments)
    chosen = [instruments[name] for name in venue.symbols]
    symbols = [
        VenueSymbol(venue.symbols[each.name], each.index, each.tick_size, each.lot_size)
        for each in chosen
    ]
    return other_venues.parser_of(venue, symbols, levels, settings.off_grid == "round")


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
