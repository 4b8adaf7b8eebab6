"""Binance's frames become typed messages, and nothing else does."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import Any

import orjson
import pytest

from components.feed.binance_messages import Parser
from components.feed.venue_messages import (
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
    ServerShutdown,
    Trade,
    VenueSymbol,
)
from tests.recordings import recording

BTC = VenueSymbol("BTCUSDT", 3, Decimal("0.01"), Decimal("0.00001"))
T = 1_723_161_601_438
TRADE = {
    "e": "trade",
    "E": T,
    "s": "BTCUSDT",
    "t": 17,
    "p": "61685.99000000",
    "q": "0.00017000",
    "T": T - 1,
    "m": True,
}
AGG = {**TRADE, "e": "aggTrade", "a": 18, "f": 1, "l": 2}
TICKER = {"u": 5, "s": "BTCUSDT", "b": "1.00", "B": "2", "a": "1.01", "A": "3"}
MARK = {"e": "markPriceUpdate", "E": T, "s": "BTCUSDT", "p": "11794.15678", "T": T}
DEPTH = {
    "e": "depthUpdate",
    "E": T,
    "s": "BTCUSDT",
    "U": 157,
    "u": 160,
    "b": [["0.24", "10"]],
    "a": [["0.26", "0"]],
}


def parse(document: Any, **options: Any) -> Message:
    frame = document if isinstance(document, bytes) else orjson.dumps(document)
    (message,) = Parser([BTC], **options).parse(frame)
    return message


def test_trade() -> None:
    expected = Trade(3, 17, 6_168_599, 17, T, T - 1, True, True)

    assert parse(TRADE) == expected
    assert parse({"stream": "btcusdt@trade", "data": TRADE}) == expected
    assert parse(orjson.dumps({**TRADE, "X": "MARKET", "st": 1, "new": [{}]})) == expected


def test_a_futures_trade_that_is_not_of_the_market_moves_no_price() -> None:
    message = parse({**TRADE, "X": "INSURANCE_FUND", "p": "0", "q": "0"})

    assert message == Trade(3, 17, 0, 0, T, T - 1, True, False)


def test_agg_trade() -> None:
    assert parse(AGG) == AggTrade(3, 18, 6_168_599, 17, T, T - 1, True)


def test_book_ticker_with_and_without_event_time() -> None:
    assert parse(TICKER) == BookTicker(3, 5, 100, 200_000, 101, 300_000, 0)
    assert parse({**TICKER, "e": "bookTicker", "E": T}) == BookTicker(
        3, 5, 100, 200_000, 101, 300_000, T
    )


def test_book_quantities_finer_than_a_lot_are_rounded_down() -> None:
    message = parse({**TICKER, "B": "25.42618900", "A": "0.000001"})

    assert isinstance(message, BookTicker)
    assert (message.bid_qty, message.ask_qty) == (2_542_618, 0)


def test_mark_price_is_rounded_to_the_nearest_tick() -> None:
    assert parse(MARK) == MarkPrice(3, 1_179_416, T)


def test_an_array_gives_each_of_its_messages() -> None:
    other = {**MARK, "s": "ETHUSDT"}
    frame = orjson.dumps({"stream": "!markPrice@arr", "data": [MARK, other, 7, MARK]})
    messages = Parser([BTC]).parse(frame)

    assert messages == (
        MarkPrice(3, 1_179_416, T),
        Ignored("unknown_symbol"),
        Malformed("not_an_object"),
        MarkPrice(3, 1_179_416, T),
    )


def test_depth_of_spot_and_of_futures() -> None:
    bids, asks = [["0.24", "10"]], [["0.26", "0"]]

    assert parse(DEPTH) == DepthUpdate(3, 157, 160, NO_ID, T, bids, asks)
    assert parse({**DEPTH, "pu": 149}) == DepthUpdate(3, 157, 160, 149, T, bids, asks)
    assert parse({"stream": "btcusdt@depth@100ms", "data": DEPTH}) == parse(DEPTH)


def test_partial_books_are_snapshots() -> None:
    book = {"lastUpdateId": 9, "bids": [["1", "2"]], "asks": []}

    assert parse({"stream": "btcusdt@depth20", "data": book}) == DepthSnapshot(
        3, 9, [["1", "2"]], [], True
    )
    assert parse({**book, "symbol": "BTCUSDT"}) == DepthSnapshot(3, 9, [["1", "2"]], [], False)
    assert parse(book) == DepthSnapshot(3, 9, [["1", "2"]], [], False), "there is only one symbol"
    assert parse({"stream": "btcusdt@depth5@100ms", "data": DEPTH}) == DepthSnapshot(
        3, 160, [["0.24", "10"]], [["0.26", "0"]], True
    )


def test_a_snapshot_that_could_be_of_two_symbols_is_ignored() -> None:
    eth = VenueSymbol("ETHUSDT", 4, Decimal("0.01"), Decimal("0.0001"))
    frame = b'{"lastUpdateId":160,"bids":[],"asks":[]}'

    assert Parser([BTC, eth]).parse(frame) == (Ignored("unknown_symbol"),)


def test_levels_are_whole_numbers_or_nothing() -> None:
    parser = Parser([BTC])

    assert parser.levels(3, [["0.24", "10"], ["0.25", "0"]]) == [(24, 1_000_000), (25, 0)]
    for bad in (["0", "1"], ["1", "-1"], ["1"], ["x", "1"], ["1.001", "1"], ["1", 1]):
        assert parser.levels(3, [["0.24", "10"], bad]) is None  # type: ignore[list-item]


def test_control_frames() -> None:
    assert parse({"result": None, "id": 1}) == Control(1, "")
    assert parse({"result": ["btcusdt@trade"], "id": "x"}) == Control("x", "")
    refused = parse({"code": 2, "msg": "Invalid request: too many parameters"})

    assert isinstance(refused, Control)
    assert "too many parameters" in refused.error
    assert parse({"error": {"code": 2, "msg": "no"}, "id": None}) == Control(
        None, "{'code': 2, 'msg': 'no'}"
    )


def test_server_shutdown_raw_and_enveloped() -> None:
    event = {"e": "serverShutdown", "E": T}

    assert parse(event) == ServerShutdown(T)
    assert parse({"stream": "!serverShutdown", "data": event}) == ServerShutdown(T)


def test_unknown_kinds_and_symbols_are_ignored() -> None:
    assert parse({"e": "kline", "s": "BTCUSDT", "k": {}}) == Ignored("unknown_kind")
    assert parse({"openInterest": "1"}) == Ignored("unknown_kind")
    for document in (TRADE, AGG, TICKER, MARK, DEPTH):
        assert parse({**document, "s": "DOGEUSDT"}) == Ignored("unknown_symbol")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"p":NaN}', "not_json"),
        (b"[" * 5000, "not_json"),
        (b"7", "not_an_object"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        ({"stream": "x", "data": None}, "not_an_object"),
        ({"stream": 7, "data": TRADE}, "wrong_type"),
        ({**TRADE, "e": ["trade"]}, "wrong_type"),
        ({**TRADE, "s": {}}, "wrong_type"),
        ({key: value for key, value in TRADE.items() if key != "p"}, "missing_field"),
        ({**TRADE, "p": 61685.99}, "not_a_decimal"),
        ({**TRADE, "p": "NaN"}, "not_a_decimal"),
        ({**TRADE, "p": "1e5"}, "not_a_decimal"),
        ({**TRADE, "p": "0.00"}, "not_positive"),
        ({**TRADE, "p": "-1"}, "not_positive"),
        ({**TRADE, "q": "0"}, "not_positive"),
        ({**TRADE, "p": "1.001"}, "off_grid"),
        ({**TRADE, "q": "0.000001"}, "off_grid"),
        ({**TRADE, "p": "99999999999999"}, "out_of_bounds"),
        ({**TRADE, "t": "17"}, "bad_id"),
        ({**TRADE, "t": True}, "bad_id"),
        ({**TRADE, "t": 2**63}, "bad_id"),
        ({**TRADE, "E": 1.5}, "bad_time"),
        ({**TRADE, "E": 2**60}, "bad_time"),
        ({**TRADE, "T": 0}, "bad_time"),
        ({**TICKER, "b": "1.01"}, "crossed_book"),
        ({**TICKER, "b": "0.00"}, "not_positive"),
        ({**TICKER, "A": "-1"}, "not_positive"),
        ({**TICKER, "a": "1.011"}, "off_grid"),
        ({**DEPTH, "U": 161}, "bad_id"),
        ({**DEPTH, "b": "x"}, "wrong_type"),
        ({**MARK, "p": "0.001"}, "not_positive"),
    ],
)
def test_malformed_frames_have_a_reason(document: Any, reason: str) -> None:
    assert parse(document) == Malformed(reason)


def test_oversized_frames_are_not_even_parsed() -> None:
    assert parse(orjson.dumps(TRADE), frame_bytes_max=50) == Malformed("oversized")


def test_off_grid_prices_can_be_rounded_instead() -> None:
    message = parse({**TRADE, "p": "1.005"}, round_off_grid=True)

    assert isinstance(message, Trade)
    assert message.price == 101


def test_recorded_messages_of_every_market_parse_to_their_kind() -> None:
    """Each of 51 recorded messages: kind, symbol, price, quantity, side and times, exactly."""
    lines = recording("binance-crypto-msg-parser", "binance_raw_messages.jsonl")
    with recording("binance-crypto-msg-parser", "index.csv").open() as table:
        index = list(csv.DictReader(table))
    fine = Decimal("0.000001")
    counts: dict[str, int] = {}
    for row, line in zip(index, lines.read_bytes().splitlines(), strict=True):
        document = orjson.loads(line)
        data = document.get("data", document)
        several = data if isinstance(data, list) else [data]
        names = sorted({each.get("s", each.get("symbol", "")) for each in several} - {""})
        symbols = [VenueSymbol(name, at, fine, fine) for at, name in enumerate(names or ["ANY"])]
        messages = Parser(symbols).parse(line)
        assert len(messages) == len(several), row
        for message, each in zip(messages, several, strict=True):
            counts[type(message).__name__] = counts.get(type(message).__name__, 0) + 1
            if isinstance(message, AggTrade):
                assert message.price == int(Decimal(each["p"]) / fine)
                assert message.qty == int(Decimal(each["q"]) / fine)
                assert (message.event_ms, message.trade_ms) == (each["E"], each["T"])
                assert message.buyer_is_maker is each["m"]
                assert message.trade_id == each["a"]
            elif isinstance(message, BookTicker):
                assert message.bid == int(Decimal(each["b"]) / fine)
                assert message.ask_qty == int(Decimal(each["A"]) / fine)
            elif isinstance(message, MarkPrice):
                assert abs(message.price - Decimal(each["p"]) / fine) <= Decimal("0.5")
            elif isinstance(message, DepthUpdate):
                assert (message.first_id, message.last_id) == (each["U"], each["u"])
                assert message.previous_id == each.get("pu", NO_ID)

    assert "Malformed" not in counts
    assert counts["AggTrade"] == 5
    assert counts["BookTicker"] == 5
    assert counts["DepthUpdate"] + counts["DepthSnapshot"] >= 10
    assert counts["MarkPrice"] >= 4
