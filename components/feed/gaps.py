"""What each stream's numbers must do, and what it means when they do not.

    stream       next must be               seen before         missing
    trade        t = last t + 1             t <= last t         t > last t + 1
    aggTrade     a = last a + 1             a <= last a         a > last a + 1
    spot depth   U = last u + 1             u <= last u         U > last u + 1
    futures      pu = last u                u <= last u         pu != last u
    bookTicker   u > last u                 u <= last u         never known
    markPrice    E > last E                 E <= last E         never known

State survives a reconnect, so that what was lost meanwhile is counted and what two overlapping
connections both deliver is dropped.  A venue that starts its numbers anew would look like repeats
for ever; after ``RENUMBERED_AFTER`` of them in a row the new numbers are taken as a gap.
"""

from __future__ import annotations

from typing import Final

from components.feed.venue_messages import (
    NO_ID,
    AggTrade,
    BookTicker,
    DepthUpdate,
    MarkPrice,
    Trade,
)

IN_ORDER: Final = 0
GAP: Final = 1
REPEATED: Final = 2
RENUMBERED_AFTER: Final = 1_000


class _Numbers:
    """The last number of one kind of stream, by symbol."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._repeats: dict[int, int] = {}

    def judge(self, symbol: int, number: int, least_before: int, most_before: int) -> int:
        """Judge ``number`` as the next; no gap if the last was within the two bounds."""
        known = self._last.get(symbol)
        verdict = IN_ORDER
        if known is not None:
            if number <= known:
                repeats = self._repeats.get(symbol, 0) + 1
                self._repeats[symbol] = repeats
                if repeats < RENUMBERED_AFTER:
                    return REPEATED
                verdict = GAP
            elif not least_before <= known <= most_before:
                verdict = GAP
        if self._repeats:
            self._repeats.pop(symbol, None)
        self._last[symbol] = number
        return verdict


class SequenceCheck:
    """Judges the messages of one source, symbol by symbol; of several connections too."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all numbers, as when a recording starts again."""
        self._trades = _Numbers()
        self._agg_trades = _Numbers()
        self._depth = _Numbers()
        self._tickers = _Numbers()
        self._marks = _Numbers()

    def trade(self, message: Trade) -> int:
        """IN_ORDER, GAP (use it, something before it is missing) or REPEATED (drop it)."""
        before = message.trade_id - 1
        return self._trades.judge(message.symbol, message.trade_id, before, before)

    def agg_trade(self, message: AggTrade) -> int:
        """As ``trade``."""
        before = message.trade_id - 1
        return self._agg_trades.judge(message.symbol, message.trade_id, before, before)

    def depth(self, message: DepthUpdate) -> int:
        """As ``trade``; a GAP says that the book must be built anew from a snapshot."""
        if message.previous_id == NO_ID:
            least, most = message.first_id - 1, message.last_id
        else:
            least = most = message.previous_id
        return self._depth.judge(message.symbol, message.last_id, least, most)

    def book_ticker(self, message: BookTicker) -> int:
        """IN_ORDER or REPEATED; what is missing cannot be known."""
        update_id = message.update_id
        return self._tickers.judge(message.symbol, update_id, NO_ID, update_id)

    def mark_price(self, message: MarkPrice) -> int:
        """As ``book_ticker``."""
        return self._marks.judge(message.symbol, message.event_ms, NO_ID, message.event_ms)
