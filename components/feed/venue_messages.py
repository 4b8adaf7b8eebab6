"""What any venue's frames are parsed into: whole ticks and lots, ids and times, judged already.

Each venue's parser makes these and nothing else, so that what is behind it (sequence checks, books,
price commands) need not know whose frame it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

NO_ID: Final = -1
ID_MAX: Final = 2**62


@dataclass(frozen=True)
class VenueSymbol:
    """A symbol as the venue writes it, our index for it, and its grid."""

    name: str
    index: int
    tick_size: Decimal
    lot_size: Decimal


class Trade(NamedTuple):
    """One trade; price and qty are 0 where ``moves_price`` is False."""

    symbol: int
    trade_id: int
    price: int
    qty: int
    event_ms: int
    trade_ms: int
    buyer_is_maker: bool
    moves_price: bool


class AggTrade(NamedTuple):
    """Trades of one taker at one price, told as one."""

    symbol: int
    trade_id: int
    price: int
    qty: int
    event_ms: int
    trade_ms: int
    buyer_is_maker: bool


class BookTicker(NamedTuple):
    """Best bid and ask, bid < ask; ``event_ms`` is 0 on spot, which does not tell it.

    A quantity of 0 is less than a lot.
    """

    symbol: int
    update_id: int
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    event_ms: int


class MarkPrice(NamedTuple):
    """The venue's mark price, rounded to the nearest tick."""

    symbol: int
    price: int
    event_ms: int


Pairs = list[list[str]]
"""Levels as received, [price, quantity]; the parser's ``levels`` makes integers of them."""


class DepthUpdate(NamedTuple):
    """A change of the book; ``previous_id`` is NO_ID on spot."""

    symbol: int
    first_id: int
    last_id: int
    previous_id: int
    event_ms: int
    bids: Pairs
    asks: Pairs


class DepthSnapshot(NamedTuple):
    """The book as of ``last_id``: asked for, or the top of it from a stream of partial books."""

    symbol: int
    last_id: int
    bids: Pairs
    asks: Pairs
    is_partial: bool


class Control(NamedTuple):
    """The answer to a request; ``error`` is empty when it was granted."""

    request_id: int | str | None
    error: str


class ServerShutdown(NamedTuple):
    """The server will cut this connection soon."""

    event_ms: int


class Ignored(NamedTuple):
    """Understood as far as needed, and of no use here."""

    why: str


class Malformed(NamedTuple):
    """Not what it claims to be; dropped."""

    reason: str


Message = (
    Trade
    | AggTrade
    | BookTicker
    | MarkPrice
    | DepthUpdate
    | DepthSnapshot
    | Control
    | ServerShutdown
    | Ignored
    | Malformed
)
