"""Kraken's frames, in the shapes of its public documentation, and the checksum of its book."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feed.kraken_book import KrakenBook
from components.feed.kraken_messages import KrakenParser
from components.feed.venue_messages import (
    Control,
    DepthSnapshot,
    Ignored,
    Malformed,
    ServerShutdown,
    Trade,
    VenueSymbol,
)

BTC = VenueSymbol("BTC/USD", 0, Decimal("0.1"), Decimal("0.00000001"))
BIDS = [
    ["45283.5", "0.10000000"],
    ["45283.4", "1.54582015"],
    ["45282.1", "0.10000000"],
    ["45281.0", "0.10000000"],
    ["45280.3", "1.54592586"],
    ["45279.0", "0.07990000"],
    ["45277.6", "0.03310103"],
    ["45277.5", "0.30000000"],
    ["45277.3", "1.54602737"],
    ["45276.6", "0.15445238"],
]
ASKS = [
    ["45285.2", "0.00100000"],
    ["45286.4", "1.54571953"],
    ["45286.6", "1.54571109"],
    ["45289.6", "1.54560911"],
    ["45290.2", "0.15890660"],
    ["45291.8", "1.54553491"],
    ["45294.7", "0.04454749"],
    ["45296.1", "0.35380000"],
    ["45297.5", "0.09945542"],
    ["45299.5", "0.18772827"],
]
CHECKSUM = 3310070434
"""What the venue's guide says for these twenty levels."""


def levels(pairs: list[list[str]]) -> str:
    return ",".join(f'{{"price":{price},"qty":{qty}}}' for price, qty in pairs)


def book_frame(
    kind: str, bids: list[list[str]], asks: list[list[str]], checksum: int, symbol: str = "BTC/USD"
) -> bytes:
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}",'
        f'"bids":[{levels(bids)}],"asks":[{levels(asks)}],"checksum":{checksum},'
        f'"timestamp":"2023-10-06T17:35:55.440295Z"}}]}}'
    ).encode()


TRADE = (
    b'{"channel":"trade","type":"update","data":['
    b'{"symbol":"BTC/USD","side":"sell","price":45283.4,"qty":0.00050000,"ord_type":"market",'
    b'"trade_id":4665906,"timestamp":"2023-09-25T07:49:37.708706Z"},'
    b'{"symbol":"BTC/USD","side":"buy","price":45285,"qty":2,"ord_type":"limit",'
    b'"trade_id":4665907,"timestamp":"2023-09-25T07:49:37.708706Z"}]}'
)


def parser() -> KrakenParser:
    return KrakenParser([BTC])


def checksum_of(bids: list[list[str]], asks: list[list[str]]) -> int:
    book = KrakenBook(10)
    book.replace(bids, asks)
    return book.checksum()


def test_the_checksum_is_the_guides() -> None:
    assert checksum_of(BIDS, ASKS) == CHECKSUM
    assert checksum_of(BIDS[::-1], ASKS[::-1]) == CHECKSUM, "whatever their order"
    assert checksum_of(BIDS[1:], ASKS) != CHECKSUM


def test_a_frame_of_trades() -> None:
    ms = 1_695_628_177_708

    assert parser().parse(TRADE) == (
        Trade(0, 4_665_906, 452_834, 50_000, ms, ms, True, True),
        Trade(0, 4_665_907, 452_850, 200_000_000, ms, ms, False, True),
    )


def test_a_book_is_handed_on_whole_after_each_change() -> None:
    venue = parser()
    (first,) = venue.parse(book_frame("snapshot", BIDS, ASKS, CHECKSUM))
    bids = [["45284.0", "0.50000000"], *BIDS[1:]]
    change = [["45284.0", "0.50000000"], ["45283.5", "0.00000000"]]
    (second,) = venue.parse(book_frame("update", change, [], checksum_of(bids, ASKS)))

    assert isinstance(first, DepthSnapshot)
    assert isinstance(second, DepthSnapshot)
    assert (first.bids, first.asks) == (BIDS, ASKS)
    assert (second.bids, second.asks) == (bids, ASKS)
    assert second.last_id > first.last_id
    assert venue.levels(0, second.bids[:1]) == [(452_840, 50_000_000)]


def test_a_level_that_falls_out_of_the_depth_is_forgotten() -> None:
    venue = parser()
    venue.parse(book_frame("snapshot", BIDS, ASKS, CHECKSUM))
    better = ["45284.9", "1.00000000"]
    (deep,) = venue.parse(
        book_frame("update", [better], [], checksum_of([better, *BIDS[:9]], ASKS))
    )

    assert isinstance(deep, DepthSnapshot)
    assert deep.bids == [better, *BIDS[:9]]


def test_a_wrong_checksum_voids_the_book_until_a_snapshot() -> None:
    venue = parser()
    venue.parse(book_frame("snapshot", BIDS, ASKS, CHECKSUM))
    broken = venue.parse(book_frame("update", [["45284.0", "0.5"]], [], CHECKSUM))
    after = venue.parse(book_frame("update", [["45284.0", "0"]], [], CHECKSUM))
    (again,) = venue.parse(book_frame("snapshot", BIDS, ASKS, CHECKSUM))

    assert broken[0] == Malformed("bad_checksum")
    assert isinstance(broken[1], DepthSnapshot)
    assert broken[1].bids == broken[1].asks == []
    assert isinstance(broken[2], ServerShutdown)
    assert after == (Ignored("book_without_snapshot"),)
    assert isinstance(again, DepthSnapshot)
    assert again.bids == BIDS


def test_a_new_connection_knows_no_book() -> None:
    venue = parser()
    venue.parse(book_frame("snapshot", BIDS, ASKS, CHECKSUM))
    venue.restart()

    assert venue.parse(book_frame("update", [], [], CHECKSUM)) == (
        Ignored("book_without_snapshot"),
    )


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b'{"channel":"heartbeat"}', Ignored("heartbeat")),
        (b'{"channel":"status","type":"update","data":[{"system":"online"}]}', "unknown_kind"),
        (
            (
                b'{"method":"subscribe","result":{"channel":"trade","symbol":"BTC/USD"},'
                b'"success":true,"req_id":7}'
            ),
            Control(7, ""),
        ),
        (
            (
                b'{"error":"Currency pair not supported XX/YY","method":"subscribe",'
                b'"success":false,"req_id":8}'
            ),
            Control(8, "Currency pair not supported XX/YY"),
        ),
        (book_frame("snapshot", BIDS, ASKS, CHECKSUM, "ETH/USD"), "unknown_symbol"),
        (b"{", Malformed("not_json")),
        (b"[]", Malformed("not_an_object")),
        (b'{"type":"update"}', Malformed("missing_field")),
        (TRADE.replace(b"45283.4", b'"45283.4x"'), Malformed("not_a_decimal")),
        (TRADE.replace(b"45283.4", b"45283.44"), Malformed("off_grid")),
        (TRADE.replace(b"45283.4", b"-45283.4"), Malformed("not_positive")),
        (TRADE.replace(b"45283.4", b"NaN"), Malformed("wrong_type")),
        (TRADE.replace(b"45283.4", b"null"), Malformed("wrong_type")),
        (TRADE.replace(b"4665906", b"-1"), Malformed("bad_id")),
        (TRADE.replace(b"T07:49:37.708706Z", b"T07:49"), Malformed("bad_time")),
    ],
)
def test_every_other_frame_is_told_apart(frame: bytes, expected: object) -> None:
    found = parser().parse(frame)[0]

    assert found == (Ignored(expected) if isinstance(expected, str) else expected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["symbol", "bids", "asks", "checksum", "price", "qty", "trade_id", "timestamp", "side"]
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["book", "trade"]), st.dictionaries(KEYS, JSON), st.text(max_size=8))
def test_nothing_raises(channel: str, data: dict[str, object], kind: str) -> None:
    data.setdefault("symbol", "BTC/USD")
    frame = json.dumps({"channel": channel, "type": kind, "data": [data]}).encode()

    assert parser().parse(frame)
    assert parser().parse(frame[:-3])
