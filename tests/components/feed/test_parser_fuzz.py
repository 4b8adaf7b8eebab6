"""Whatever bytes come: the parser raises nothing and accepts no invalid price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feed.binance_messages import Parser
from components.feed.venue_messages import (
    AggTrade,
    BookTicker,
    DepthUpdate,
    MarkPrice,
    Message,
    Trade,
    VenueSymbol,
)
from components.units import PRICE_TICKS_MAX, QTY_LOTS_MAX

from .fast_frames import ScannedFrames
from .test_binance_messages import AGG, BTC, DEPTH, MARK, TICKER, TRADE, T

PARSER = Parser([BTC, VenueSymbol("ETHUSDT", 1, Decimal("0.5"), Decimal(1))])
SCANNED = ScannedFrames(PARSER.symbols)
DOCUMENTS: list[dict[str, Any]] = [
    TRADE,
    AGG,
    TICKER,
    MARK,
    DEPTH,
    {"stream": "btcusdt@trade", "data": {**TRADE, "X": "MARKET", "st": 1}},
    {"stream": "btcusdt@bookTicker", "data": {"e": "bookTicker", **TICKER, "E": T, "T": T}},
    {"stream": "!markPrice@arr", "data": [MARK, MARK]},
    {"stream": "btcusdt@depth20", "data": {"lastUpdateId": 1, "bids": [], "asks": []}},
]
NUMBERS = st.one_of(
    st.sampled_from(["0", "-1", "NaN", "Infinity", "1e9", "", "0.001", "9" * 30, "61685.99"]),
    st.decimals(allow_nan=True).map(str),
    st.text(max_size=8),
)
VALUES = st.one_of(
    NUMBERS,
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(NUMBERS, max_size=3),
    st.lists(st.lists(NUMBERS, max_size=3), max_size=3),
    st.dictionaries(st.sampled_from("espqtTEXmuUba"), NUMBERS, max_size=3),
)


def assert_read_alike(frame: bytes) -> None:
    """The parser is sound, and the compiled reader says the same wherever it says anything."""
    messages = PARSER.parse(frame)
    assert_sound(messages)
    scanned = SCANNED.read(frame)
    assert scanned is None or messages == (scanned,)


def assert_sound(messages: tuple[Message, ...]) -> None:
    assert messages
    for message in messages:
        prices: list[int] = []
        lots: list[int] = []
        if isinstance(message, Trade):
            if message.moves_price:
                prices, lots = [message.price], [message.qty]
        elif isinstance(message, AggTrade):
            prices, lots = [message.price], [message.qty]
        elif isinstance(message, MarkPrice):
            prices = [message.price]
        elif isinstance(message, BookTicker):
            prices = [message.bid, message.ask]
            assert min(message.bid_qty, message.ask_qty) >= 0
            assert message.bid < message.ask
        elif isinstance(message, DepthUpdate):
            levels = PARSER.levels(message.symbol, message.bids) or []
            prices = [price for price, _ in levels]
            assert all(0 <= qty <= QTY_LOTS_MAX for _, qty in levels)
        assert all(type(price) is int and 1 <= price <= PRICE_TICKS_MAX for price in prices)
        assert all(type(qty) is int and 1 <= qty <= QTY_LOTS_MAX for qty in lots)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes(frame: bytes) -> None:
    assert_read_alike(frame)


@settings(max_examples=600)
@given(
    st.sampled_from(DOCUMENTS),
    st.dictionaries(st.sampled_from("espqtTEXmuUbaABps"), VALUES, max_size=4),
    st.sets(st.sampled_from("espqtTEXmuUbaAB"), max_size=2),
    st.booleans(),
)
def test_documents_with_fields_replaced_and_removed(
    document: dict[str, Any], changed: dict[str, object], removed: set[str], is_reversed: bool
) -> None:
    data = document.get("data", document)
    target = dict(data[0] if isinstance(data, list) else data)
    target.update(changed)
    if is_reversed:
        target = dict(reversed(target.items()))
    for key in removed:
        target.pop(key, None)
    whole = {**document, "data": target} if "data" in document else target

    assert_read_alike(orjson.dumps(whole))


@settings(max_examples=600)
@given(
    st.sampled_from([orjson.dumps(each) for each in DOCUMENTS]),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), min_size=1, max_size=4),
)
def test_frames_with_bytes_overwritten(frame: bytes, edits: list[tuple[int, bytes]]) -> None:
    mutated = bytearray(frame)
    for at, piece in edits:
        start = at % (len(mutated) + 1)
        mutated[start : start + len(piece)] = piece

    assert_read_alike(bytes(mutated))


@given(st.sampled_from([orjson.dumps(each) for each in DOCUMENTS]), st.integers(0, 400))
def test_frames_cut_short(frame: bytes, length: int) -> None:
    assert_read_alike(frame[:length])
