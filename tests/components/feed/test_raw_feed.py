"""What a live feed recorded gives the same prices again, faults included."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.raw_recording import raw_journal_in, read_raw
from components.feed.raw_session import session_of
from components.feed.settings import FeedSettings
from components.feed.source import run_feed
from components.instruments import InstrumentTable
from components.messages.code import FLAG_STALE, OP_PRICE
from components.messages.command import Commands
from components.oracle.raw import raw_path
from components.oracle.raw.reader import read_entries
from components.oracle.raw.tail import BOOK, CLOSED, DOWN, FRAME, OPENED, STARTED
from components.oracle.store import verify
from components.venue.faults import FaultSettings
from components.venue.server import Conduct
from disruptor.errors import ConfigurationError

from .conftest import Collected, FakeClock
from .live_feed import SETTINGS, LiveFeed, play, with_binance

FIELDS = ["symbol", "price", "qty", "origin_ts", "expires", "flags"]


def replayed(
    path: Path, settings: FeedSettings, instruments: InstrumentTable, speed: float = 0.0
) -> tuple[Commands, InMemoryFeedMetrics]:
    recorded = replace(
        settings, mode="recorded", recorded=replace(settings.recorded, path=str(path), speed=speed)
    )
    collected, metrics = Collected(), InMemoryFeedMetrics()
    work = run_feed(recorded, instruments, collected, asyncio.Event(), metrics, clock=FakeClock())
    asyncio.run(work)
    commands = collected.commands
    return commands[commands["op"] == OP_PRICE], metrics


async def trouble(feed: LiveFeed) -> None:
    """Drops, doubles, nonsense, a cut, and trades on both sides of it."""
    await feed.subscribed()
    await feed.trades(1, 60)
    await feed.until(lambda: feed.metrics.frames["trade"] >= 50)
    feed.venue.cut_all()
    await feed.subscribed(connections=2)
    await feed.trades(61, 90)
    await feed.trades(7, 9, "ETHUSDT")
    await feed.until(lambda: 1 in feed.price_commands["symbol"])


@pytest.fixture
def recorded(instruments: InstrumentTable, tmp_path: Path) -> LiveFeed:
    faults = FaultSettings(drop_every=13, duplicate_every=5, malformed_every=17)
    return play(instruments, trouble, conduct=Conduct(faults), raw=raw_path(tmp_path))


def test_a_replay_of_the_raw_journal_gives_the_prices_that_were_live(
    recorded: LiveFeed, instruments: InstrumentTable, tmp_path: Path
) -> None:
    commands, metrics = replayed(tmp_path, SETTINGS, instruments)
    slowly, _ = replayed(tmp_path, SETTINGS, instruments, speed=2.0)

    assert commands[FIELDS].tolist() == recorded.price_commands[FIELDS].tolist()
    assert slowly.tobytes() == commands.tobytes()
    assert FLAG_STALE in recorded.flags
    assert metrics.gaps == recorded.metrics.gaps
    assert metrics.duplicates == recorded.metrics.duplicates
    assert metrics.malformed_by_reason == recorded.metrics.malformed_by_reason
    assert verify(raw_path(tmp_path)).ok


def test_it_says_what_became_of_connections_and_explains_itself(
    recorded: LiveFeed, tmp_path: Path
) -> None:
    entries = list(read_entries(raw_path(tmp_path)))
    kinds = [entry.kind for entry in entries]
    opened = [orjson.loads(entry.payload) for entry in entries if entry.kind == OPENED]
    settings, table = session_of(entries[0].payload, tmp_path, 1.0)

    assert kinds[0] == STARTED
    assert kinds.count(OPENED) == 2
    assert kinds.index(CLOSED) < kinds.index(DOWN) < len(kinds) - 1 - kinds[::-1].index(OPENED)
    assert [each["connection"] for each in opened] == ["spot-1.1", "spot-1.2"]
    assert settings.symbols == SETTINGS.symbols
    assert settings.trust == SETTINGS.trust
    assert table["ETHUSDT"].index == 1
    assert recorded.metrics.recorded_bytes == sum(
        len(each.payload) for each in entries if each.kind in (FRAME, BOOK)
    )


def test_frames_of_an_overlap_are_recorded_in_the_order_in_which_they_were_used(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    settings = with_binance(replace_after_s=0.05)
    sent = 0

    async def script(feed: LiveFeed) -> None:
        nonlocal sent
        await feed.subscribed()
        while feed.metrics.replacements < 2:
            sent += 1
            await feed.trades(sent, sent)
            await asyncio.sleep(0.001)

    feed = play(instruments, script, settings=settings, raw=raw_path(tmp_path))
    commands, metrics = replayed(tmp_path, settings, instruments)

    assert commands[FIELDS].tolist() == feed.price_commands[FIELDS].tolist()
    assert not metrics.gaps


def test_a_second_session_is_not_taken_for_a_gap_of_the_first(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    async def first(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 3)
        await feed.published(3)

    async def second(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(10, 12)
        await feed.published(3)

    lives = [
        play(instruments, script, raw=raw_path(tmp_path)).price_commands
        for script in (first, second)
    ]
    commands, metrics = replayed(tmp_path, SETTINGS, instruments)

    assert commands[FIELDS].tolist() == np.concatenate(lives)[FIELDS].tolist()
    assert not metrics.gaps


def test_a_folder_without_a_raw_journal_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no raw journal"):
        raw_journal_in(tmp_path)
    with pytest.raises(ConfigurationError, match="no raw journal"):
        next(read_raw(tmp_path, lambda *_: None))
