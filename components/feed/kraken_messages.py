"""Kraken's frames (WebSocket API v2) to typed messages: trades and books.

Pure but for the books, and total as every venue's parser: nothing raises, nothing passes through a
float.  What is particular to Kraken:

- decimals are JSON numbers, whose digits the checksum counts: they are read as texts;
- one frame may hold several trades;
- a book is proven by its checksum, so it is kept here and handed on whole, as a partial book, after
  each change; one that fails its proof is void until the next snapshot, and the connection that
  sent it is to be replaced;
- times are ISO 8601.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import InvalidOperation
from typing import Any, Final

from components.feed import malformed
from components.feed.iso_time import BAD, milliseconds
from components.feed.kraken_book import KrakenBook
from components.feed.symbol_grids import grids_by_name
from components.feed.venue_messages import (
    ID_MAX,
    Control,
    DepthSnapshot,
    Ignored,
    Message,
    Pairs,
    ServerShutdown,
    Trade,
    VenueSymbol,
)

DEPTHS: Final = (10, 25, 100, 500, 1000)
"""Depths of a book that can be subscribed."""

_UNKNOWN_KIND: Final = Ignored("unknown_kind")
_UNKNOWN_SYMBOL: Final = Ignored("unknown_symbol")
_HEARTBEAT: Final = Ignored("heartbeat")
_NO_BOOK: Final = Ignored("book_without_snapshot")
_REPLACE_ME: Final = ServerShutdown(0)


class KrakenParser:
    """Parses the frames of one connection; ``restart`` when another begins."""

    def __init__(
        self,
        symbols: Iterable[VenueSymbol],
        *,
        depth: int = DEPTHS[0],
        frame_bytes_max: int = 2**22,
        round_off_grid: bool = False,
    ) -> None:
        self.symbols: Final = tuple(symbols)
        self._grids = grids_by_name(self.symbols, round_off_grid=round_off_grid)
        self._by_index = {each.index: each for each in self._grids.values()}
        self._depth = depth
        self._frame_bytes_max = frame_bytes_max
        self._books: dict[str, KrakenBook] = {}
        self._number = 0
        self._channels: dict[str, Callable[[dict[str, Any], str], tuple[Message, ...]]] = {
            "trade": self._trade,
            "book": self._book,
        }

    def restart(self) -> None:
        """Another connection begins: no book is known."""
        self._books.clear()

    def parse(self, frame: bytes | str) -> tuple[Message, ...]:
        """All messages of one frame, at least one; never raises."""
        if len(frame) > self._frame_bytes_max:
            return (malformed.OVERSIZED,)
        try:
            document = json.loads(frame, parse_float=str)
        except (ValueError, RecursionError):
            return (malformed.NOT_JSON,)
        if type(document) is not dict:
            return (malformed.NOT_AN_OBJECT,)
        try:
            return self._messages(document)
        except KeyError:
            return (malformed.MISSING_FIELD,)
        except (TypeError, ValueError, InvalidOperation):
            return (malformed.WRONG_TYPE,)

    def levels(self, symbol: int, pairs: Pairs) -> list[tuple[int, int]] | None:
        """Levels as (ticks, lots), lots 0 where the level is gone; None if any is not valid."""
        return self._by_index[symbol].levels(pairs)

    def _messages(self, document: dict[str, Any]) -> tuple[Message, ...]:
        if "method" in document:
            return (_answer(document),)
        channel = document["channel"]
        if channel == "heartbeat":
            return (_HEARTBEAT,)
        parse = self._channels.get(channel)
        if parse is None:
            return (_UNKNOWN_KIND,)
        found: list[Message] = []
        for data in document["data"]:
            found.extend(parse(data, document["type"]))
        return tuple(found) or (_UNKNOWN_KIND,)

    def _trade(self, data: dict[str, Any], kind: str) -> tuple[Message, ...]:
        grids = self._grids.get(data["symbol"])
        if grids is None:
            return (_UNKNOWN_SYMBOL,)
        trade_id, ms = data["trade_id"], milliseconds(data["timestamp"])
        if type(trade_id) is not int or not 0 <= trade_id <= ID_MAX:
            return (malformed.BAD_ID,)
        if ms == BAD:
            return (malformed.BAD_TIME,)
        price = grids.price(_text(data["price"]))
        if price <= 0:
            return (malformed.BAD_NUMBER[price],)
        qty = grids.resting_qty(_text(data["qty"]))
        if qty < 0:
            return (malformed.BAD_NUMBER[qty],)
        buyer_is_maker = data["side"] == "sell"  # the taker's side
        return (Trade(grids.index, trade_id, price, qty, ms, ms, buyer_is_maker, True),)

    def _book(self, data: dict[str, Any], kind: str) -> tuple[Message, ...]:
        name = data["symbol"]
        grids = self._grids.get(name)
        if grids is None:
            return (_UNKNOWN_SYMBOL,)
        bids, asks, checksum = _pairs(data["bids"]), _pairs(data["asks"]), data["checksum"]
        book = self._books.get(name)
        if kind == "snapshot":
            book = self._books[name] = KrakenBook(self._depth)
            book.replace(bids, asks)
        elif book is None:
            return (_NO_BOOK,)
        else:
            book.change(bids, asks)
        if book.checksum() != checksum:
            del self._books[name]
            empty = self._partial(grids.index, [], [])
            return (malformed.BAD_CHECKSUM, empty, _REPLACE_ME)
        return (self._partial(grids.index, book.bids, book.asks),)

    def _partial(self, symbol: int, bids: Pairs, asks: Pairs) -> Message:
        self._number += 1
        return DepthSnapshot(symbol, self._number, bids, asks, True)


def _text(value: Any) -> str:
    """The digits of a JSON number, which is an integer where it has no point."""
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise TypeError
    return value


def _pairs(levels: Any) -> Pairs:
    return [[_text(level["price"]), _text(level["qty"])] for level in levels]


def _answer(document: dict[str, Any]) -> Message:
    request_id = document.get("req_id")
    if type(request_id) is not int:
        request_id = None
    if document.get("success", True) is True:
        return Control(request_id, "")
    return Control(request_id, str(document.get("error", "refused"))[:200])
