"""Coinbase Exchange's frames, in the shapes of its public documentation."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feed.coinbase_messages import CoinbaseParser
from components.feed.venue_messages import (
    NO_ID,
    Control,
    DepthSnapshot,
    DepthUpdate,
    Ignored,
    Malformed,
    Trade,
    VenueSymbol,
)

from .test_kraken import JSON

BTC = VenueSymbol("BTC-USD", 0, Decimal("0.01"), Decimal("0.00001"))
MATCH = (
    b'{"type":"match","trade_id":10,"sequence":50,'
    b'"maker_order_id":"ac928c66-ca53-498f-9c13-a110027a60e8",'
    b'"taker_order_id":"132fb6ae-456b-4654-b4e0-d681ac05cea1",'
    b'"time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD",'
    b'"size":"5.23512999","price":"400.23","side":"sell"}'
)
SNAPSHOT = (
    b'{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45054140"]],'
    b'"asks":[["10102.55","0.57753524"]]}'
)
UPDATE = (
    b'{"type":"l2update","product_id":"BTC-USD","time":"2019-08-14T20:42:27.265Z",'
    b'"changes":[["buy","10101.80000000","0.162567"],["sell","10102.55","0.00000000"]]}'
)


def parser() -> CoinbaseParser:
    return CoinbaseParser([BTC])


def test_a_match_is_a_trade_and_names_the_makers_side() -> None:
    ms = 1_415_348_367_028

    assert parser().parse(MATCH) == (Trade(0, 10, 40_023, 523_512, ms, ms, False, True),)
    assert parser().parse(MATCH.replace(b'"match"', b'"last_match"')) == parser().parse(MATCH)
    (bought,) = parser().parse(MATCH.replace(b'"side":"sell"', b'"side":"buy"'))
    assert isinstance(bought, Trade)
    assert bought.buyer_is_maker


def test_a_snapshot_and_its_changes_are_numbered_here() -> None:
    venue = parser()
    (snapshot,) = venue.parse(SNAPSHOT)
    (first,) = venue.parse(UPDATE)
    (second,) = venue.parse(UPDATE)

    assert isinstance(snapshot, DepthSnapshot)
    assert isinstance(first, DepthUpdate)
    assert isinstance(second, DepthUpdate)
    assert snapshot.last_id + 1 == first.first_id == first.last_id
    assert first.last_id + 1 == second.first_id
    assert first.previous_id == NO_ID
    assert first.event_ms == 1_565_815_347_265
    assert venue.levels(0, snapshot.bids) == [(1_010_110, 45_054)]
    assert venue.levels(0, first.bids) == [(1_010_180, 16_256)]
    assert venue.levels(0, first.asks) == [(1_010_255, 0)]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (
            b'{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}',
            Control(None, ""),
        ),
        (
            b'{"type":"error","message":"Failed to subscribe","reason":"XX-YY is not valid"}',
            Control(None, "Failed to subscribe XX-YY is not valid"),
        ),
        (b'{"type":"heartbeat","sequence":90,"last_trade_id":20}', Ignored("heartbeat")),
        (b'{"type":"ticker"}', Ignored("unknown_kind")),
        (MATCH.replace(b"BTC-USD", b"ETH-USD"), Ignored("unknown_symbol")),
        (UPDATE.replace(b"BTC-USD", b"ETH-USD"), Ignored("unknown_symbol")),
        (SNAPSHOT.replace(b"BTC-USD", b"ETH-USD"), Ignored("unknown_symbol")),
        (b"", Malformed("not_json")),
        (b"3", Malformed("not_an_object")),
        (b"{}", Malformed("missing_field")),
        (MATCH.replace(b'"400.23"', b"400.23"), Malformed("not_a_decimal")),
        (MATCH.replace(b'"400.23"', b'"0"'), Malformed("not_positive")),
        (MATCH.replace(b'"400.23"', b'"1e400"'), Malformed("not_a_decimal")),
        (MATCH.replace(b'"400.23"', b'"400.231"'), Malformed("off_grid")),
        (MATCH.replace(b'"trade_id":10', b'"trade_id":"10"'), Malformed("bad_id")),
        (MATCH.replace(b"2014-11-07T08:19:27.028459Z", b"yesterday"), Malformed("bad_time")),
        (UPDATE.replace(b'"buy"', b'"bid"'), Malformed("missing_field")),
        (UPDATE.replace(b'["buy","10101.80000000","0.162567"]', b"[]"), Malformed("wrong_type")),
        (SNAPSHOT.replace(b'[["10101.10","0.45054140"]]', b"{}"), Malformed("wrong_type")),
    ],
)
def test_every_other_frame_is_told_apart(frame: bytes, expected: object) -> None:
    assert parser().parse(frame) == (expected,)


def test_a_frame_too_large_is_not_looked_into() -> None:
    small = CoinbaseParser([BTC], frame_bytes_max=64)

    assert small.parse(MATCH) == (Malformed("oversized"),)


KINDS = st.sampled_from(["match", "snapshot", "l2update", "error", "subscriptions", "last_match"])
KEYS = st.sampled_from(["product_id", "trade_id", "time", "price", "size", "side", "changes"])


@settings(max_examples=200, deadline=None)
@given(KINDS, st.dictionaries(KEYS, JSON))
def test_nothing_raises(kind: str, data: dict[str, object]) -> None:
    data.setdefault("product_id", "BTC-USD")
    frame = json.dumps({"type": kind, **data}).encode()

    assert len(parser().parse(frame)) == 1
    assert len(parser().parse(frame[1:])) == 1
