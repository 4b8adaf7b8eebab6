"""Real recordings through reader, parser and sequence check, against an independent count.

The expected figures are those that the data's own description states, and a second script in this
file counts them again with ``json`` and ``Decimal``, sharing no code with the feed.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from components.feed.binance_messages import Parser
from components.feed.gaps import GAP, IN_ORDER, SequenceCheck
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.recording import read_recording
from components.feed.settings import FeedSettings, RecordedSettings
from components.feed.source import run_feed
from components.feed.symbol_words import new_words
from components.feed.venue_messages import (
    AggTrade,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    Ignored,
    Malformed,
    Message,
    Trade,
    VenueSymbol,
)
from components.instruments import Instrument, InstrumentTable
from tests.recordings import recording

from .conftest import Collected


class Market(NamedTuple):
    file: str
    symbol: str
    tick: str
    lot: str
    depth: int
    tickers: int
    trades: int
    first_id: int
    total: str
    low: str
    high: str
    agreeing: int  # depth updates, at least, after which the book equals the ticker


USDM = Market(
    "usdm_btcusdt_20240808.gz",
    *("BTCUSDT", "0.1", "0.001", 6551, 66089, 21313, 5266583935),
    *("2429.366", "61590.30", "61839.90", 6545),
)
SPOT = Market(
    "spot_btcusdt_20240808.gz",
    *("BTCUSDT", "0.01", "0.00001", 3451, 28040, 9757, 3735683259),
    *("212.03315", "61583.22", "61860.80", 3448),
)
COINM = Market(
    "cm_btcusd_perp_20240808.gz",
    *("BTCUSD_PERP", "0.1", "1", 26847, 19136, 2286, 849714402),
    *("83241", "61610.0", "61845.0", 26819),
)
MARKETS = [USDM, SPOT, COINM]


def messages_of(market: Market) -> list[Message]:
    broken: list[str] = []
    path = recording("binance-hftbacktest", market.file)
    parser = market_parser(market)
    messages: list[Message] = []
    for frame in read_recording(
        path, lambda reason, *_: broken.append(reason), line_bytes_max=2**20
    ):
        messages.extend(parser.parse(frame.frame))
    assert broken == []
    return messages


def market_parser(market: Market) -> Parser:
    return Parser([VenueSymbol(market.symbol, 0, Decimal(market.tick), Decimal(market.lot))])


def plain_count(path: Path) -> tuple[Counter[str], Decimal, Decimal, Decimal]:
    """Counts by kind, total quantity, lowest and highest price of trades; shares no code."""
    kinds: Counter[str] = Counter()
    total, low, high = Decimal(0), Decimal("Infinity"), Decimal(0)
    with gzip.open(path, "rt") as lines:
        for line in lines:
            data = json.loads(line.split(" ", 1)[1])
            data = data.get("data", data)
            kind = data.get("e") or ("snapshot" if "lastUpdateId" in data else "bookTicker")
            kinds[kind] += 1
            if kind == "trade":
                price = Decimal(data["p"])
                total += Decimal(data["q"])
                low, high = min(low, price), max(high, price)
    return kinds, total, low, high


@pytest.mark.parametrize("market", MARKETS, ids=lambda each: each.file)
def test_counts_totals_and_prices_are_exact_and_nothing_is_missing(market: Market) -> None:
    kinds, total, low, high = plain_count(recording("binance-hftbacktest", market.file))
    messages = messages_of(market)
    by_type = Counter(type(each) for each in messages)
    trades = [each for each in messages if isinstance(each, Trade)]
    check = SequenceCheck(new_words(4))
    verdicts: Counter[int] = Counter()
    for each in messages:
        if isinstance(each, Trade):
            verdicts[check.trade(each)] += 1
        elif isinstance(each, DepthUpdate):
            verdicts[check.depth(each)] += 1
        elif isinstance(each, BookTicker):
            verdicts[check.book_ticker(each)] += 1

    assert by_type == {
        DepthUpdate: market.depth,
        BookTicker: market.tickers,
        Trade: market.trades,
        DepthSnapshot: 1,
    }
    assert kinds == {
        "depthUpdate": market.depth,
        "bookTicker": market.tickers,
        "trade": market.trades,
        "snapshot": 1,
    }
    assert verdicts == {IN_ORDER: market.depth + market.tickers + market.trades}
    tick, lot = Decimal(market.tick), Decimal(market.lot)
    assert sum(each.qty for each in trades) * lot == total == Decimal(market.total)
    assert min(each.price for each in trades) * tick == low == Decimal(market.low)
    assert max(each.price for each in trades) * tick == high == Decimal(market.high)
    assert [each.trade_id for each in trades] == list(
        range(market.first_id, market.first_id + market.trades)
    )
    assert all(each.moves_price for each in trades)


@pytest.mark.parametrize("market", [SPOT, USDM], ids=lambda each: each.file)
def test_any_one_missing_depth_update_is_noticed(market: Market) -> None:
    updates = [each for each in messages_of(market) if isinstance(each, DepthUpdate)][:400]
    for missing in range(1, len(updates) - 1):
        check = SequenceCheck(new_words(4))
        around = updates[max(missing - 2, 0) : missing] + updates[missing + 1 : missing + 3]
        verdicts = [check.depth(each) for each in around]

        assert verdicts.count(GAP) == 1, missing


@pytest.mark.parametrize("market", MARKETS, ids=lambda each: each.file)
def test_levels_rebuild_the_book_that_the_tickers_show(market: Market) -> None:
    """Snapshot plus updates equals the independent ticker stream, price and size, every time."""
    messages = messages_of(market)
    parser = market_parser(market)
    tickers = [each for each in messages if isinstance(each, BookTicker)]
    updates = [each for each in messages if isinstance(each, DepthUpdate)]
    (snapshot,) = [each for each in messages if isinstance(each, DepthSnapshot)]
    bids = dict(parser.levels(0, snapshot.bids) or [])
    asks = dict(parser.levels(0, snapshot.asks) or [])
    agreeing, at = 0, 0
    for update in updates:
        while at < len(tickers) and tickers[at].update_id <= update.last_id:
            at += 1
        if update.last_id <= snapshot.last_id:
            continue
        for book, pairs in ((bids, update.bids), (asks, update.asks)):
            levels = parser.levels(0, pairs)
            assert levels is not None
            for price, qty in levels:
                book[price] = qty
                if qty == 0:
                    del book[price]
        if at:
            bid, ask = max(bids), min(asks)
            ticker = tickers[at - 1]
            assert (bid, bids[bid], ask, asks[ask]) == (
                ticker.bid,
                ticker.bid_qty,
                ticker.ask,
                ticker.ask_qty,
            )
            agreeing += 1

    assert agreeing >= market.agreeing


@pytest.mark.parametrize("market", [USDM, SPOT], ids=lambda each: each.file)
def test_the_whole_feed_publishes_every_trade_once(market: Market) -> None:
    path = recording("binance-hftbacktest", market.file)
    table = InstrumentTable(
        [Instrument(market.symbol, 0, Decimal(market.tick), Decimal(market.lot))]
    )
    settings = FeedSettings(
        mode="recorded",
        recorded=RecordedSettings(str(path), speed=0),
        order_flow=OrderFlowSettings(orders_per_second=0),
    )
    collected, metrics = Collected(), InMemoryFeedMetrics()
    asyncio.run(run_feed(settings, table, collected, asyncio.Event(), metrics))
    commands = collected.commands

    assert len(commands) == market.trades
    assert int(commands["qty"].sum()) * Decimal(market.lot) == Decimal(market.total)
    assert metrics.prices == {0: market.trades}
    assert not metrics.gaps
    assert not metrics.duplicates
    assert not metrics.malformed_by_reason
    assert len(metrics.latencies) == market.trades
    assert min(metrics.latencies) == 0, "the recorder's clock was behind, latency is not negative"


@pytest.mark.parametrize(
    ("file", "symbols", "counts", "agg_trades"),
    [
        (
            "BINANCE_FUTURES.ws.1.0.gz",
            ("SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"),
            {DepthUpdate: 764, BookTicker: 613, AggTrade: 91, Ignored: 67},
            {0: 40, 1: 8, 2: 5, 3: 38},
        ),
        (
            "BINANCE.ws.1.0.gz",
            ("NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"),
            {DepthUpdate: 177, BookTicker: 84, AggTrade: 2, Ignored: 2},
            None,
        ),
    ],
)
def test_four_symbols_interleaved_on_one_connection(
    file: str,
    symbols: tuple[str, ...],
    counts: dict[type, int],
    agg_trades: dict[int, int] | None,
) -> None:
    grid = Decimal("0.000001") if "FUTURES" in file else Decimal("0.00000001")
    parser = Parser(
        [VenueSymbol(name, at, grid, Decimal("0.001")) for at, name in enumerate(symbols)]
    )
    found: Counter[type] = Counter()
    by_symbol: Counter[int] = Counter()
    check = SequenceCheck(new_words(4))
    path = recording("binance-cryptofeed", file)
    for frame in read_recording(path, lambda *_: None, line_bytes_max=2**20):
        for message in parser.parse(frame.frame):
            found[type(message)] += 1
            assert not isinstance(message, Malformed)
            if isinstance(message, AggTrade):
                by_symbol[message.symbol] += 1
                assert check.agg_trade(message) == IN_ORDER
            elif isinstance(message, DepthUpdate):
                assert check.depth(message) == IN_ORDER
            elif isinstance(message, BookTicker):
                assert check.book_ticker(message) == IN_ORDER

    assert found == counts
    if agg_trades is not None:
        assert by_symbol == agg_trades
