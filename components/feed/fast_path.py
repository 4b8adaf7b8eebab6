"""The commonest frames from their bytes to the batch in one compiled step: nothing else is as frequent.

A trade that is the next of its stream, of a stream that lives, at a price that is believed, becomes a
command; a best bid and ask that is newer than the last is kept.  Everything else (a gap, a repeat, a jump,
the first frame of a stream, a shape that is not the usual one) is left to the decoder's own ways, and
nothing is changed before it is certain that the frame is one of these: taken as a whole or not at all.

A frame costs 0.7 µs here, the call included, where message objects and their handlers cost 5.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.feed.batch import CommandBatch
from components.feed.decimal_grid import whole_unit
from components.feed.frame_scan import (
    ASK,
    EVENT_MS,
    ID,
    NOT_TAKEN,
    PRICE,
    QTY,
    SCRATCH_WORDS,
    SYMBOL,
    TRADE_MS,
    SymbolIndex,
    scan,
)
from components.feed.latency import DIFFERENCES_MAX
from components.feed.order_flow import OrderFlow
from components.feed.price_trust import slack_of
from components.feed.stream_board import LIVE
from components.feed.symbol_words import ASK as BEST_ASK
from components.feed.symbol_words import (
    BELIEF_AGREEING,
    BELIEF_HIGH,
    BELIEF_LOW,
    BELIEF_PRICE,
    BID,
    BOOK_TICKER,
    HEARD,
    IS_STALE,
    KINDS,
    LAST_PRICE,
    NUMBER,
    PRICE_DECIMALS,
    PRICE_UNIT,
    QTY_DECIMALS,
    QTY_UNIT,
    REPEATS,
    STATE,
    WORDS_A_KIND,
    Words,
)
from components.feed.venue_messages import VenueSymbol
from components.messages.code import OP_PRICE, SOURCE_FEED
from components.messages.command import Commands
from disruptor.compiled import compiled, internal
from disruptor.direct_call import for_arguments_like

LEFT: Final = 0
TAKEN: Final = 1
PRICED: Final = 2
PRICED_WITHOUT_TOUCH: Final = 3
TOUCHED: Final = 4

_FRAME_BYTES_MAX: Final = 0
_PRICE_KIND: Final = 1
_VENUE: Final = 2
_JUMP_PPM: Final = 3
_COUNTS: Final = 4  # frames taken, by kind
_SCRATCH: Final = _COUNTS + len(KINDS)
_DIFFERENCE_COUNT: Final = _SCRATCH + SCRATCH_WORDS
_DESK_WORDS: Final = _DIFFERENCE_COUNT + 1 + DIFFERENCES_MAX
"""One array of rules, counts and scratch, for the same reason as the words of symbols."""

_MS: Final = 1_000_000


@internal
def _take_ticker(now_ns: int, found: Words, words: Words) -> int:
    """Keep a best bid and ask."""
    first = BOOK_TICKER * WORDS_A_KIND
    if found[ID] <= words[first + NUMBER]:
        return LEFT
    words[first + HEARD] = now_ns
    words[first + NUMBER] = found[ID]
    words[first + REPEATS] = 0
    if words[BID] == found[PRICE] and words[BEST_ASK] == found[ASK]:
        return TAKEN
    words[BID], words[BEST_ASK] = found[PRICE], found[ASK]
    return TOUCHED


@internal
def _take_trade(
    kind: int,
    received_ns: int,
    now_ns: int,
    commands: Commands,
    row: int,
    found: Words,
    words: Words,
    desk: Words,
) -> int:
    """Make a command of a trade, if prices come from its kind."""
    first, price = kind * WORDS_A_KIND, found[PRICE]
    if found[ID] != words[first + NUMBER] + 1:
        return LEFT
    is_price = kind == desk[_PRICE_KIND]
    if is_price:
        if not words[BELIEF_LOW] <= price <= words[BELIEF_HIGH]:
            return LEFT
        if desk[_DIFFERENCE_COUNT] == DIFFERENCES_MAX:
            return LEFT
    words[first + HEARD] = now_ns
    words[first + NUMBER] = found[ID]
    words[first + REPEATS] = 0
    if not is_price:
        return TAKEN
    if price != words[BELIEF_PRICE] or words[BELIEF_AGREEING]:
        slack = slack_of(price, desk[_JUMP_PPM])
        words[BELIEF_LOW], words[BELIEF_HIGH] = price - slack, price + slack
        words[BELIEF_PRICE], words[BELIEF_AGREEING] = price, 0
    words[LAST_PRICE], words[IS_STALE] = price, 0
    origin_ts = found[EVENT_MS] * _MS
    desk[_DIFFERENCE_COUNT] += 1
    desk[_DIFFERENCE_COUNT + desk[_DIFFERENCE_COUNT]] = received_ns - origin_ts
    command = commands[row]
    command["ts"], command["origin_ts"], command["expires"] = (
        received_ns,
        origin_ts,
        found[TRADE_MS] * _MS,
    )
    command["price"], command["qty"], command["symbol"] = price, found[QTY], found[SYMBOL]
    command["op"], command["source"], command["side"] = OP_PRICE, SOURCE_FEED, desk[_VENUE]
    return PRICED if words[BID] else PRICED_WITHOUT_TOUCH


@compiled
def _take(
    frame: bytes,
    received_ns: int,
    now_ns: int,
    commands: Commands,
    row: int,
    slots: Words,
    table: Words,
    desk: Words,
) -> tuple[int, int, int, int]:
    """What became of ``frame`` (LEFT: nothing), its symbol, and its price or best bid and ask.

    ``commands[row]`` is zero and becomes a price if there is one.
    """
    found = desk[_SCRATCH:_DIFFERENCE_COUNT]
    kind = scan(frame, desk[_FRAME_BYTES_MAX], slots, table, found)
    if kind == NOT_TAKEN:
        return LEFT, 0, 0, 0
    words = table[found[SYMBOL]]
    if words[kind * WORDS_A_KIND + STATE] != LIVE:
        return LEFT, 0, 0, 0
    if kind == BOOK_TICKER:
        became = _take_ticker(now_ns, found, words)
    else:
        became = _take_trade(kind, received_ns, now_ns, commands, row, found, words, desk)
    if became != LEFT:
        desk[_COUNTS + kind] += 1
    return became, found[SYMBOL], found[PRICE], found[ASK]


def new_desk() -> Words:
    """What one decoder's kernel works with."""
    return np.zeros(_DESK_WORDS, np.int64)


def differences_in(desk: Words) -> Words:
    """How many prices are not reported yet, then receive time less venue's time of each."""
    return desk[_DIFFERENCE_COUNT:]


class FastPath:
    """The step for one decoder; it shares ``words`` with the decoder's other parts."""

    def __init__(
        self,
        symbols: tuple[VenueSymbol, ...],
        words: Words,
        batch: CommandBatch,
        flow: OrderFlow,
        desk: Words,
        *,
        venue: int,
        price_from: str,
        jump_ppm: int,
        frame_bytes_max: int,
    ) -> None:
        self._batch = batch
        self._flow = flow
        self._words = words
        self._slots = SymbolIndex(symbols).slots
        self._desk = desk
        self._step = for_arguments_like(
            _take, b"", 0, 0, batch.commands, 0, self._slots, words, desk
        )
        self._desk[_FRAME_BYTES_MAX] = frame_bytes_max
        self._desk[_PRICE_KIND] = KINDS.index(price_from)
        self._desk[_VENUE] = venue
        self._desk[_JUMP_PPM] = jump_ppm
        for each in symbols:
            words[each.index, PRICE_UNIT], words[each.index, PRICE_DECIMALS] = whole_unit(
                each.tick_size
            )
            words[each.index, QTY_UNIT], words[each.index, QTY_DECIMALS] = whole_unit(each.lot_size)

    def take(self, received_ns: int, now_ns: int, frame: bytes) -> bool:
        """Take a frame, or leave it."""
        batch = self._batch
        became, symbol, price, ask = self._step(
            frame,
            received_ns,
            now_ns,
            batch.commands,
            batch.count,
            self._slots,
            self._words,
            self._desk,
        )
        if became == TOUCHED:
            self._flow.set_touch(symbol, price, ask)
        elif became > TAKEN:
            batch.grown()
            if became == PRICED_WITHOUT_TOUCH:
                self._flow.set_price(symbol, price)
        return became != LEFT

    def counts(self) -> dict[str, int]:
        """How many frames of each kind were taken since the last time."""
        counts = self._desk[_COUNTS : _COUNTS + len(KINDS)]
        taken = {kind: int(count) for kind, count in zip(KINDS, counts, strict=True) if count}
        counts[:] = 0
        return taken
