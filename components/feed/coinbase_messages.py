"""Coinbase Exchange's frames to typed messages: matches and level2.

Pure, and total as every venue's parser: nothing raises, nothing passes through a float.  What is
particular to Coinbase:

- ``side`` of a match is the maker's; ``last_match``, the newest trade, comes once after subscribing;
- level2 sends one snapshot and then changes, in order and without a gap on one connection, so it
  numbers nothing: the numbers that the sequence rules ask for are counted here;
- times are ISO 8601.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from components.feed import malformed
from components.feed.iso_time import BAD, milliseconds
from components.feed.symbol_grids import grids_by_name
from components.feed.venue_messages import (
    ID_MAX,
    NO_ID,
    Control,
    DepthSnapshot,
    DepthUpdate,
    Ignored,
    Message,
    Pairs,
    Trade,
    VenueSymbol,
)

_UNKNOWN_KIND: Final = Ignored("unknown_kind")
_UNKNOWN_SYMBOL: Final = Ignored("unknown_symbol")
_HEARTBEAT: Final = Ignored("heartbeat")


class CoinbaseParser:
    """Parses the frames of one connection."""

    def __init__(
        self,
        symbols: Iterable[VenueSymbol],
        *,
        frame_bytes_max: int = 2**22,
        round_off_grid: bool = False,
    ) -> None:
        self.symbols: Final = tuple(symbols)
        self._grids = grids_by_name(self.symbols, round_off_grid=round_off_grid)
        self._by_index = {each.index: each for each in self._grids.values()}
        self._frame_bytes_max = frame_bytes_max
        self._numbers: Counter[int] = Counter()
        self._kinds: dict[str, Callable[[dict[str, Any]], Message]] = {
            "match": self._match,
            "last_match": self._match,
            "snapshot": self._snapshot,
            "l2update": self._update,
            "subscriptions": lambda data: Control(None, ""),
            "error": _error,
            "heartbeat": lambda data: _HEARTBEAT,
        }

    def restart(self) -> None:
        """Another connection begins."""

    def parse(self, frame: bytes | str) -> tuple[Message, ...]:
        """The message of one frame; never raises."""
        if len(frame) > self._frame_bytes_max:
            return (malformed.OVERSIZED,)
        try:
            data = orjson.loads(frame)
        except orjson.JSONDecodeError:
            return (malformed.NOT_JSON,)
        if type(data) is not dict:
            return (malformed.NOT_AN_OBJECT,)
        try:
            parse = self._kinds.get(data["type"])
            return (_UNKNOWN_KIND if parse is None else parse(data),)
        except KeyError:
            return (malformed.MISSING_FIELD,)
        except (TypeError, ValueError):
            return (malformed.WRONG_TYPE,)

    def levels(self, symbol: int, pairs: Pairs) -> list[tuple[int, int]] | None:
        """Levels as (ticks, lots), lots 0 where the level is gone; None if any is not valid."""
        return self._by_index[symbol].levels(pairs)

    def _match(self, data: dict[str, Any]) -> Message:
        grids = self._grids.get(data["product_id"])
        if grids is None:
            return _UNKNOWN_SYMBOL
        trade_id, ms = data["trade_id"], milliseconds(data["time"])
        if type(trade_id) is not int or not 0 <= trade_id <= ID_MAX:
            return malformed.BAD_ID
        if ms == BAD:
            return malformed.BAD_TIME
        price = grids.price(data["price"])
        if price <= 0:
            return malformed.BAD_NUMBER[price]
        qty = grids.resting_qty(data["size"])
        if qty < 0:
            return malformed.BAD_NUMBER[qty]
        return Trade(grids.index, trade_id, price, qty, ms, ms, data["side"] == "buy", True)

    def _snapshot(self, data: dict[str, Any]) -> Message:
        grids = self._grids.get(data["product_id"])
        if grids is None:
            return _UNKNOWN_SYMBOL
        bids, asks = data["bids"], data["asks"]
        if type(bids) is not list or type(asks) is not list:
            return malformed.WRONG_TYPE
        return DepthSnapshot(grids.index, self._numbers[grids.index], bids, asks, False)

    def _update(self, data: dict[str, Any]) -> Message:
        grids = self._grids.get(data["product_id"])
        if grids is None:
            return _UNKNOWN_SYMBOL
        ms = milliseconds(data["time"])
        if ms == BAD:
            return malformed.BAD_TIME
        sides: dict[str, Pairs] = {"buy": [], "sell": []}
        for side, price, size in data["changes"]:
            sides[side].append([price, size])
        self._numbers[grids.index] += 1
        number = self._numbers[grids.index]
        return DepthUpdate(grids.index, number, number, NO_ID, ms, sides["buy"], sides["sell"])


def _error(data: dict[str, Any]) -> Message:
    reason = f"{data.get('message', '')} {data.get('reason', '')}".strip()
    return Control(None, reason[:200] or "error")
