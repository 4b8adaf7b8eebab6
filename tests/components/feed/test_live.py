"""The live feed against a stand-in venue, through real sockets: every fault, and what comes of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from components.feed.backoff import Backoff
from components.feed.binance_streams import lines, snapshot_address
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.settings import BinanceSettings, FeedSettings
from components.feed.source import run_feed, traded_instruments
from components.feed.stream_board import CONNECTING, DOWN, LIVE, STALE, SUBSCRIBED
from components.instruments import InstrumentTable
from components.messages.code import FLAG_STALE, FLAG_SUSPECT, OP_CANCEL_ALL, OP_PLACE
from components.messages.command import Commands
from components.venue.faults import FaultSettings
from components.venue.server import Conduct, VenueServer
from disruptor.errors import ConfigurationError

from .conftest import Collected
from .live_feed import (
    FIRST_MS,
    LIMIT_S,
    SETTINGS,
    LiveFeed,
    mark,
    play,
    ticks,
    trade,
    with_binance,
)


def test_frames_arrive_as_commands_with_the_three_times(instruments: InstrumentTable) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 2)
        await feed.trades(7, 7, "ETHUSDT")
        await feed.published(3)

    feed = play(instruments, script)
    commands = feed.price_commands

    assert feed.prices == [*ticks(1, 2), *ticks(7, 7)]
    assert commands["symbol"].tolist() == [0, 0, 1]
    assert commands["origin_ts"].tolist() == [(FIRST_MS + n) * 10**6 for n in (1, 2, 7)]
    assert commands["expires"].tolist() == [(FIRST_MS + n - 1) * 10**6 for n in (1, 2, 7)]
    assert (commands["ts"] > commands["origin_ts"]).all()
    assert min(feed.metrics.latencies) >= 0
    assert feed.metrics.reconnects == 0
    assert feed.flags == [0, 0, 0]


def test_a_stream_is_live_after_data_not_after_the_answer(instruments: InstrumentTable) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.until(lambda: feed.states()[-1:] == [SUBSCRIBED])
        await feed.trades(1, 1)
        await feed.published(1)

    feed = play(instruments, script)

    assert feed.states()[:3] == [CONNECTING, SUBSCRIBED, LIVE]
    assert feed.states("trade", 1)[:2] == [CONNECTING, SUBSCRIBED]
    assert LIVE not in feed.states("trade", 1)


def test_a_cut_is_mended_what_was_lost_is_counted_and_the_price_suspect(
    instruments: InstrumentTable,
) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 5)
        await feed.published(5)
        feed.venue.cut_all()
        await feed.subscribed(connections=2)
        await feed.trades(8, 9)
        await feed.published(8)

    feed = play(instruments, script)

    assert feed.prices == [*ticks(1, 5), *ticks(5, 5), *ticks(8, 9)]
    assert feed.flags == [0, 0, 0, 0, 0, FLAG_STALE, FLAG_SUSPECT, 0]
    assert feed.metrics.gaps == {0: 1}
    assert feed.metrics.suspects == {(0, "gap"): 1}
    assert feed.metrics.stale_count == {0: 1}
    assert feed.metrics.reconnects == 1
    assert feed.states()[2:6] == [LIVE, DOWN, CONNECTING, SUBSCRIBED]
    assert feed.states()[6] == LIVE


def test_what_was_received_before_a_cut_is_not_doubled(instruments: InstrumentTable) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 5)
        await feed.published(5)
        feed.venue.cut_all()
        await feed.subscribed(connections=2)
        await feed.trades(4, 9)
        await feed.published(10)

    feed = play(instruments, script)

    assert [p for p, f in zip(feed.prices, feed.flags, strict=True) if not f] == ticks(1, 9)
    assert feed.metrics.duplicates == {0: 2}
    assert not feed.metrics.gaps


@pytest.mark.parametrize("how", ["old age", "notice"])
def test_a_replacement_overlaps_loses_nothing_and_doubles_nothing(
    instruments: InstrumentTable, how: str
) -> None:
    """Trades flow all the time, from before the successor connects until the old one is gone."""
    settings = with_binance(replace_after_s=0.05 if how == "old age" else 3600.0)
    sent = 0

    async def script(feed: LiveFeed) -> None:
        nonlocal sent
        await feed.subscribed()
        if how == "notice":
            await feed.venue.announce_shutdown()
        while feed.metrics.replacements < (3 if how == "old age" else 1):
            sent += 1
            await feed.trades(sent, sent)
            await asyncio.sleep(0.001)
        await feed.trades(sent + 1, sent + 20)
        await feed.until(lambda: feed.prices[-1:] == ticks(sent + 20, sent + 20))

    feed = play(instruments, script, settings=settings)

    assert feed.prices == ticks(1, sent + 20)
    assert set(feed.flags) == {0}
    assert feed.metrics.reconnects == 0
    assert not feed.metrics.gaps
    assert DOWN not in feed.states()


def test_a_venue_that_cuts_at_an_age_with_notice_is_never_down(
    instruments: InstrumentTable,
) -> None:
    conduct = Conduct(life_s=60.0, notice_s=59.9)
    sent = 0

    async def script(feed: LiveFeed) -> None:
        nonlocal sent
        await feed.subscribed()
        while feed.metrics.replacements < 2:
            sent += 1
            await feed.trades(sent, sent)
            await asyncio.sleep(0.001)

    feed = play(instruments, script, conduct=conduct)

    assert feed.metrics.reconnects == 0
    assert DOWN not in feed.states()


def test_a_primary_that_is_cut_while_its_successor_holds_is_followed_at_once(
    instruments: InstrumentTable,
) -> None:
    settings = with_binance(replace_after_s=0.001, overlap_s=600.0)

    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.subscribed(connections=2)
        await feed.trades(1, 10)
        await feed.published(10)
        feed.venue.clients[0].cut()
        await feed.until(lambda: feed.metrics.replacements == 1)
        await feed.trades(11, 12)
        await feed.published(12)

    feed = play(instruments, script, settings=settings)

    assert feed.prices == ticks(1, 12)
    assert feed.metrics.duplicates == {0: 10}
    assert feed.metrics.reconnects == 0
    assert not feed.metrics.gaps


async def trade_until(feed: LiveFeed, condition: Callable[[], bool], after: int = 0) -> None:
    """Send trades, whoever is connected, until it is so."""
    while not condition():
        after += 1
        await feed.trades(after, after)
        await asyncio.sleep(0.01)


def test_silence_on_an_open_connection_is_stale_and_ended(instruments: InstrumentTable) -> None:
    settings = with_binance(stale_after_s=0.3)

    async def script(feed: LiveFeed) -> None:
        await trade_until(feed, lambda: bool(feed.prices))
        feed.venue.conduct.is_frozen = True
        lost = feed.metrics.reconnects
        await feed.until(lambda: FLAG_STALE in feed.flags and feed.metrics.reconnects > lost)
        feed.venue.conduct.is_frozen = False
        await trade_until(feed, lambda: feed.flags[-1] != FLAG_STALE, after=1_000)

    feed = play(instruments, script, settings=settings)
    first = feed.flags.index(FLAG_STALE)

    assert feed.prices[first] == feed.prices[first - 1]
    assert DOWN in feed.states()


def test_one_silent_stream_goes_stale_while_the_others_live(instruments: InstrumentTable) -> None:
    settings = replace(with_binance(deadlines_s={"trade": 0.2}), price_from="trade")

    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 1)
        number = 0
        while feed.metrics.stale_count[0] == 0:
            number += 1
            ticker = b'{"u":%d,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}' % number
            await feed.venue.publish("btcusdt@bookTicker", ticker)
            await asyncio.sleep(0.005)

    feed = play(instruments, script, settings=settings)

    assert feed.flags == [0, FLAG_STALE]
    assert feed.states()[-1] in (STALE, DOWN)
    assert STALE in feed.states()
    assert STALE not in feed.states("book_ticker")
    assert feed.metrics.reconnects == 0


def test_an_answer_without_data_never_makes_a_stream_live(instruments: InstrumentTable) -> None:
    settings = with_binance(stale_after_s=0.2)

    async def script(feed: LiveFeed) -> None:
        await feed.until(lambda: feed.metrics.reconnects >= 2)

    feed = play(instruments, script, settings=settings, conduct=Conduct(is_frozen=True))

    assert SUBSCRIBED in feed.states()
    assert LIVE not in feed.states()
    assert feed.metrics.frames["control"] >= 1
    assert feed.prices == []


@pytest.mark.parametrize("conduct", [Conduct(acknowledges=False), Conduct(reads=False)])
def test_a_venue_that_does_not_answer_is_left(
    instruments: InstrumentTable, conduct: Conduct
) -> None:
    settings = with_binance(acknowledge_within_s=0.1)

    async def script(feed: LiveFeed) -> None:
        await feed.until(lambda: feed.metrics.reconnects >= 2)
        conduct.acknowledges = conduct.reads = True
        await feed.until(lambda: feed.states()[-1] == SUBSCRIBED)
        await feed.until(lambda: any(len(c.streams) == 4 for c in feed.venue.clients))
        number = 1
        while not feed.prices:
            await feed.trades(number, number)
            number += 1
            await asyncio.sleep(0.01)

    feed = play(instruments, script, settings=settings, conduct=conduct)

    assert LIVE in feed.states()


def test_a_refusal_is_not_taken_for_a_subscription(
    instruments: InstrumentTable, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.until(lambda: feed.metrics.reconnects >= 1)

    feed = play(instruments, script, conduct=Conduct(refuses=True))

    assert SUBSCRIBED not in feed.states()
    assert "the venue refused" in caplog.text


def test_reordered_trades_are_put_in_order_and_none_is_lost(instruments: InstrumentTable) -> None:
    settings = replace(SETTINGS, reorder_ms=10_000.0)

    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 300)
        await feed.published(300)

    faults = FaultSettings(reorder_every=7, duplicate_every=11)
    feed = play(instruments, script, settings=settings, conduct=Conduct(faults))

    assert feed.prices == ticks(1, 300)
    assert set(feed.flags) == {0}
    assert not feed.metrics.gaps
    assert feed.metrics.duplicates[0] > 10


def test_dropped_trades_are_gaps_and_make_the_next_price_suspect(
    instruments: InstrumentTable,
) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 24)
        await feed.published(22)

    feed = play(instruments, script, conduct=Conduct(FaultSettings(drop_every=11)))

    assert feed.prices == [*ticks(1, 10), *ticks(12, 21), *ticks(23, 24)]
    assert feed.metrics.gaps == {0: 2}
    assert [n for n, flag in enumerate(feed.flags) if flag == FLAG_SUSPECT] == [10, 20]


def test_malformed_frames_are_counted_and_the_rest_goes_on(instruments: InstrumentTable) -> None:
    async def script(feed: LiveFeed) -> None:
        client = await feed.subscribed()
        await feed.trades(1, 3)
        for frame in (trade(9).replace(b"50009.00", b"NaN"), b"[1,2]", b"\xff\xfe"):
            await feed.venue.send(client, frame if frame[0] < 128 else b"\x00")
        await feed.trades(4, 4)
        await feed.published(4)

    feed = play(instruments, script, conduct=Conduct(FaultSettings(malformed_every=2)))

    assert feed.prices == ticks(1, 4)
    assert feed.metrics.malformed_by_reason == {
        "not_json": 3,
        "not_a_decimal": 1,
        "not_an_object": 2,
    }
    assert feed.metrics.reconnects == 0


def test_a_giant_frame_ends_the_connection_and_is_counted(instruments: InstrumentTable) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 2)
        await feed.until(lambda: feed.metrics.reconnects == 1)
        await feed.subscribed(connections=2)
        await feed.trades(2, 2)
        await feed.until(lambda: feed.prices[-1:] == ticks(2, 2))

    feed = play(instruments, script, conduct=Conduct(FaultSettings(giant_every=2)))

    assert feed.metrics.malformed_by_reason == {"oversized": 1}
    assert feed.prices == [*ticks(1, 1), *ticks(1, 1), *ticks(2, 2)]
    assert feed.flags == [0, FLAG_STALE, 0]


def test_a_frame_that_comes_byte_by_byte_is_taken_whole(instruments: InstrumentTable) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 3)
        await feed.published(3)

    feed = play(instruments, script, conduct=Conduct(byte_pause_s=0.0))

    assert feed.prices == ticks(1, 3)
    assert not feed.metrics.malformed_by_reason
    assert feed.metrics.reconnects == 0


def test_a_frame_that_trickles_for_too_long_is_given_up_with_its_connection(
    instruments: InstrumentTable,
) -> None:
    conduct = Conduct()
    trickled: list[int] = []

    async def script(feed: LiveFeed) -> None:
        await trade_until(feed, lambda: bool(feed.prices))
        conduct.byte_pause_s = 0.05  # so that a frame would take eight seconds
        lost, number = feed.metrics.reconnects, 1_000
        while feed.metrics.reconnects == lost:
            number += 1
            trickled.extend(ticks(number, number))
            await feed.trades(number, number)
            await asyncio.sleep(0.01)
        conduct.byte_pause_s = None
        await trade_until(feed, lambda: feed.flags[-1] != FLAG_STALE, after=number)

    feed = play(instruments, script, conduct=conduct, settings=with_binance(stale_after_s=0.5))

    assert not set(trickled) & set(feed.prices)
    assert FLAG_STALE in feed.flags
    assert DOWN in feed.states()
    assert not feed.metrics.malformed_by_reason


def test_pings_between_the_fragments_of_a_frame_are_answered_and_the_frame_is_whole(
    instruments: InstrumentTable,
) -> None:
    async def script(feed: LiveFeed) -> None:
        client = await feed.subscribed()
        await feed.trades(1, 3)
        await feed.published(3)
        await feed.until(lambda: not client.pings)

    feed = play(instruments, script, conduct=Conduct(fragment_bytes=16))

    assert feed.prices == ticks(1, 3)
    assert not feed.metrics.malformed_by_reason
    assert feed.venue.violations == []


def test_the_limit_of_a_frame_counts_all_its_fragments_whatever_comes_between(
    instruments: InstrumentTable,
) -> None:
    conduct = Conduct(FaultSettings(giant_every=2), fragment_bytes=4_096)

    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 2)
        await feed.until(lambda: feed.metrics.reconnects == 1)
        await feed.subscribed(connections=2)
        await feed.trades(2, 2)
        await feed.until(lambda: feed.prices[-1:] == ticks(2, 2))

    feed = play(instruments, script, conduct=conduct)

    assert feed.metrics.malformed_by_reason == {"oversized": 1}
    assert feed.flags == [0, FLAG_STALE, 0]


def test_a_wrong_price_is_suspect_and_an_absurd_one_dropped(instruments: InstrumentTable) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        for number, price in enumerate(("50000", "50010", "45000", "50020", "5", "50030"), 1):
            await feed.venue.publish("btcusdt@trade", trade(number, price=price))
        await feed.published(5)

    feed = play(instruments, script)

    assert feed.prices == [5_000_000, 5_001_000, 4_500_000, 5_002_000, 5_003_000]
    assert feed.flags == [0, 0, FLAG_SUSPECT, 0, 0]
    assert feed.metrics.malformed_by_reason == {"out_of_band": 1}
    assert feed.metrics.suspects == {(0, "jump"): 1}


def test_a_step_of_the_venue_s_clock_gives_no_negative_latency(
    instruments: InstrumentTable,
) -> None:
    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 5)
        for number in range(6, 11):
            late = trade(number).replace(b'"E":17', b'"E":19', 1)
            await feed.venue.publish("btcusdt@trade", late)
        await feed.published(10)

    feed = play(instruments, script)

    assert feed.prices == ticks(1, 10)
    assert len(feed.metrics.latencies) == 10
    assert min(feed.metrics.latencies) >= 0


def test_pings_are_answered_with_their_payload_and_requests_keep_the_limit(
    instruments: InstrumentTable,
) -> None:
    conduct = Conduct(ping_every_s=0.01, pong_within_s=60.0)
    answered = 0

    async def script(feed: LiveFeed) -> None:
        nonlocal answered
        client = await feed.subscribed()
        await feed.until(lambda: len(client.pings) > 0)
        waiting = set(client.pings)
        await feed.until(lambda: not waiting & set(client.pings))
        answered = len(waiting)

    feed = play(instruments, script, conduct=conduct)

    assert answered >= 1
    assert feed.venue.violations == []


def test_many_streams_are_asked_for_in_batches_within_the_limit(
    instruments: InstrumentTable,
) -> None:
    """250 symbols: three requests, granted by their ids."""
    names = [f"S{number}" for number in range(250)]
    base = instruments["BTCUSDT"]
    table = InstrumentTable(
        [replace(base, name=name, index=index) for index, name in enumerate(names)]
    )
    settings = replace(with_binance(streams=("trade",)), symbols=tuple(names))

    async def script(feed: LiveFeed) -> None:
        client = await feed.subscribed(streams=250)
        await feed.until(lambda: feed.states("trade", 249)[-1:] == [SUBSCRIBED])
        assert [len(each["params"]) for each in client.requests] == [100, 100, 50]
        assert [each["id"] for each in client.requests] == [1, 2, 3]

    feed = play(table, script, settings=settings, conduct=Conduct(frames_per_s_max=5))

    assert feed.venue.violations == []
    assert feed.metrics.reconnects == 0


def test_futures_streams_go_over_their_routes(instruments: InstrumentTable) -> None:
    settings = replace(
        with_binance(market="usdm", streams=("trade", "mark_price")),
        symbols=("BTCUSDT",),
        price_from="mark_price",
    )

    async def script(feed: LiveFeed) -> None:
        await feed.until(
            lambda: (
                {each.path for each in feed.venue.clients if each.streams}
                == {"/public/stream", "/market/stream"}
            )
        )
        await feed.trades(1, 1)
        for number in range(1, 4):
            await feed.venue.publish("btcusdt@markPrice@1s", mark(number, f"5000{number}.004"))
        await feed.published(3)

    feed = play(instruments, script, settings=settings, is_futures=True)

    assert feed.prices == [5_000_100, 5_000_200, 5_000_300]
    assert feed.metrics.frames["trade"] == 1


def test_a_broken_book_is_built_anew(instruments: InstrumentTable) -> None:
    settings = with_binance(streams=("depth",))
    asked = 0

    def depth(first: int, last: int) -> bytes:
        return (
            b'{"e":"depthUpdate","E":1723161255000,"s":"BTCUSDT","U":%d,"u":%d,"b":[],"a":[]}'
            % (first, last)
        )

    async def script(feed: LiveFeed) -> None:
        nonlocal asked
        at = 100

        def book() -> dict[str, object]:
            nonlocal asked
            asked += 1
            return {"lastUpdateId": at, "bids": [["1", "1"]], "asks": [["2", "1"]]}

        feed.venue.books["BTCUSDT"] = book
        await feed.subscribed(streams=2)
        await feed.venue.publish("btcusdt@depth@100ms", depth(96, 103))
        await feed.until(lambda: feed.metrics.frames["snapshot"] == 1)
        await feed.venue.publish("btcusdt@depth@100ms", depth(104, 105))
        at = 110
        await feed.venue.publish("btcusdt@depth@100ms", depth(109, 110))
        await feed.until(lambda: feed.metrics.frames["snapshot"] == 2)
        await feed.venue.publish("btcusdt@depth@100ms", depth(111, 112))
        await feed.until(lambda: feed.metrics.frames["depth"] == 4)

    feed = play(instruments, script, settings=settings)

    assert asked == 2
    assert feed.metrics.resyncs == {0: 1}
    assert feed.metrics.gaps == {0: 1}


def test_a_venue_that_is_not_there_is_tried_again_until_stop(instruments: InstrumentTable) -> None:
    settings = with_binance(base_url="ws://127.0.0.1:9")
    metrics = InMemoryFeedMetrics()

    async def run() -> None:
        stop = asyncio.Event()

        async def watch() -> None:
            while metrics.reconnects < 3:
                await asyncio.sleep(0.002)
            stop.set()

        watching = asyncio.create_task(watch())
        async with asyncio.timeout(LIMIT_S):
            await run_feed(settings, instruments, Collected(), stop, metrics)
        await watching

    asyncio.run(run())

    assert metrics.reconnects >= 3
    assert metrics.states["trade", 0][:2] == [CONNECTING, DOWN]


def test_a_publish_that_fails_ends_the_feed(instruments: InstrumentTable) -> None:
    class RingIsGoneError(Exception):
        pass

    def publish(_: Commands) -> None:
        raise RingIsGoneError

    async def run() -> None:
        async with asyncio.timeout(LIMIT_S), VenueServer() as venue:
            settings = with_binance(base_url=venue.base_url)
            feeding = asyncio.create_task(
                run_feed(settings, instruments, publish, asyncio.Event(), InMemoryFeedMetrics())
            )
            number = 0
            while not feeding.done():
                number += 1
                await venue.publish("btcusdt@trade", trade(number))
                await asyncio.sleep(0.002)
            await feeding

    with pytest.raises(RingIsGoneError):
        asyncio.run(run())


def test_a_fault_in_receiving_ends_the_feed(
    instruments: InstrumentTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no new connection can mend is not retried for ever."""

    def broken(*_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("components.feed.subscription.orjson.dumps", broken)

    async def script(feed: LiveFeed) -> None:
        await asyncio.Event().wait()

    with pytest.raises(ZeroDivisionError):
        play(instruments, script)


def test_order_flow_runs_beside_live_prices(instruments: InstrumentTable) -> None:
    settings = replace(SETTINGS, order_flow=OrderFlowSettings(orders_per_second=2_000))

    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 3)
        await feed.until(lambda: len(feed.commands) >= 100)

    commands = play(instruments, script, settings=settings).commands

    assert commands["op"][:4].tolist() == [OP_CANCEL_ALL] * 4
    assert commands["op"][-4:].tolist() == [OP_CANCEL_ALL] * 4
    assert (commands["op"] == OP_PLACE).any()
    assert (commands["ts"][1:] >= commands["ts"][:-1]).all()


def test_streams_are_dealt_out_by_route_and_limit(instruments: InstrumentTable) -> None:
    settings = replace(
        SETTINGS,
        binance=BinanceSettings(
            market="usdm", streams=("trade", "agg_trade", "mark_price", "depth")
        ),
        venue_symbols={"ETHUSDT": "ETHUSDC"},
    )
    public, market = lines(settings, traded_instruments(settings, instruments))

    assert public.address == "wss://fstream.binance.com/public/stream"
    assert list(public.streams) == [
        *("btcusdt@trade", "ethusdc@trade", "btcusdt@depth@100ms", "ethusdc@depth@100ms"),
    ]
    assert market.address == "wss://fstream.binance.com/market/stream"
    assert list(market.streams) == [
        *("btcusdt@aggTrade", "ethusdc@aggTrade", "btcusdt@markPrice@1s", "ethusdc@markPrice@1s"),
    ]
    assert snapshot_address(settings.binance, "BTCUSDT") == (
        "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
    )


def test_streams_beyond_one_connections_limit_are_dealt_out(instruments: InstrumentTable) -> None:
    base = instruments["BTCUSDT"]
    many = [replace(base, name=f"S{number}", index=number) for number in range(250)]
    settings = FeedSettings(
        mode="binance",
        symbols=tuple(each.name for each in many),
        binance=BinanceSettings(market="usdm", streams=("trade",)),
    )

    assert [len(each.streams) for each in lines(settings, many)] == [200, 50]


def test_backoff_doubles_to_its_cap_with_full_jitter_and_resets() -> None:
    backoff = Backoff(0.5, 30.0, random.Random(1))
    delays = [[backoff.next_delay_s() for _ in range(10)]]
    for _ in range(400):
        backoff.reset()
        delays.append([backoff.next_delay_s() for _ in range(10)])
    longest = [max(column) for column in zip(*delays, strict=True)]
    shortest = [min(column) for column in zip(*delays, strict=True)]

    assert longest == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30], rel=0.05)
    assert max(shortest) < 1.0
    assert backoff.failures == 10
    assert all(backoff.next_delay_s() <= 30.0 for _ in range(2_000))


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"market": "margin"}, "feed.binance.market"),
        ({"streams": ()}, "feed.binance.streams"),
        ({"streams": ("klines",)}, "feed.binance.streams"),
        ({"base_url": "https://x"}, "feed.binance.base_url"),
        ({"rest_url": "ws://x"}, "feed.binance.rest_url"),
        ({"stale_after_s": 0}, "feed.binance.stale_after_s"),
        ({"deadlines_s": {"trade": 0.0}}, "feed.binance.deadlines_s.trade"),
        ({"deadlines_s": {"klines": 1.0}}, "feed.binance.deadlines_s"),
    ],
)
def test_wrong_settings_name_their_key(changed: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigurationError, match=key):
        BinanceSettings(**changed)  # type: ignore[arg-type]
