"""The mirror through the whole feed: the recording that comes with the project, and partial books."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import numpy as np
import orjson

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.recording import read_recording
from components.feed.settings import FeedSettings, RecordedSettings
from components.feed.source import run_feed
from components.instruments import InstrumentTable
from components.messages.code import OP_CANCEL_ALL, OP_PRICE
from components.messages.command import Commands

from .conftest import Collected, FakeClock
from .local_book import Levels, LocalBook

SAMPLE = Path(__file__).resolve().parents[3] / "config" / "recordings" / "sample.gz"
LEVELS = 10


def mirrored(path: Path, instruments: InstrumentTable) -> Commands:
    """All orders of a feed that plays a recording to its end, as fast as it can."""
    settings = FeedSettings(
        mode="recorded",
        recorded=RecordedSettings(path=str(path), speed=0),
        order_flow=OrderFlowSettings(kind="mirror", levels=LEVELS),
    )
    collected, metrics = Collected(), InMemoryFeedMetrics()
    asyncio.run(
        run_feed(settings, instruments, collected, asyncio.Event(), metrics, clock=FakeClock())
    )
    commands = collected.commands

    assert not metrics.malformed_by_reason
    assert not metrics.resyncs
    return commands[commands["op"] != OP_PRICE]


def venues_last_book() -> tuple[Levels, Levels]:
    """What the recording's frames come to, by a dictionary a side."""
    sides: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}
    for line in read_recording(SAMPLE, lambda *_: None, line_bytes_max=2**20):
        document = orjson.loads(line.frame)
        data = document.get("data", document)
        changes = {"b": data.get("bids", []), "a": data.get("asks", [])}
        if data.get("e") == "depthUpdate":
            changes = data
        for side, known in sides.items():
            for price_text, qty_text in changes[side]:
                known[Decimal(price_text)] = Decimal(qty_text)
    books = []
    for side, highest_first in (("b", True), ("a", False)):
        levels = sorted(sides[side].items(), reverse=highest_first)
        whole = [(int(price * 100), int(qty * 100_000)) for price, qty in levels]
        books.append([level for level in whole if level[1]][:LEVELS])
    return books[0], books[1]


def test_the_sample_recording_ends_with_the_venues_book(instruments: InstrumentTable) -> None:
    orders = mirrored(SAMPLE, instruments)
    local = LocalBook(instruments)
    local.apply(orders[:-1])

    assert orders["op"][0] == orders["op"][-1] == OP_CANCEL_ALL
    assert local.levels(0, LEVELS) == venues_last_book()
    assert len(local.levels(0, LEVELS)[0]) == LEVELS
    local.apply(orders[-1:])
    assert local.levels(0, LEVELS) == ([], [])


def test_partial_books_are_followed_one_by_one(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    generator = np.random.default_rng(5)
    lines, books = [], []
    for number in range(1, 60):
        middle = 50_000 + int(generator.integers(-5, 6))
        quantities = generator.integers(1, 9, (2, LEVELS)).tolist()
        bids = [(middle - 1 - at, qty) for at, qty in enumerate(quantities[0])]
        asks = [(middle + 1 + at, qty) for at, qty in enumerate(quantities[1])]
        data = {
            "lastUpdateId": number,
            "bids": [[f"{price}.00", f"{qty}.00000"] for price, qty in bids],
            "asks": [[f"{price}.00", f"{qty}.00000"] for price, qty in asks],
        }
        frame = orjson.dumps({"stream": "btcusdt@depth20@100ms", "data": data}).decode()
        lines.append(f"{number}000000000 {frame}\n")
        books.append(
            [[(price * 100, qty * 100_000) for price, qty in side] for side in (bids, asks)]
        )
    path = tmp_path / "partial.txt"
    path.write_text("".join(lines))
    orders = mirrored(path, instruments)
    local = LocalBook(instruments)
    local.apply(orders[:1])

    for number, (bids, asks) in enumerate(books, 1):
        local.apply(orders[1:-1][orders[1:-1]["ts"] == number * 10**9])
        assert local.levels(0, LEVELS) == (bids, asks)
