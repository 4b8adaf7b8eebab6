"""The mark of a symbol: one number for stops, the risk gate and Sentinel, made where a price comes.

    last      that price
    median    of the newest prices of all sources that are neither stale nor suspect; of an even
              number the middle of the two in the middle, rounded down.  If there are none, the mark
              stays, and is stale
    mid       the middle of Titan's own best bid and ask as they were told last, rounded down; that
              price while a side is empty, or the book is crossed

A price command's ``side`` is its source's number; whether its source is fresh stands in its flags,
which the feed sets by the stream's state.  The price event carries the mark and its flags.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import FLAG_MARK_MEDIAN, FLAG_MARK_MID, FLAG_STALE
from components.titan.engine.state import KEY_MASK, SOURCES_MAX, TitanState, int64
from disruptor.compiled import internal


@internal
def is_source_known(book: np.void, source: int) -> bool:
    """Whether there is a place for this source; only the median tells them apart."""
    return not book["flags"] & FLAG_MARK_MEDIAN or source < SOURCES_MAX


@internal
def take_mark(state: TitanState, command: np.void) -> int:
    """Note a price that is within bounds; the mark's flags."""
    book = state.books[command["symbol"]]
    flags = int64(command["flags"])
    price = int64(command["price"])
    if book["flags"] & FLAG_MARK_MEDIAN:
        book["sources"][command["side"]] = price if flags == 0 else 0
        median = median_of(book)
        flags = 0 if median != 0 else flags | FLAG_STALE
        price = median if median != 0 else (int64(book["mark"]) or price)
    elif book["flags"] & FLAG_MARK_MID and book["touch_bid_qty"] and book["touch_ask_qty"]:
        bid = int64(book["touch_bid"]) ^ KEY_MASK
        if bid < book["touch_ask"]:
            price = (bid + int64(book["touch_ask"])) // 2
    book["mark"] = price
    return flags


@internal
def median_of(book: np.void) -> int:
    """The median of the sources' prices that are not 0; 0 if all are."""
    count = 0
    for source in range(SOURCES_MAX):
        count += book["sources"][source] != 0
    low = 0
    high = 0
    for source in range(SOURCES_MAX):
        price = book["sources"][source]
        if price != 0:
            rank = 0
            for other in range(SOURCES_MAX):
                against = book["sources"][other]
                comes_first = against < price or (against == price and other < source)
                rank += against != 0 and comes_first
            low = price if rank == (count - 1) // 2 else low
            high = price if rank == count // 2 else high
    return (low + high) // 2


@internal
def forget_sources(book: np.void) -> None:
    """What the sources said last does not count any more."""
    for source in range(SOURCES_MAX):
        book["sources"][source] = 0
