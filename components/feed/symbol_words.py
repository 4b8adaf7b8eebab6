"""What the feed knows of each symbol, as words that Python and the kernel of fast_path.py share.

One row a symbol, by our index; one column a fact.  Each column has one owner in Python:

    STATE HEARD         of each kind of stream     stream_board.py
    NUMBER REPEATS      of each kind of stream     gaps.py
    BELIEF_…            price_trust.py
    LAST_PRICE IS_STALE BID ASK                    price_path.py
    …_UNIT …_DECIMALS   the grid, written once     fast_path.py

Columns of one array, because a kernel's call costs some 50 ns for each array that it is given.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

KINDS: Final = ("trade", "agg_trade", "book_ticker", "mark_price", "depth", "partial_depth")
"""Kinds of streams, in the order of their columns."""

TRADE: Final = 0
AGG_TRADE: Final = 1
BOOK_TICKER: Final = 2

STATE: Final = 0
HEARD: Final = 1
NUMBER: Final = 2
REPEATS: Final = 3
WORDS_A_KIND: Final = 4

BELIEF_LOW: Final = len(KINDS) * WORDS_A_KIND
BELIEF_HIGH: Final = BELIEF_LOW + 1
BELIEF_PRICE: Final = BELIEF_LOW + 2
BELIEF_AGREEING: Final = BELIEF_LOW + 3
BELIEF_CANDIDATE: Final = BELIEF_LOW + 4
LAST_PRICE: Final = BELIEF_LOW + 5
IS_STALE: Final = BELIEF_LOW + 6
BID: Final = BELIEF_LOW + 7
ASK: Final = BELIEF_LOW + 8
PRICE_UNIT: Final = BELIEF_LOW + 9
PRICE_DECIMALS: Final = BELIEF_LOW + 10
QTY_UNIT: Final = BELIEF_LOW + 11
QTY_DECIMALS: Final = BELIEF_LOW + 12
WORDS: Final = BELIEF_LOW + 13

UNHEARD: Final = -1
"""STATE of a stream that was never heard of."""
NO_NUMBER: Final = -2
"""NUMBER before the first: below every id, and below "no id"."""

Words = NDArray[np.int64]


def new_words(symbol_count: int) -> Words:
    """The rows of symbols of which nothing is known; shape (symbol_count, WORDS)."""
    words = np.zeros((symbol_count, WORDS), np.int64)
    for kind in range(len(KINDS)):
        words[:, kind * WORDS_A_KIND + STATE] = UNHEARD
        words[:, kind * WORDS_A_KIND + NUMBER] = NO_NUMBER
    return words


def column(kind: str, what: int) -> int:
    """The column of STATE, HEARD, NUMBER or REPEATS of this kind of stream."""
    return KINDS.index(kind) * WORDS_A_KIND + what
