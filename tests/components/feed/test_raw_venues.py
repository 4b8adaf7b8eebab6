"""Several venues, recorded before they are parsed, give the same prices and the same book again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.raw_recorder import venue_of
from components.feed.raw_replay import replay_raw
from components.feed.settings import FeedSettings, RecordedSettings
from components.feed.source import run_feed
from components.instruments import InstrumentTable
from components.messages.code import FLAG_STALE, OP_PRICE
from components.messages.command import Commands
from components.oracle.raw import raw_path
from components.oracle.raw.reader import read_entries
from components.oracle.raw.tail import CLOSED, DOWN, FRAME, OPENED, STARTED
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from components.venue.server import VenueServer
from disruptor.errors import ConfigurationError

from .conftest import Collected, FakeClock
from .live_feed import LIMIT_S, SETTINGS, trade
from .local_book import LocalBook
from .other_venue import OtherVenue, until
from .test_kraken import ASKS, BIDS, CHECKSUM, book_frame
from .test_other_venues import Feeding, kraken_trade, match, play, venue_settings

FIELDS = ["side", "symbol", "price", "qty", "origin_ts", "expires", "flags"]
MIRROR = OrderFlowSettings(kind="mirror", levels=10)
NO_FLOW = OrderFlowSettings(kind="none")

Script = Callable[[Feeding, OtherVenue, OtherVenue, VenueServer], Awaitable[None]]


def lived(
    instruments: InstrumentTable, path: Path, script: Script, flow: OrderFlowSettings = MIRROR
) -> Feeding:
    """Kraken, Coinbase and Binance, recorded in ``path``."""

    async def run() -> Feeding:
        async with (
            asyncio.timeout(LIMIT_S),
            OtherVenue() as kraken,
            OtherVenue() as coinbase,
            VenueServer() as binance,
        ):
            venues = (
                venue_settings("kraken", kraken.base_url, ("trade", "depth")),
                venue_settings("coinbase", coinbase.base_url),
                venue_settings("binance", binance.base_url),
            )
            settings = replace(SETTINGS, mode="venues", venues=venues, order_flow=flow)

            async def all_there(feed: Feeding) -> None:
                await kraken.asked(requests=2)
                await coinbase.asked()
                await until(lambda: bool(binance.clients) and bool(binance.clients[-1].streams))
                await script(feed, kraken, coinbase, binance)

            return await play(instruments, settings, all_there, raw=raw_path(path))()

    return asyncio.run(run())


async def a_day(
    feed: Feeding, kraken: OtherVenue, coinbase: OtherVenue, binance: VenueServer
) -> None:
    """A book, trades of all three in turns, a cut of two, a gap, and trades again."""
    await kraken.send(book_frame("snapshot", BIDS, ASKS, CHECKSUM))
    for number in range(1, 6):
        await kraken.send(kraken_trade(number, f"5000{number}.0"))
        await coinbase.send(match(number, f"5001{number}.00"))
        await binance.publish("btcusdt@trade", trade(number))
    await feed.until_prices(15)
    kraken.cut()
    coinbase.cut()
    await kraken.asked(connections=2, requests=2)
    await coinbase.asked(connections=2)
    await feed.until_prices(17)
    await kraken.send(b"nonsense", kraken_trade(8, "50008.0"))
    await coinbase.send(match(6, "50016.00"))
    await feed.until_prices(19)


class Day(NamedTuple):
    """What was live, and where it is recorded."""

    live: Feeding
    path: Path


@pytest.fixture(scope="module")
def day(instruments: InstrumentTable, tmp_path_factory: pytest.TempPathFactory) -> Day:
    path = tmp_path_factory.mktemp("day")
    return Day(lived(instruments, path, a_day), path)


def replayed(
    path: Path, instruments: InstrumentTable, settings: FeedSettings
) -> tuple[Commands, InMemoryFeedMetrics]:
    """What a feed that knows nothing of the venues makes of the recording."""
    recorded = replace(settings, mode="recorded", recorded=RecordedSettings(str(path), speed=0.0))
    collected, metrics = Collected(), InMemoryFeedMetrics()
    work = run_feed(recorded, instruments, collected, asyncio.Event(), metrics, clock=FakeClock())
    asyncio.run(work)
    return collected.commands, metrics


def prices_of(commands: Commands) -> list[list[object]]:
    """By venue, those that a frame gave, and those that say that a price is stale."""
    prices = commands[commands["op"] == OP_PRICE]
    return [prices[FIELDS][prices["side"] == venue].tolist() for venue in range(3)]


def test_each_venues_prices_come_again_and_the_mirrored_book_too(
    instruments: InstrumentTable, day: Day
) -> None:
    live = day.live
    commands, metrics = replayed(day.path, instruments, replace(SETTINGS, order_flow=MIRROR))
    local = LocalBook(instruments)
    local.apply(commands[commands["op"] != OP_PRICE])

    assert prices_of(commands) == prices_of(live.commands)
    assert [len(each) for each in prices_of(commands)] == [7, 7, 5]
    assert FLAG_STALE in commands["flags"]
    assert metrics.gaps == live.metrics.gaps == {0: 1}
    assert metrics.malformed_by_reason == live.metrics.malformed_by_reason == {"not_json": 1}
    assert local.levels(0, 20) == live.local_levels()


def test_every_entry_says_of_which_venue_it_is(day: Day) -> None:
    entries = list(read_entries(raw_path(day.path)))

    def of(kind: int) -> list[int]:
        return [venue_of(each.source) for each in entries if each.kind == kind]

    assert [each.kind for each in entries].count(STARTED) == 1
    assert sorted(of(OPENED)) == [0, 0, 1, 1, 2]
    assert sorted(of(CLOSED)) == [0, 0, 1, 1, 2]
    assert {0, 1} <= set(of(DOWN))
    assert [of(FRAME).count(venue) >= 5 for venue in range(3)] == [True] * 3
    opened = [orjson.loads(each.payload)["connection"] for each in entries if each.kind == OPENED]
    assert set(opened) == {"kraken", "coinbase", "spot-1.1"}
    assert day.live.metrics.recorded_bytes == sum(
        len(each.payload) for each in entries if each.kind == FRAME
    )


def test_replay_raw_finds_each_venues_prices_in_the_platforms_journal(day: Day) -> None:
    with Journal.open_writer(day.path, STREAM_DTYPES, sync="off") as journal:
        journal.append([("commands", 1, [day.live.commands])])
    told = replay_raw(day.path, speed=0.0)

    assert told.ok
    assert told.journaled == told.matched == told.prices == 17


def test_a_later_feed_with_other_venues_is_played_by_its_own(
    instruments: InstrumentTable, tmp_path: Path
) -> None:
    lives = [lived(instruments, tmp_path, a_day, NO_FLOW).commands]

    async def only_coinbase() -> Feeding:
        async with asyncio.timeout(LIMIT_S), OtherVenue() as coinbase:
            venues = (venue_settings("coinbase", coinbase.base_url),)
            settings = replace(SETTINGS, mode="venues", venues=venues, order_flow=NO_FLOW)

            async def script(feed: Feeding) -> None:
                await coinbase.asked()
                await coinbase.send(match(1, "50000.00"))
                await feed.until_prices(1)

            return await play(instruments, settings, script, raw=raw_path(tmp_path))()

    lives.append(asyncio.run(only_coinbase()).commands)
    commands, _ = replayed(tmp_path, instruments, replace(SETTINGS, order_flow=NO_FLOW))
    first, second = map(prices_of, lives)

    assert prices_of(commands) == [a + b for a, b in zip(first, second, strict=True)]


def test_a_recording_of_symbols_that_are_not_configured_is_refused(
    instruments: InstrumentTable, day: Day
) -> None:
    with pytest.raises(ConfigurationError, match="the recording of kraken has BTCUSDT"):
        replayed(
            day.path,
            instruments,
            replace(SETTINGS, symbols=("ETHUSDT",), order_flow=NO_FLOW),
        )
