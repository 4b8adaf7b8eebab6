"""The recording that comes with the project: as its generator makes it, consistent, and falling."""

from __future__ import annotations

import asyncio
import gzip
from decimal import Decimal
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from components.feed.binance_messages import Parser
from components.feed.make_recording import FIRST_TRADE_ID, main, recording_bytes
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.recording import read_recording
from components.feed.settings import FeedSettings, RecordedSettings
from components.feed.source import run_feed
from components.feed.venue_messages import BookTicker, DepthSnapshot, DepthUpdate, VenueSymbol
from components.instruments import InstrumentTable

from .conftest import Collected

SAMPLE = Path(__file__).resolve().parents[3] / "config" / "recordings" / "sample.gz"


def test_the_committed_file_is_what_the_generator_makes(tmp_path: Path) -> None:
    path = tmp_path / "made.gz"
    result = CliRunner().invoke(main, [str(path)])

    assert result.exit_code == 0
    assert gzip.decompress(path.read_bytes()) == recording_bytes()
    assert gzip.decompress(SAMPLE.read_bytes()) == recording_bytes()
    assert SAMPLE.stat().st_size < 400_000


def test_it_plays_without_a_gap_and_falls_by_twelve_percent(instruments: InstrumentTable) -> None:
    settings = FeedSettings(
        mode="recorded",
        recorded=RecordedSettings(str(SAMPLE), speed=0),
        order_flow=OrderFlowSettings(orders_per_second=0),
    )
    collected, metrics = Collected(), InMemoryFeedMetrics()
    asyncio.run(run_feed(settings, instruments, collected, asyncio.Event(), metrics))
    prices = collected.commands["price"] / 100
    seconds = np.ptp(collected.commands["ts"]) / 1e9

    assert abs(prices[0] - 50_000) < 50
    assert 43_000 < prices[-1] < 45_000
    assert 19 < seconds < 21
    assert not metrics.gaps
    assert not metrics.duplicates
    assert not metrics.malformed_by_reason
    assert metrics.frames["trade"] == len(prices) > 500
    assert metrics.frames["book_ticker"] == 1000
    assert metrics.frames["depth"] == 200
    assert metrics.frames["snapshot"] == 1
    assert FIRST_TRADE_ID > 0


def test_its_book_updates_and_its_tickers_tell_of_one_book() -> None:
    parser = Parser([VenueSymbol("BTCUSDT", 0, Decimal("0.01"), Decimal("0.00001"))])
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    ticker: BookTicker | None = None
    for frame in read_recording(SAMPLE, lambda *_: None, line_bytes_max=2**20):
        (message,) = parser.parse(frame.frame)
        if isinstance(message, BookTicker):
            ticker = message
        elif isinstance(message, DepthSnapshot | DepthUpdate):
            for book, pairs in ((bids, message.bids), (asks, message.asks)):
                book.update(parser.levels(0, pairs) or [])
                for price in [price for price, qty in book.items() if qty == 0]:
                    del book[price]
            if ticker is not None:
                assert (max(bids), min(asks)) == (ticker.bid, ticker.ask)
                assert (bids[max(bids)], asks[min(asks)]) == (ticker.bid_qty, ticker.ask_qty)
