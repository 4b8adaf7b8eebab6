"""Real recordings, mirrored: after each change Titan's book is the venue's, to the last lot."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from components.feed.batch import CommandBatch
from components.feed.decoder import Decoder
from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.mirror_books import MirrorBooks
from components.feed.mirror_flow import MirrorFlow
from components.feed.publisher import Publisher
from components.feed.recording import read_recording
from components.feed.settings import FeedSettings
from components.instruments import Instrument, InstrumentTable
from components.messages.code import EVENT_REJECTED, EVENT_TRADE, OP_PRICE
from tests.recordings import recording

from .conftest import Collected
from .local_book import LocalBook
from .test_real_recordings import COINM, MARKETS, SPOT, USDM, Market, market_parser

LEVELS = 20
CHANGES = 250
"""Changes of each recording that the default run compares."""

Frames = list[tuple[int, bytes]]


def depth_frames(market: Market, count: int) -> Frames:
    """The depth of a recording: updates before the snapshot, it, and ``count`` updates after."""
    found: Frames = []
    path = recording("binance-hftbacktest", market.file)
    after = -1
    for received_ns, frame, *_ in read_recording(path, lambda *_: None, line_bytes_max=2**20):
        if b'"lastUpdateId"' in frame:
            after = 0
        elif b'"depthUpdate"' not in frame:
            continue
        elif after >= 0:
            after += 1
        found.append((received_ns, bytes(frame)))
        if after == count:
            break
    return found


class PlainBook:
    """The venue's book by a dictionary of Decimals; shares no code with the feed's."""

    def __init__(self, market: Market) -> None:
        self._tick, self._lot = Decimal(market.tick), Decimal(market.lot)
        self._sides: dict[str, dict[Decimal, Decimal]] | None = None
        self._last_id = 0
        self._early: list[dict[str, Any]] = []

    def take(self, frame: bytes) -> None:
        document = json.loads(frame)
        data = document.get("data", document)
        if "lastUpdateId" in data:
            self._sides = {"b": {}, "a": {}}
            self._last_id = data["lastUpdateId"]
            self._set({"b": data["bids"], "a": data["asks"]})
            for early in self._early:
                self._update(early)
        elif self._sides is None:
            self._early.append(data)
        else:
            self._update(data)

    def lose(self) -> None:
        self._sides = None
        self._early = []

    def top(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        if self._sides is None:
            return [], []
        return self._levels("b", reverse=True), self._levels("a", reverse=False)

    def _levels(self, side: str, *, reverse: bool) -> list[tuple[int, int]]:
        assert self._sides is not None
        levels = sorted(self._sides[side].items(), reverse=reverse)
        steps = [(int(price / self._tick), int(qty / self._lot)) for price, qty in levels]
        return [level for level in steps if level[1] > 0][:LEVELS]

    def _update(self, data: dict[str, Any]) -> None:
        if data["u"] > self._last_id:
            self._set(data)

    def _set(self, data: dict[str, Any]) -> None:
        assert self._sides is not None
        for side in ("b", "a"):
            for price, qty in data[side]:
                if Decimal(qty):
                    self._sides[side][Decimal(price)] = Decimal(qty)
                else:
                    self._sides[side].pop(Decimal(price), None)


class MirroredVenue:
    """The feed's own path from frames to commands, and Titan at its end."""

    def __init__(self, market: Market) -> None:
        # Ticks and lots are whole numbers to Titan; the instrument's own grid is any that it allows.
        table = InstrumentTable([Instrument("MIRRORED", 0, Decimal("0.01"), Decimal("0.00001"))])
        settings = FeedSettings()
        self.metrics = InMemoryFeedMetrics()
        self.collected = Collected()
        ingress = Ingress(len(table), self.metrics)
        batch = CommandBatch(Publisher(self.collected, ingress, self.metrics, 4_096), 4_096)
        flow = MirrorFlow(9001, LEVELS)
        parser = market_parser(market)
        books = MirrorBooks(flow, parser, batch, lambda: self.decoder.received_ns)
        self.decoder = Decoder(settings, parser, batch, flow, self.metrics, books)
        self.local = LocalBook(table)
        self.commands_most = 0

    def take(self, received_ns: int, frame: bytes) -> None:
        """One frame to its end; what it sends is accepted and trades with nobody."""
        self.collected.batches.clear()
        self.decoder.take(received_ns, received_ns, frame)
        self.decoder.flush()
        commands = self.collected.commands
        self.commands_most = max(self.commands_most, len(commands))
        assert (commands["ts"] == received_ns).all()
        events = self.local.apply(commands[commands["op"] != OP_PRICE])
        assert not ((events["kind"] == EVENT_REJECTED) | (events["kind"] == EVENT_TRADE)).any()


def assert_followed(market: Market, changes: int) -> None:
    venue, plain = MirroredVenue(market), PlainBook(market)
    compared = 0
    for received_ns, frame in depth_frames(market, changes):
        venue.take(received_ns, frame)
        plain.take(frame)
        expected = plain.top()

        assert venue.local.levels(0, LEVELS) == expected
        compared += len(expected[0]) == LEVELS
    assert compared > min(changes, market.agreeing - 10)
    assert venue.commands_most <= 4 * LEVELS
    assert not venue.metrics.malformed_by_reason
    assert not venue.metrics.resyncs


@pytest.mark.parametrize("market", MARKETS, ids=lambda each: each.file)
def test_the_local_book_is_the_venues_after_each_change(market: Market) -> None:
    assert_followed(market, CHANGES)


@pytest.mark.soak
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("market", MARKETS, ids=lambda each: each.file)
def test_the_whole_recording_is_followed(market: Market) -> None:
    assert_followed(market, market.depth)


@pytest.mark.parametrize("market", [USDM, SPOT, COINM], ids=lambda each: each.file)
def test_a_missing_change_withdraws_the_book_until_the_next_snapshot(market: Market) -> None:
    frames = depth_frames(market, 60)
    snapshot = next(each for each in frames if b'"lastUpdateId"' in each[1])
    missing = len(frames) - 30
    venue, plain = MirroredVenue(market), PlainBook(market)
    for received_ns, frame in frames[:missing]:
        venue.take(received_ns, frame)
        plain.take(frame)
    assert venue.local.levels(0, LEVELS) == plain.top() != ([], [])

    for received_ns, frame in frames[missing + 1 :]:
        venue.take(received_ns, frame)
        assert venue.local.levels(0, LEVELS) == ([], [])
    assert venue.metrics.resyncs == {0: 1}
    assert venue.decoder.books.wanted() == [0]

    plain.lose()
    last_id = json.loads(frames[-1][1])["data"]["u"]
    document = json.loads(snapshot[1])
    document["lastUpdateId"] = last_id
    again = json.dumps(document).encode()
    venue.take(frames[-1][0], again)
    plain.take(again)

    assert venue.local.levels(0, LEVELS) == plain.top() != ([], [])
