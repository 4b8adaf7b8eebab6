"""What the compiled reader makes of a frame, as the parser's messages: to be compared with them."""

from __future__ import annotations

import numpy as np

from components.feed.decimal_grid import whole_unit
from components.feed.frame_scan import (
    ASK,
    ASK_QTY,
    EVENT_MS,
    ID,
    IS_MAKER,
    NOT_TAKEN,
    PRICE,
    QTY,
    SCRATCH_WORDS,
    SYMBOL,
    TRADE_MS,
    SymbolIndex,
    scan,
)
from components.feed.symbol_words import (
    BOOK_TICKER,
    PRICE_DECIMALS,
    PRICE_UNIT,
    QTY_DECIMALS,
    QTY_UNIT,
    TRADE,
    new_words,
)
from components.feed.venue_messages import AggTrade, BookTicker, Message, Trade, VenueSymbol


class ScannedFrames:
    """Reads frames of some symbols."""

    def __init__(self, symbols: tuple[VenueSymbol, ...], frame_bytes_max: int = 2**20) -> None:
        self._slots = SymbolIndex(symbols).slots
        self._words = new_words(1 + max(each.index for each in symbols))
        self._scratch = np.zeros(SCRATCH_WORDS, np.int64)
        self._frame_bytes_max = frame_bytes_max
        for each in symbols:
            words = self._words[each.index]
            words[PRICE_UNIT], words[PRICE_DECIMALS] = whole_unit(each.tick_size)
            words[QTY_UNIT], words[QTY_DECIMALS] = whole_unit(each.lot_size)

    def read(self, frame: bytes) -> Message | None:
        """The message; None if the frame is left to the parser."""
        found = self._scratch
        kind = scan(frame, self._frame_bytes_max, self._slots, self._words, found)
        if kind == NOT_TAKEN:
            return None
        values = [int(word) for word in found]
        symbol, number = values[SYMBOL], values[ID]
        if kind == BOOK_TICKER:
            bid, ask = (values[PRICE], values[QTY]), (values[ASK], values[ASK_QTY])
            return BookTicker(symbol, number, *bid, *ask, values[EVENT_MS])
        trade = (symbol, number, values[PRICE], values[QTY], values[EVENT_MS], values[TRADE_MS])
        is_maker = values[IS_MAKER] == 1
        return Trade(*trade, is_maker, True) if kind == TRADE else AggTrade(*trade, is_maker)
