"""A raw journal whose beginning was given up still says what its frames are of, and when not, that."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from components.feed.batch import CommandBatch
from components.feed.binance_messages import Parser
from components.feed.coinbase_messages import CoinbaseParser
from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow import NoOrderFlow
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.publisher import Publisher
from components.feed.raw_replay import replay_raw
from components.feed.raw_session import session_of, session_text
from components.feed.recorded_venues import RecordedVenues
from components.feed.settings import STREAMS, BinanceSettings, FeedSettings, RecordedSettings
from components.feed.source import run_feed
from components.feed.stream_board import Stream
from components.feed.venues import Venue, build_venues
from components.instruments import InstrumentTable
from components.messages.code import OP_PRICE
from components.messages.command import Commands
from components.oracle.raw import raw_path
from components.oracle.raw.reader import read_entries
from components.oracle.raw.tail import CONTINUED, DOWN, FRAME, OPENED, STARTED, Tail
from components.oracle.raw.writer import RawWriter
from components.oracle.store import Journal, JournalError, verify
from components.oracle.store.retention import FOR_EVER, Retention, expire
from components.oracle.store.segments import places
from components.oracle.streams import STREAM_DTYPES

from .conftest import Collected, FakeClock
from .live_feed import SETTINGS
from .test_other_venues import kraken_trade, match, venue_settings

MINUTE_NS = 60_000_000_000
SEGMENT = 1 << 16
KRAKEN, COINBASE = 1, (1 << 12) + 1  # the first connection of each
VENUES = (venue_settings("kraken", ""), venue_settings("coinbase", ""))
LIVE = replace(
    SETTINGS, mode="venues", venues=VENUES, order_flow=OrderFlowSettings(orders_per_second=0)
)


class Recording:
    """A feed's raw journal, written as a feed does, a segment for each step of ``fill``."""

    def __init__(self, journal: Path, retention: Retention = FOR_EVER) -> None:
        self.writer = RawWriter(
            raw_path(journal), segment_bytes=SEGMENT, tail_bytes=1 << 18, retention=retention
        )
        self._chance = random.Random(7)
        self.now_ns = 1_700_000_000_000_000_000

    def add(self, kind: int, source: int, payload: bytes) -> None:
        self.now_ns += MINUTE_NS // 60
        self.writer.add(kind, source, self.now_ns, payload, 0)

    def begin(self, settings: FeedSettings, instruments: InstrumentTable) -> None:
        self.now_ns += MINUTE_NS // 60
        self.writer.begin(self.now_ns, session_text(settings, instruments), 0)

    def trades(self, first: int, last: int) -> None:
        """Trades of both venues, each pair with what fills a segment."""
        for number in range(first, last + 1):
            self.add(FRAME, KRAKEN, kraken_trade(number, f"5000{number % 10}.0"))
            self.add(FRAME, COINBASE, match(number, f"5001{number % 10}.00"))
            self.add(FRAME, KRAKEN, b'{"channel":"heartbeat","x":"%s"}' % self._noise())
            self.writer.cut()

    def _noise(self) -> bytes:
        return self._chance.randbytes(SEGMENT).hex().encode()


def recorded(path: Path, instruments: InstrumentTable, retention: Retention = FOR_EVER) -> None:
    """Eight segments of two venues, of which the retention leaves some."""
    recording = Recording(path, retention)
    recording.begin(LIVE, instruments)
    recording.trades(1, 8)
    recording.writer.close()


def played(
    path: Path, instruments: InstrumentTable, settings: FeedSettings = SETTINGS
) -> tuple[list[tuple[int, int]], InMemoryFeedMetrics]:
    """Venue and price of what a feed of mode recorded publishes."""
    source = replace(
        settings,
        mode="recorded",
        recorded=RecordedSettings(str(path), speed=0.0),
        order_flow=OrderFlowSettings(orders_per_second=0),
    )
    collected, metrics = Collected(), InMemoryFeedMetrics()
    work = run_feed(source, instruments, collected, asyncio.Event(), metrics, clock=FakeClock())
    asyncio.run(work)
    commands = collected.commands
    prices = commands[(commands["op"] == OP_PRICE) & (commands["origin_ts"] > 0)]
    return [(int(each["side"]), int(each["price"])) for each in prices], metrics


def both(first: int, last: int) -> list[tuple[int, int]]:
    """The prices of these trades, Kraken's and Coinbase's in turns."""
    return [
        (venue, price + 10 * (number % 10) * 10)
        for number in range(first, last + 1)
        for venue, price in ((0, 5_000_000), (1, 5_001_000))
    ]


def test_each_segment_begins_with_the_session_and_no_other_block_does(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    recorded(tmp_path, instruments)
    entries = list(read_entries(raw_path(tmp_path)))
    said = [each for each in entries if each.kind in (STARTED, CONTINUED)]

    assert len(places(raw_path(tmp_path))) == 8
    assert [each.kind for each in said] == [STARTED] + [CONTINUED] * 7
    assert {each.payload for each in said} == {session_text(LIVE, instruments)}
    assert verify(raw_path(tmp_path)).ok


def test_blocks_within_a_segment_do_not_repeat_the_session(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    recording = Recording(tmp_path)
    recording.begin(LIVE, instruments)
    for number in range(1, 4):
        recording.add(FRAME, KRAKEN, kraken_trade(number, "50000.0"))
        recording.writer.cut()
    recording.writer.close()

    assert [each.kind for each in read_entries(raw_path(tmp_path))] == [STARTED, *[FRAME] * 3]
    assert verify(raw_path(tmp_path)).ok


@pytest.mark.parametrize("is_full", [True, False])
def test_a_tail_of_the_dead_says_its_session_where_it_begins_a_segment(
    instruments: InstrumentTable, tmp_path: Path, is_full: bool
) -> None:
    recording = Recording(tmp_path)
    recording.begin(LIVE, instruments)
    if is_full:
        recording.trades(1, 1)
    recording.writer.close()
    session = session_text(LIVE, instruments)
    last = Tail(raw_path(tmp_path) / "tail-000000000002", 1 << 16)
    last.add(CONTINUED, 0, 7, session)
    last.add(FRAME, KRAKEN, 7, b"late")
    last.close()
    only_begun = Tail(raw_path(tmp_path) / "tail-000000000003", 1 << 16)
    only_begun.add(CONTINUED, 0, 8, session)
    only_begun.close()
    RawWriter(raw_path(tmp_path), segment_bytes=SEGMENT).close()
    entries = list(read_entries(raw_path(tmp_path)))

    assert entries[-1].payload == b"late"
    assert (entries[-2].kind == CONTINUED) == is_full
    assert not list(raw_path(tmp_path).glob("tail-*"))


def test_what_retention_left_is_played_by_the_venues_it_is_of(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    recorded(tmp_path, instruments, Retention(keep=3))
    prices, metrics = played(tmp_path, instruments)

    assert len(places(raw_path(tmp_path))) == 3
    assert prices == both(6, 8)
    assert not metrics.malformed_by_reason


def test_a_session_that_goes_on_in_a_new_segment_starts_no_decoder_anew(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    recording = Recording(tmp_path)
    recording.begin(LIVE, instruments)
    recording.trades(1, 3)
    recording.trades(2, 3)  # known already
    recording.trades(6, 6)
    recording.writer.close()
    prices, metrics = played(tmp_path, instruments)

    assert prices == both(1, 3) + both(6, 6)
    assert metrics.duplicates.total() == 4
    assert metrics.gaps.total() == 2


def test_a_session_is_known_until_the_recording_starts_again(instruments: InstrumentTable) -> None:
    batch, metrics = _batch(instruments)
    venues = RecordedVenues(SETTINGS, instruments, batch, NoOrderFlow(), metrics)
    session = session_text(LIVE, instruments)
    venues.go_on(session)
    first = venues.venues
    venues.go_on(session)
    assert venues.venues is first
    venues.restart()
    venues.go_on(session_text(SETTINGS, instruments))

    assert [type(each.parser) for each in venues.venues] == [Parser]


def test_binance_alone_follows_on_another_venue_alone(instruments: InstrumentTable) -> None:
    batch, metrics = _batch(instruments)
    venues = RecordedVenues(SETTINGS, instruments, batch, NoOrderFlow(), metrics)
    venues.begin(session_text(replace(LIVE, venues=VENUES[1:]), instruments))
    assert [type(each.parser) for each in venues.venues] == [CoinbaseParser]
    venues.begin(session_text(SETTINGS, instruments))

    assert [type(each.parser) for each in venues.venues] == [Parser]


def test_a_raw_replay_asks_only_for_prices_of_what_retention_left(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    recorded(tmp_path, instruments)
    journaled = _commands_of(tmp_path, instruments)
    with Journal.open_writer(tmp_path, STREAM_DTYPES, sync="off") as journal:
        journal.append([("commands", 1, [journaled])])
    whole = replay_raw(tmp_path, speed=0.0)
    expire(raw_path(tmp_path), Retention(keep=3))
    left = replay_raw(tmp_path, speed=0.0)

    assert (whole.ok, whole.journaled, whole.prices) == (True, 16, 16)
    assert (left.ok, left.prices) == (True, 6)
    assert left.journaled >= 5  # the first one is of the same moment as the session before it


def without_sessions(journal: Path, instruments: InstrumentTable, later: bool) -> None:
    """A journal as older versions wrote it, once the segment with its session is gone."""
    recording = Recording(journal)
    recording.add(OPENED, COINBASE, b"{}")
    recording.add(DOWN, COINBASE, b'[["trade","BTC-USD"]]')
    recording.trades(1, 2)
    if later:
        recording.begin(LIVE, instruments)
        recording.trades(3, 4)
    recording.writer.close()


def test_frames_before_the_first_session_are_counted_and_passed_over(
    instruments: InstrumentTable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    without_sessions(tmp_path, instruments, later=True)
    prices, metrics = played(tmp_path, instruments)

    assert prices == both(3, 4)
    assert metrics.malformed_by_reason == {"no_session": 6}
    assert f"{raw_path(tmp_path)}:3 dropped: no_session" in caplog.text


def test_without_any_session_only_the_first_venue_is_played(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    without_sessions(tmp_path, instruments, later=False)
    prices, metrics = played(tmp_path, instruments)

    assert not prices
    assert metrics.malformed_by_reason["no_session"] == 2
    with pytest.raises(JournalError, match="does not say what its frames are of"):
        replay_raw(tmp_path, speed=0.0)


def _batch(instruments: InstrumentTable) -> tuple[CommandBatch, InMemoryFeedMetrics]:
    metrics = InMemoryFeedMetrics()
    publisher = Publisher(Collected(), Ingress(len(instruments), metrics), metrics, 64)
    return CommandBatch(publisher, 64), metrics


def _commands_of(path: Path, instruments: InstrumentTable) -> Commands:
    """What a feed published while it recorded."""
    settings, table = session_of(session_text(LIVE, instruments), path, 0.0)
    collected = Collected()
    work = run_feed(settings, table, collected, asyncio.Event(), InMemoryFeedMetrics())
    asyncio.run(work)
    return collected.commands


def deadlines(venues: Sequence[Venue]) -> list[dict[str, int]]:
    """Of each venue, how long each kind may be silent, ns."""
    return [
        {kind: each.decoder.board.entry(Stream(kind, 0)).deadline_ns for kind in STREAMS}
        for each in venues
    ]


@pytest.mark.parametrize(
    "live",
    [
        FeedSettings(mode="binance"),
        FeedSettings(mode="binance", binance=BinanceSettings(stale_after_s=7.0)),
        FeedSettings(mode="venues", venues=VENUES[:1]),
        FeedSettings(mode="venues", venues=(replace(VENUES[0], stale_after_s=3.0), *VENUES[1:])),
        FeedSettings(
            mode="venues", venues=VENUES, binance=BinanceSettings(deadlines_s={"trade": 2.0})
        ),
    ],
)
def test_a_replay_gives_each_stream_the_deadline_that_it_had_live(
    instruments: InstrumentTable, tmp_path: Path, live: FeedSettings
) -> None:
    batch, metrics = _batch(instruments)
    flow = NoOrderFlow()
    had = build_venues(live, instruments, batch, flow, metrics, live.order_flow.levels)
    session = session_text(live, instruments)
    settings, table = session_of(session, tmp_path, 0.0)
    venues = RecordedVenues(settings, table, batch, flow, metrics)
    venues.begin(session)

    assert deadlines(venues.venues) == deadlines(had)
    assert len(had) == max(1, len(live.venues))
