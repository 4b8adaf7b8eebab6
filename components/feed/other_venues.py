"""Coinbase and Kraken: their addresses, what to ask them for, and who reads their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from components.feed.coinbase_messages import CoinbaseParser
from components.feed.kraken_messages import DEPTHS, KrakenParser
from components.feed.stream_board import Stream
from components.feed.venue_link import Link
from components.feed.venue_messages import VenueSymbol
from components.feed.venue_settings import VenueSettings

Parser = CoinbaseParser | KrakenParser


@dataclass(frozen=True)
class OtherVenue:
    """All that is particular to one venue, but for its frames."""

    base_url: str
    requests: Callable[[VenueSettings, list[str], int], list[dict[str, object]]]
    parser: Callable[[Sequence[VenueSymbol], int, bool], Parser]


def link_of(settings: VenueSettings, symbols: Sequence[VenueSymbol], depth: int) -> Link:
    """The connection that carries all streams of ``symbols``, books of at least ``depth``."""
    venue = OTHER_VENUES[settings.venue]
    names = [each.name for each in symbols]
    return Link(
        name=settings.venue,
        address=settings.base_url or venue.base_url,
        requests=tuple(map(orjson.dumps, venue.requests(settings, names, depth))),
        streams=tuple(Stream(kind, each.index) for kind in settings.streams for each in symbols),
    )


def parser_of(
    settings: VenueSettings, symbols: Sequence[VenueSymbol], depth: int, round_off_grid: bool
) -> Parser:
    """The parser of that connection."""
    return OTHER_VENUES[settings.venue].parser(symbols, depth, round_off_grid)


def _kraken_depth(depth: int) -> int:
    return next((each for each in DEPTHS if each >= depth), DEPTHS[-1])


def _coinbase_requests(
    settings: VenueSettings, names: list[str], depth: int
) -> list[dict[str, object]]:
    channels = {"trade": "matches", "depth": "level2_batch"}
    chosen = [channels[stream] for stream in settings.streams]
    return [{"type": "subscribe", "product_ids": names, "channels": chosen}]


def _kraken_requests(
    settings: VenueSettings, names: list[str], depth: int
) -> list[dict[str, object]]:
    wanted: dict[str, dict[str, object]] = {
        "trade": {"channel": "trade", "symbol": names, "snapshot": False},
        "depth": {"channel": "book", "symbol": names, "depth": _kraken_depth(depth)},
    }
    return [
        {"method": "subscribe", "params": wanted[stream], "req_id": number}
        for number, stream in enumerate(settings.streams, 1)
    ]


OTHER_VENUES: Final = {
    "coinbase": OtherVenue(
        "wss://ws-feed.exchange.coinbase.com",
        _coinbase_requests,
        lambda symbols, depth, rounds: CoinbaseParser(symbols, round_off_grid=rounds),
    ),
    "kraken": OtherVenue(
        "wss://ws.kraken.com/v2",
        _kraken_requests,
        lambda symbols, depth, rounds: KrakenParser(
            symbols, depth=_kraken_depth(depth), round_off_grid=rounds
        ),
    ),
}
