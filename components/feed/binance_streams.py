"""Binance's addresses: which streams go over which connection.

Spot has one route; USDⓈ-M futures split theirs: books and trades under ``/public``, aggregates and
mark prices under ``/market``.  A subscription on the wrong route is acknowledged and then silent,
so the route is derived here and never configured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from components.feed.settings import BinanceSettings, FeedSettings
from components.feed.stream_board import Stream
from components.instruments import Instrument


@dataclass(frozen=True)
class Venue:
    """What one of Binance's markets demands."""

    base_url: str
    rest_url: str
    depth_path: str
    streams_max: int  # a connection
    control_per_s: int  # frames that we send: requests, pings, pongs


VENUES: Final = {
    "spot": Venue(
        "wss://stream.binance.com:9443", "https://api.binance.com", "/api/v3/depth", 1024, 5
    ),
    "usdm": Venue(
        "wss://fstream.binance.com", "https://fapi.binance.com", "/fapi/v1/depth", 200, 10
    ),
}
SNAPSHOT_LEVELS: Final = 1000
_SUFFIXES: Final = {
    "trade": "@trade",
    "agg_trade": "@aggTrade",
    "mark_price": "@markPrice@1s",
    "book_ticker": "@bookTicker",
    "depth": "@depth@100ms",
    "partial_depth": "@depth20@100ms",
}
_MARKET_ROUTE: Final = frozenset(("agg_trade", "mark_price"))


@dataclass(frozen=True)
class Line:
    """One connection to hold: where, and which streams, by the venue's names."""

    address: str
    streams: Mapping[str, Stream]


def lines(settings: FeedSettings, traded: Sequence[Instrument]) -> list[Line]:
    """The connections to hold, all symbols' streams dealt out among them."""
    binance = settings.binance
    base = (binance.base_url or VENUES[binance.market].base_url).rstrip("/")
    routes: dict[str, list[tuple[str, Stream]]] = {}
    for kind in binance.streams:
        route = ""
        if binance.market == "usdm":
            route = "/market" if kind in _MARKET_ROUTE else "/public"
        routes.setdefault(route, []).extend(
            (
                settings.venue_symbol(each.name).lower() + _SUFFIXES[kind],
                Stream(kind, each.index),
            )
            for each in traded
        )
    most = VENUES[binance.market].streams_max
    return [
        Line(f"{base}{route}/stream", dict(chunk))
        for route, streams in routes.items()
        for chunk in _chunks(streams, most)
    ]


def snapshot_address(binance: BinanceSettings, venue_symbol: str) -> str:
    """Where the whole book of a symbol is asked for."""
    venue = VENUES[binance.market]
    base = binance.rest_url
    if not base:
        base = binance.base_url.replace("ws", "http", 1) if binance.base_url else venue.rest_url
    query = f"symbol={venue_symbol}&limit={SNAPSHOT_LEVELS}"
    return f"{base.rstrip('/')}{venue.depth_path}?{query}"


def _chunks(streams: list[tuple[str, Stream]], size: int) -> Iterator[list[tuple[str, Stream]]]:
    remaining = iter(streams)
    while chunk := list(islice(remaining, size)):
        yield chunk
