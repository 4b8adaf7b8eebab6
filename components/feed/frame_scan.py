"""Binance's commonest frames read byte by byte, compiled: trade, aggTrade and bookTicker.

It takes what is exactly as Binance writes it, a flat object of plain texts, whole numbers and booleans
without spaces, enveloped or raw, its keys in any order; and nothing else.  Whatever is not so,
malformed or merely unusual, is left alone: ``Parser`` looks at it with orjson, and judges.  What both
read they read alike, which a property test and a soak hold them to.

Fields are found under their one-letter keys; keys of two letters are skipped, others not taken.
Numbers have at most 18 digits, so that nothing here exceeds 64 bits; decimals become whole steps of
the symbol's grid without a rest, or the frame is not taken.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.feed.symbol_words import (
    AGG_TRADE,
    BOOK_TICKER,
    PRICE_DECIMALS,
    PRICE_UNIT,
    QTY_DECIMALS,
    QTY_UNIT,
    TRADE,
    Words,
)
from components.feed.venue_messages import VenueSymbol
from components.units import PRICE_TICKS_MAX, QTY_LOTS_MAX, TIMESTAMP_MAX
from disruptor.compiled import compiled, inlined, internal

NOT_TAKEN: Final = -1
NAME_BYTES_MAX: Final = 24

SYMBOL: Final = 0
ID: Final = 1
PRICE: Final = 2  # or the best bid
QTY: Final = 3
ASK: Final = 4
ASK_QTY: Final = 5
EVENT_MS: Final = 6
TRADE_MS: Final = 7
IS_MAKER: Final = 8
FOUND_WORDS: Final = 9

_KEY_BASE: Final = 64
_KEYS: Final = 64
_WORDS_A_FIELD: Final = 3  # its type, and two words: where a text begins and ends, or the value
SCRATCH_WORDS: Final = FOUND_WORDS + _KEYS * _WORDS_A_FIELD

_NONE: Final = 0
_TEXT: Final = 1
_NUMBER: Final = 2
_BOOLEAN: Final = 3

_DIGITS_MAX: Final = 18
_POWERS: Final = tuple(10**exponent for exponent in range(_DIGITS_MAX + 1))
_PRODUCT_MAX: Final = 2**62
_TIME_MS_MAX: Final = TIMESTAMP_MAX // 1_000_000
_HASH_MASK: Final = 0xFFFF_FFFF
_FREE: Final = -1
_NAME_WORDS: Final = NAME_BYTES_MAX // 8

_ENVELOPE: Final = b'{"stream":"'
_DATA: Final = b'","data":'
_TRUE: Final = b"true"
_FALSE: Final = b"false"
_MARKET: Final = b"MARKET"
_TRADE_NAME: Final = b"trade"
_AGG_TRADE_NAME: Final = b"aggTrade"
_BOOK_TICKER_NAME: Final = b"bookTicker"
_QUOTE, _COMMA, _COLON, _POINT = b'",:.'
_OPEN, _CLOSE, _BACKSLASH = b"{}\\"
_ZERO, _NINE, _T, _F = b"09tf"
_E_KEY, _S_KEY, _X_KEY, _M_KEY = (key - _KEY_BASE for key in b"esXm")
_ID_KEYS: Final = tuple(key - _KEY_BASE for key in b"tau")  # by kind
_EVENT_KEY, _TIME_KEY, _PRICE_KEY, _QTY_KEY = (key - _KEY_BASE for key in b"ETpq")
_BID_KEY, _BID_QTY_KEY, _ASK_KEY, _ASK_QTY_KEY = (key - _KEY_BASE for key in b"bBaA")


class SymbolIndex:
    """Rows of symbols by the venue's name: ``slots``, shape (power of two, words of a name + 1)."""

    def __init__(self, symbols: tuple[VenueSymbol, ...]) -> None:
        rows = {
            each.name.encode(): each.index
            for each in symbols
            if each.name.isascii() and 0 < len(each.name) <= NAME_BYTES_MAX
        }
        size = 2 << len(rows).bit_length()
        self.slots: NDArray[np.int64] = np.full((size, _NAME_WORDS + 1), _FREE, np.int64)
        for name, row in rows.items():
            self._add(name, row)

    def _add(self, name: bytes, row: int) -> None:
        slot = 0
        for byte in name:
            slot = (slot * 31 + byte) & _HASH_MASK
        slot &= len(self.slots) - 1
        while self.slots[slot, _NAME_WORDS] != _FREE:
            slot = (slot + 1) & (len(self.slots) - 1)
        self.slots[slot, :_NAME_WORDS] = np.frombuffer(name.ljust(NAME_BYTES_MAX, b"\0"), "<i8")
        self.slots[slot, _NAME_WORDS] = row


@internal
def _row_of(frame: bytes, start: int, end: int, slots: NDArray[np.int64]) -> int:
    """The row of the symbol that the text between ``start`` and ``end`` names, or NOT_TAKEN."""
    if end - start > NAME_BYTES_MAX:
        return NOT_TAKEN
    first = second = third = slot = 0
    for place in range(start, end):
        byte = int(frame[place])
        slot = (slot * 31 + byte) & _HASH_MASK
        at = place - start
        if at < 8:
            first |= byte << (8 * at)
        elif at < 16:
            second |= byte << (8 * (at - 8))
        else:
            third |= byte << (8 * (at - 16))
    mask = slots.shape[0] - 1
    slot &= mask
    while slots[slot, _NAME_WORDS] != _FREE:
        if slots[slot, 0] == first and slots[slot, 1] == second and slots[slot, 2] == third:
            return slots[slot, _NAME_WORDS]
        slot = (slot + 1) & mask
    return NOT_TAKEN


@inlined
def _says(frame: bytes, start: int, end: int, text: bytes) -> bool:
    """Whether the bytes from ``start`` to ``end`` are ``text``."""
    if end - start != len(text) or end > len(frame):
        return False
    same = 0
    for place in range(len(text)):
        same += frame[start + place] == text[place]
    return same == len(text)


@inlined
def _text_end(frame: bytes, at: int) -> int:
    """Where the plain text that begins at ``at`` has its closing quote, or NOT_TAKEN."""
    while at < len(frame):
        byte = frame[at]
        if byte == _QUOTE:
            return at
        if byte < 32 or byte > 126 or byte == _BACKSLASH:
            return NOT_TAKEN
        at += 1
    return NOT_TAKEN


@internal
def _read_value(frame: bytes, at: int) -> tuple[int, int, int, int]:
    """Type and two words of the value at ``at``, and the place behind it; (_NONE, …) if not plain."""
    byte = int(frame[at])
    if byte == _QUOTE:
        end = _text_end(frame, at + 1)
        return (_TEXT, at + 1, end, end + 1) if end >= 0 else (_NONE, 0, 0, 0)
    if _ZERO <= byte <= _NINE:
        begins, value = at, 0
        while at < len(frame) and _ZERO <= frame[at] <= _NINE and at - begins < _DIGITS_MAX:
            value = value * 10 + (int(frame[at]) - _ZERO)
            at += 1
        if byte == _ZERO and at - begins > 1:
            return _NONE, 0, 0, 0
        return _NUMBER, value, 0, at
    if byte == _T and _says(frame, at, at + 4, _TRUE):
        return _BOOLEAN, 1, 0, at + 4
    if byte == _F and _says(frame, at, at + 5, _FALSE):
        return _BOOLEAN, 0, 0, at + 5
    return _NONE, 0, 0, 0


@internal
def _read_object(frame: bytes, at: int, fields: NDArray[np.int64]) -> tuple[int, int]:
    """Read the flat object at ``at``: a bit for each one-letter key, and the place behind it.

    ``fields``: three words a key.  (0, NOT_TAKEN) if it is not plain, or says a key twice.
    """
    seen = 0
    if at >= len(frame) or frame[at] != _OPEN:
        return 0, NOT_TAKEN
    while True:
        start = at + 2
        if start >= len(frame) or frame[at + 1] != _QUOTE:
            return 0, NOT_TAKEN
        end = _text_end(frame, start)
        if end < 0 or end - start > 2 or end + 2 >= len(frame) or frame[end + 1] != _COLON:
            return 0, NOT_TAKEN
        kind, value, until, at = _read_value(frame, end + 2)
        if kind == _NONE or at >= len(frame):
            return 0, NOT_TAKEN
        key = int(frame[start]) - _KEY_BASE
        if end - start == 1 and 0 <= key < _KEYS - 1:
            if seen >> key & 1:
                return 0, NOT_TAKEN
            seen |= 1 << key
            first = key * _WORDS_A_FIELD
            fields[first], fields[first + 1], fields[first + 2] = kind, value, until
        if frame[at] == _CLOSE:
            return seen, at + 1
        if frame[at] != _COMMA:
            return 0, NOT_TAKEN


@internal
def _steps(frame: bytes, start: int, end: int, unit: int, decimals: int, is_floored: bool) -> int:
    """The whole steps of ``unit`` / 10 ** ``decimals`` that a decimal text is, or NOT_TAKEN."""
    digits = fraction = count = 0
    has_point = False
    for place in range(start, end):
        byte = int(frame[place])
        if _ZERO <= byte <= _NINE:
            digits = digits * 10 + (byte - _ZERO)
            count += 1
            fraction += has_point
        elif byte == _POINT and count and not has_point:
            has_point = True
        else:
            return NOT_TAKEN
        if count > _DIGITS_MAX:
            return NOT_TAKEN
    if count == 0 or (has_point and fraction == 0) or unit == 0:
        return NOT_TAKEN
    rest = 0
    if fraction > decimals:
        power = _POWERS[fraction - decimals]
        rest = digits % power
        digits //= power
    else:
        power = _POWERS[decimals - fraction]
        if digits > _PRODUCT_MAX // power:
            return NOT_TAKEN
        digits *= power
    if not is_floored and (rest or digits % unit):
        return NOT_TAKEN
    return digits // unit


@inlined
def _decimal(
    frame: bytes,
    fields: NDArray[np.int64],
    key: int,
    unit: int,
    decimals: int,
    is_floored: bool,
) -> int:
    """The steps that the field's text says."""
    first = key * _WORDS_A_FIELD
    if fields[first] != _TEXT:
        return NOT_TAKEN
    return _steps(frame, fields[first + 1], fields[first + 2], unit, decimals, is_floored)


@inlined
def _has(seen: int, fields: NDArray[np.int64], key: int, kind: int) -> bool:
    """Whether the object has this key, with a value of this type."""
    return seen >> key & 1 == 1 and fields[key * _WORDS_A_FIELD] == kind


@internal
def _read_trade(
    frame: bytes, seen: int, fields: NDArray[np.int64], words: NDArray[np.int64], found: Words
) -> bool:
    """Price, quantity, times and maker of a trade or an aggregate of trades."""
    if not (
        _has(seen, fields, _EVENT_KEY, _NUMBER)
        and _has(seen, fields, _TIME_KEY, _NUMBER)
        and _has(seen, fields, _PRICE_KEY, _TEXT)
        and _has(seen, fields, _QTY_KEY, _TEXT)
        and _has(seen, fields, _M_KEY, _BOOLEAN)
    ):
        return False
    event_ms = fields[_EVENT_KEY * _WORDS_A_FIELD + 1]
    trade_ms = fields[_TIME_KEY * _WORDS_A_FIELD + 1]
    if not (0 < event_ms <= _TIME_MS_MAX and 0 < trade_ms <= _TIME_MS_MAX):
        return False
    price_unit, price_decimals = words[PRICE_UNIT], words[PRICE_DECIMALS]
    price = _decimal(frame, fields, _PRICE_KEY, price_unit, price_decimals, False)
    qty = _decimal(frame, fields, _QTY_KEY, words[QTY_UNIT], words[QTY_DECIMALS], False)
    if not (0 < price <= PRICE_TICKS_MAX and 0 < qty <= QTY_LOTS_MAX):
        return False
    found[PRICE], found[QTY] = price, qty
    found[EVENT_MS], found[TRADE_MS] = event_ms, trade_ms
    found[IS_MAKER] = fields[_M_KEY * _WORDS_A_FIELD + 1]
    return True


@internal
def _read_ticker(
    frame: bytes, seen: int, fields: NDArray[np.int64], words: NDArray[np.int64], found: Words
) -> bool:
    """Best bid and ask with their quantities, and the time if it is told."""
    event_ms = 0
    if seen >> _EVENT_KEY & 1:
        event_ms = fields[_EVENT_KEY * _WORDS_A_FIELD + 1]
        if fields[_EVENT_KEY * _WORDS_A_FIELD] != _NUMBER or event_ms > _TIME_MS_MAX:
            return False
    if not (
        _has(seen, fields, _BID_KEY, _TEXT)
        and _has(seen, fields, _ASK_KEY, _TEXT)
        and _has(seen, fields, _BID_QTY_KEY, _TEXT)
        and _has(seen, fields, _ASK_QTY_KEY, _TEXT)
    ):
        return False
    price_unit, price_decimals = words[PRICE_UNIT], words[PRICE_DECIMALS]
    bid = _decimal(frame, fields, _BID_KEY, price_unit, price_decimals, False)
    ask = _decimal(frame, fields, _ASK_KEY, price_unit, price_decimals, False)
    qty_unit, qty_decimals = words[QTY_UNIT], words[QTY_DECIMALS]
    bid_qty = _decimal(frame, fields, _BID_QTY_KEY, qty_unit, qty_decimals, True)
    ask_qty = _decimal(frame, fields, _ASK_QTY_KEY, qty_unit, qty_decimals, True)
    if not (0 < bid < ask <= PRICE_TICKS_MAX):
        return False
    if not (0 <= bid_qty <= QTY_LOTS_MAX and 0 <= ask_qty <= QTY_LOTS_MAX):
        return False
    found[PRICE], found[QTY], found[ASK], found[ASK_QTY] = bid, bid_qty, ask, ask_qty
    found[EVENT_MS] = event_ms
    return True


@inlined
def _kind_of(frame: bytes, seen: int, fields: NDArray[np.int64]) -> int:
    """What the object says that it is; a ticker of the spot market says nothing."""
    if not seen >> _E_KEY & 1:
        is_ticker = seen >> _ID_KEYS[BOOK_TICKER] & 1 and seen >> _BID_QTY_KEY & 1
        return BOOK_TICKER if is_ticker else NOT_TAKEN
    first = _E_KEY * _WORDS_A_FIELD
    if fields[first] != _TEXT:
        return NOT_TAKEN
    start, end = fields[first + 1], fields[first + 2]
    if _says(frame, start, end, _TRADE_NAME):
        x_start, x_end = fields[_X_KEY * _WORDS_A_FIELD + 1], fields[_X_KEY * _WORDS_A_FIELD + 2]
        is_market = not seen >> _X_KEY & 1 or (
            fields[_X_KEY * _WORDS_A_FIELD] == _TEXT and _says(frame, x_start, x_end, _MARKET)
        )
        return TRADE if is_market else NOT_TAKEN
    if _says(frame, start, end, _AGG_TRADE_NAME):
        return AGG_TRADE
    return BOOK_TICKER if _says(frame, start, end, _BOOK_TICKER_NAME) else NOT_TAKEN


@compiled
def scan(
    frame: bytes, frame_bytes_max: int, slots: NDArray[np.int64], words: Words, scratch: Words
) -> int:
    """The kind of ``frame`` (TRADE …), its values in ``scratch[SYMBOL …]``; or NOT_TAKEN.

    ``scratch``, shape (SCRATCH_WORDS,); steps: as many as the frame has bytes.
    """
    size = len(frame)
    if size > frame_bytes_max:
        return NOT_TAKEN
    fields = scratch[FOUND_WORDS:]
    is_enveloped = _says(frame, 0, len(_ENVELOPE), _ENVELOPE)
    at = 0
    if is_enveloped:
        end = _text_end(frame, len(_ENVELOPE))
        if end < 0 or not _says(frame, end, end + len(_DATA), _DATA):
            return NOT_TAKEN
        at = end + len(_DATA)
    seen, at = _read_object(frame, at, fields)
    if (
        at < 0
        or (is_enveloped and (at >= size or frame[at] != _CLOSE))
        or at + is_enveloped != size
    ):
        return NOT_TAKEN
    kind = _kind_of(frame, seen, fields)
    if kind < 0 or not _has(seen, fields, _S_KEY, _TEXT):
        return NOT_TAKEN
    if not _has(seen, fields, _ID_KEYS[kind], _NUMBER):
        return NOT_TAKEN
    first = _S_KEY * _WORDS_A_FIELD
    symbol = _row_of(frame, fields[first + 1], fields[first + 2], slots)
    if symbol < 0:
        return NOT_TAKEN
    scratch[SYMBOL] = symbol
    scratch[ID] = fields[_ID_KEYS[kind] * _WORDS_A_FIELD + 1]
    if kind == BOOK_TICKER:
        is_read = _read_ticker(frame, seen, fields, words[symbol], scratch)
    else:
        is_read = _read_trade(frame, seen, fields, words[symbol], scratch)
    return kind if is_read else NOT_TAKEN
