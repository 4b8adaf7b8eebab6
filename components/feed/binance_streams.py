"""Binance's addresses: which streams go over which connection.

Spot has one route; USDⓈ-M futures split theirs: books and trades under ``/public``, aggregates and
mark prices under ``/market``.  A subscription on the wrong route is acknowledged and then silent,
so the route is derived here and never configured.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from components.feed.settings import FeedSettings

BASE_URLS: Final = {
    "spot": "wss://stream.binance.com:9443",
    "usdm": "wss://fstream.binance.com",
}
STREAMS_PER_CONNECTION_MAX: Final = {"spot": 1024, "usdm": 200}
_SUFFIXES: Final = {
    "trade": "@trade",
    "agg_trade": "@aggTrade",
    "mark_price": "@markPrice@1s",
    "book_ticker": "@bookTicker",
    "depth": "@depth@100ms",
}
_MARKET_ROUTE: Final = frozenset(("agg_trade", "mark_price"))


def stream_addresses(settings: FeedSettings) -> list[str]:
    """The address of each connection to hold, all symbols' streams dealt out among them."""
    binance = settings.binance
    base = (binance.base_url or BASE_URLS[binance.market]).rstrip("/")
    routes: dict[str, list[str]] = {}
    for stream in binance.streams:
        route = ""
        if binance.market == "usdm":
            route = "/market" if stream in _MARKET_ROUTE else "/public"
        names = routes.setdefault(route, [])
        names.extend(
            settings.venue_symbol(symbol).lower() + _SUFFIXES[stream] for symbol in settings.symbols
        )
    most = STREAMS_PER_CONNECTION_MAX[binance.market]
    return [
        f"{base}{route}/stream?streams={'/'.join(chunk)}"
        for route, names in routes.items()
        for chunk in _chunks(names, most)
    ]


def _chunks(names: list[str], size: int) -> Iterator[list[str]]:
    remaining = iter(names)
    while chunk := list(islice(remaining, size)):
        yield chunk
