"""Binance's frames to typed messages: spot, USDⓈ-M and COIN-M, enveloped or raw.

Pure and total: any bytes give a tuple of messages, and what cannot be used is a message too,
``Malformed`` with a reason, or ``Ignored``.  Nothing raises, nothing passes through a float, and
prices and quantities come out as positive whole ticks and lots.  Unknown keys are skipped, as
Binance adds some without notice; the order of keys is free.

What is particular to Binance:
- a spot bookTicker has no ``e``, ``E`` or ``T``; it is known by its keys;
- futures trades carry ``X``; those other than MARKET (insurance fund, ADL) may have no price, and
  never move one, yet they have a place in the sequence of ids;
- futures depth says ``pu``, spot depth does not; a partial book of futures is a ``depthUpdate``
  too, told apart by its stream's name;
- quantities in the book may be finer than today's lot (orders older than the lot), so they are
  rounded down, where a trade's must be whole lots;
- a mark price is computed, not traded, so it is rounded to the nearest tick where others that are
  off the grid are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from components.feed import malformed
from components.feed.symbol_grids import grids_by_name
from components.feed.venue_messages import (
    ID_MAX,
    NO_ID,
    AggTrade,
    BookTicker,
    Control,
    DepthSnapshot,
    DepthUpdate,
    Ignored,
    Malformed,
    MarkPrice,
    Message,
    Pairs,
    ServerShutdown,
    Trade,
    VenueSymbol,
)
from components.units import TIMESTAMP_MAX

TIME_MS_MAX: Final = TIMESTAMP_MAX // 1_000_000
_PARTIAL: Final = re.compile(r"@depth[0-9]")


_CROSSED: Final = Malformed("crossed_book")
_UNKNOWN_KIND: Final = Ignored("unknown_kind")
_UNKNOWN_SYMBOL: Final = Ignored("unknown_symbol")


def _is_id(value: object) -> bool:
    return type(value) is int and -1 <= value <= ID_MAX


def _is_time(value: object) -> bool:
    return type(value) is int and 0 < value <= TIME_MS_MAX


_new: Any = tuple.__new__
"""Makes a named tuple of a tuple, in half the time of its constructor."""


class Parser:
    """Parses the frames of a set of symbols; others are ``Ignored("unknown_symbol")``."""

    def __init__(
        self,
        symbols: Iterable[VenueSymbol],
        *,
        frame_bytes_max: int = 2**20,
        round_off_grid: bool = False,
    ) -> None:
        self.symbols: Final = tuple(symbols)
        self._grids = grids_by_name(self.symbols, round_off_grid=round_off_grid)
        self._by_index = {each.index: each for each in self._grids.values()}
        self.frame_bytes_max: Final = frame_bytes_max
        self._kinds: dict[str, Callable[[dict[str, Any], str], Message]] = {
            "trade": self._trade,
            "aggTrade": self._agg_trade,
            "bookTicker": self._book_ticker,
            "markPriceUpdate": self._mark_price,
            "depthUpdate": self._depth,
            "serverShutdown": self._server_shutdown,
        }

    def restart(self) -> None:
        """Nothing: its frames stand by themselves."""

    def parse(self, frame: bytes | str) -> tuple[Message, ...]:
        """All messages of one frame, at least one; never raises."""
        if len(frame) > self.frame_bytes_max:
            return (malformed.OVERSIZED,)
        try:
            document = orjson.loads(frame)
        except orjson.JSONDecodeError:
            return (malformed.NOT_JSON,)
        stream: Any = ""
        if type(document) is dict and "data" in document:
            stream, document = document.get("stream"), document["data"]
            if type(stream) is not str:
                return (malformed.WRONG_TYPE,)
        if type(document) is list and document:
            return tuple(self._message(each, stream) for each in document)
        return (self._message(document, stream),)

    def levels(self, symbol: int, pairs: Pairs) -> list[tuple[int, int]] | None:
        """Levels as (ticks, lots), lots 0 where the level is gone; None if any is not valid."""
        return self._by_index[symbol].levels(pairs)

    def _message(self, data: Any, stream: str) -> Message:
        if type(data) is not dict:
            return malformed.NOT_AN_OBJECT
        try:
            kind = data.get("e")
            if kind is None:
                return self._without_kind(data, stream)
            parse = self._kinds.get(kind)
            return _UNKNOWN_KIND if parse is None else parse(data, stream)
        except KeyError:
            return malformed.MISSING_FIELD
        except TypeError:
            return malformed.WRONG_TYPE

    def _without_kind(self, data: dict[str, Any], stream: str) -> Message:
        if "u" in data and "B" in data:
            return self._book_ticker(data, stream)
        if "lastUpdateId" in data:
            return self._snapshot(data, stream)
        if "result" in data or "error" in data or "code" in data:
            return _control(data)
        return _UNKNOWN_KIND

    def _trade(self, data: dict[str, Any], stream: str) -> Message:
        grids = self._grids.get(data["s"])
        if grids is None:
            return _UNKNOWN_SYMBOL
        trade_id, event_ms, trade_ms = data["t"], data["E"], data["T"]
        if type(trade_id) is not int or not -1 <= trade_id <= ID_MAX:
            return malformed.BAD_ID
        if type(event_ms) is not int or not 0 < event_ms <= TIME_MS_MAX:
            return malformed.BAD_TIME
        if type(trade_ms) is not int or not 0 < trade_ms <= TIME_MS_MAX:
            return malformed.BAD_TIME
        maker = data["m"] is True
        if data.get("X", "MARKET") != "MARKET":
            return Trade(grids.index, trade_id, 0, 0, event_ms, trade_ms, maker, False)
        price = grids.price(data["p"])
        if price <= 0:
            return malformed.BAD_NUMBER[price]
        qty = grids.qty(data["q"])
        if qty <= 0:
            return malformed.BAD_NUMBER[qty]
        return _new(Trade, (grids.index, trade_id, price, qty, event_ms, trade_ms, maker, True))

    def _agg_trade(self, data: dict[str, Any], stream: str) -> Message:
        grids = self._grids.get(data["s"])
        if grids is None:
            return _UNKNOWN_SYMBOL
        trade_id, event_ms, trade_ms = data["a"], data["E"], data["T"]
        if type(trade_id) is not int or not -1 <= trade_id <= ID_MAX:
            return malformed.BAD_ID
        if type(event_ms) is not int or not 0 < event_ms <= TIME_MS_MAX:
            return malformed.BAD_TIME
        if type(trade_ms) is not int or not 0 < trade_ms <= TIME_MS_MAX:
            return malformed.BAD_TIME
        price = grids.price(data["p"])
        if price <= 0:
            return malformed.BAD_NUMBER[price]
        qty = grids.qty(data["q"])
        if qty <= 0:
            return malformed.BAD_NUMBER[qty]
        maker = data["m"] is True
        return _new(AggTrade, (grids.index, trade_id, price, qty, event_ms, trade_ms, maker))

    def _book_ticker(self, data: dict[str, Any], stream: str) -> Message:
        grids = self._grids.get(data["s"])
        if grids is None:
            return _UNKNOWN_SYMBOL
        update_id, event_ms = data["u"], data.get("E", 0)
        if type(update_id) is not int or not -1 <= update_id <= ID_MAX:
            return malformed.BAD_ID
        if event_ms != 0 and not _is_time(event_ms):
            return malformed.BAD_TIME
        bid, ask = grids.price(data["b"]), grids.price(data["a"])
        bid_qty, ask_qty = grids.resting_qty(data["B"]), grids.resting_qty(data["A"])
        if bid <= 0 or ask <= 0 or bid_qty < 0 or ask_qty < 0:
            return malformed.BAD_NUMBER[min(bid, ask, bid_qty, ask_qty)]
        if bid >= ask:
            return _CROSSED
        return _new(BookTicker, (grids.index, update_id, bid, bid_qty, ask, ask_qty, event_ms))

    def _mark_price(self, data: dict[str, Any], stream: str) -> Message:
        grids = self._grids.get(data["s"])
        if grids is None:
            return _UNKNOWN_SYMBOL
        event_ms = data["E"]
        if not _is_time(event_ms):
            return malformed.BAD_TIME
        price = grids.mark(data["p"])
        if price <= 0:
            return malformed.BAD_NUMBER[price]
        return MarkPrice(grids.index, price, event_ms)

    def _depth(self, data: dict[str, Any], stream: str) -> Message:
        grids = self._grids.get(data["s"])
        if grids is None:
            return _UNKNOWN_SYMBOL
        first_id, last_id, previous_id = data["U"], data["u"], data.get("pu", NO_ID)
        event_ms, bids, asks = data["E"], data["b"], data["a"]
        if not (_is_id(first_id) and _is_id(last_id) and _is_id(previous_id)):
            return malformed.BAD_ID
        if first_id > last_id:
            return malformed.BAD_ID
        if not _is_time(event_ms):
            return malformed.BAD_TIME
        if type(bids) is not list or type(asks) is not list:
            return malformed.WRONG_TYPE
        if _PARTIAL.search(stream):
            return DepthSnapshot(grids.index, last_id, bids, asks, True)
        return DepthUpdate(grids.index, first_id, last_id, previous_id, event_ms, bids, asks)

    def _snapshot(self, data: dict[str, Any], stream: str) -> Message:
        name = data.get("symbol") or stream.partition("@")[0].upper()
        grids = self._grids.get(name)
        if grids is None and not name and len(self._grids) == 1:
            (grids,) = self._grids.values()
        if grids is None:
            return _UNKNOWN_SYMBOL
        last_id, bids, asks = data["lastUpdateId"], data["bids"], data["asks"]
        if not _is_id(last_id):
            return malformed.BAD_ID
        if type(bids) is not list or type(asks) is not list:
            return malformed.WRONG_TYPE
        is_partial = _PARTIAL.search(stream) is not None
        return DepthSnapshot(grids.index, last_id, bids, asks, is_partial)

    def _server_shutdown(self, data: dict[str, Any], stream: str) -> Message:
        event_ms = data.get("E", 0)
        return ServerShutdown(event_ms if _is_time(event_ms) else 0)


def _control(data: dict[str, Any]) -> Control:
    request_id = data.get("id")
    if type(request_id) not in (int, str):
        request_id = None
    problem = data.get("error", data if "code" in data else None)
    return Control(request_id, "" if problem is None else str(problem)[:200])
