"""What each stream's numbers must do, and what it means when they do not.

    stream       next must be               seen before         missing
    trade        t = last t + 1             t <= last t         t > last t + 1
    aggTrade     a = last a + 1             a <= last a         a > last a + 1
    spot depth   U = last u + 1             u <= last u         U > last u + 1
    futures      pu = last u                u <= last u         pu != last u
    bookTicker   u > last u                 u <= last u         never known
    depth5 … 20  lastUpdateId > last        <= last             never known
    markPrice    E > last E                 E <= last E         never known

State survives a reconnect, so that what was lost meanwhile is counted and what two overlapping
connections both deliver is dropped.  A venue that starts its numbers anew would look like repeats
for ever; after ``RENUMBERED_AFTER`` of them in a row the new numbers are taken as a gap.
"""

from __future__ import annotations

from typing import Final

from components.feed.symbol_words import NO_NUMBER, NUMBER, REPEATS, Words, column
from components.feed.venue_messages import (
    NO_ID,
    AggTrade,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarkPrice,
    Message,
    Trade,
)

IN_ORDER: Final = 0
GAP: Final = 1
REPEATED: Final = 2
RENUMBERED_AFTER: Final = 1_000


class Numbers:
    """The last number of one kind of stream, by symbol; in ``words``."""

    def __init__(self, kind: str, words: Words) -> None:
        self._last = words[:, column(kind, NUMBER)]
        self._repeats = words[:, column(kind, REPEATS)]

    def last(self, symbol: int) -> int | None:
        """The newest number of the symbol; None before the first."""
        last = int(self._last[symbol])
        return None if last == NO_NUMBER else last

    def reset(self) -> None:
        """Forget all numbers."""
        self._last[:] = NO_NUMBER
        self._repeats[:] = 0

    def judge(self, symbol: int, number: int, least_before: int, most_before: int) -> int:
        """Judge ``number`` as the next; no gap if the last was within the two bounds."""
        known = self.last(symbol)
        verdict = IN_ORDER
        if known is not None:
            if number <= known:
                repeats = int(self._repeats[symbol]) + 1
                self._repeats[symbol] = repeats
                if repeats < RENUMBERED_AFTER:
                    return REPEATED
                verdict = GAP
            elif not least_before <= known <= most_before:
                verdict = GAP
        self._repeats[symbol] = 0
        self._last[symbol] = number
        return verdict


class SequenceCheck:
    """Judges the messages of one source, symbol by symbol; of several connections too."""

    def __init__(self, words: Words) -> None:
        self.trades: Final = Numbers("trade", words)
        self.agg_trades: Final = Numbers("agg_trade", words)
        self._depth = Numbers("depth", words)
        self._tickers = Numbers("book_ticker", words)
        self._marks = Numbers("mark_price", words)
        self._partial_depths = Numbers("partial_depth", words)

    def reset(self) -> None:
        """Forget all numbers, as when a recording starts again."""
        for numbers in (
            self.trades,
            self.agg_trades,
            self._depth,
            self._tickers,
            self._marks,
            self._partial_depths,
        ):
            numbers.reset()

    def trade(self, message: Trade) -> int:
        """IN_ORDER, GAP (use it, something before it is missing) or REPEATED (drop it)."""
        before = message.trade_id - 1
        return self.trades.judge(message.symbol, message.trade_id, before, before)

    def agg_trade(self, message: AggTrade) -> int:
        """As ``trade``."""
        before = message.trade_id - 1
        return self.agg_trades.judge(message.symbol, message.trade_id, before, before)

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

    def partial_depth(self, message: DepthSnapshot) -> int:
        """As ``book_ticker``."""
        last_id = message.last_id
        return self._partial_depths.judge(message.symbol, last_id, NO_ID, last_id)

    def mark_price(self, message: MarkPrice) -> int:
        """As ``book_ticker``."""
        return self._marks.judge(message.symbol, message.event_ms, NO_ID, message.event_ms)

    def has_reached(self, message: Message) -> bool:
        """Whether ``message`` leaves no gap behind what is known; nothing is noted."""
        if isinstance(message, Trade):
            numbers, before = self.trades, message.trade_id - 1
        elif isinstance(message, AggTrade):
            numbers, before = self.agg_trades, message.trade_id - 1
        elif isinstance(message, DepthUpdate):
            is_spot = message.previous_id == NO_ID
            numbers, before = self._depth, message.first_id - 1 if is_spot else message.previous_id
        else:
            return True
        last = numbers.last(message.symbol)
        return last is None or last >= before
