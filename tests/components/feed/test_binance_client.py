"""The live feed against a stand-in venue, through real sockets on this machine."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson
import pytest

from components.feed.backoff import Backoff
from components.feed.binance_streams import stream_addresses
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.settings import BinanceSettings, FeedSettings
from components.feed.source import run_feed
from components.feed.stand_in_venue import Close, Cut, Script, Send, Silence, StandInVenue, Step
from components.instruments import InstrumentTable
from components.messages.code import OP_CANCEL_ALL, OP_PLACE, OP_PRICE
from components.messages.command import Commands
from disruptor.errors import ConfigurationError

from .conftest import Collected

SETTINGS = FeedSettings(
    mode="binance",
    symbols=("BTCUSDT", "ETHUSDT"),
    order_flow=OrderFlowSettings(orders_per_second=0),
    binance=BinanceSettings(
        streams=("trade", "book_ticker"),
        stale_after_s=30.0,
        backoff_base_s=0.001,
        backoff_cap_s=0.01,
        message_bytes_max=4096,
    ),
)
LIMIT_S = 20.0


def trade(number: int, symbol: str = "BTCUSDT") -> bytes:
    data = {
        "e": "trade",
        "E": 1_723_161_255_000 + number,
        "s": symbol,
        "t": number,
        "p": f"{50_000 + number}.00",
        "q": "0.5",
        "T": 1_723_161_255_000 + number,
        "m": False,
    }
    return orjson.dumps({"stream": f"{symbol.lower()}@trade", "data": data})


def trades(first: int, last: int) -> Send:
    return Send(tuple(trade(number) for number in range(first, last + 1)))


class Outcome:
    def __init__(self, commands: Commands, metrics: InMemoryFeedMetrics, venue: StandInVenue):
        self.commands = commands
        self.metrics = metrics
        self.requests = venue.requests
        self.prices = commands[commands["op"] == OP_PRICE]["price"].tolist()


def receive(
    instruments: InstrumentTable,
    scripts: Sequence[Script],
    *,
    commands: int,
    settings: FeedSettings = SETTINGS,
    until: Callable[[InMemoryFeedMetrics], bool] = lambda _: True,
) -> Outcome:
    """Run the feed against ``scripts`` until it published ``commands`` and ``until`` holds."""
    collected, metrics = Collected(), InMemoryFeedMetrics()

    async def run() -> StandInVenue:
        stop = asyncio.Event()

        async def watch() -> None:
            while collected.count < commands or not until(metrics):
                await asyncio.sleep(0.002)
            stop.set()

        async with asyncio.timeout(LIMIT_S), StandInVenue(scripts) as venue:
            binance = replace(settings.binance, base_url=venue.base_url)
            watching = asyncio.create_task(watch())
            await run_feed(
                replace(settings, binance=binance), instruments, collected, stop, metrics
            )
            await watching
        return venue

    venue = asyncio.run(run())
    return Outcome(collected.commands, metrics, venue)


def test_recorded_frames_arrive_as_commands(instruments: InstrumentTable) -> None:
    frames = Send((trade(1), trade(1, "ETHUSDT"), trade(2)))
    outcome = receive(instruments, [[frames, Silence()]], commands=3)

    assert outcome.prices == [5_000_100, 5_000_100, 5_000_200]
    assert outcome.commands["symbol"].tolist() == [0, 1, 0]
    assert outcome.metrics.reconnects == 0
    assert min(outcome.metrics.latencies) >= 0
    assert outcome.requests == [
        "/stream?streams=btcusdt@trade/ethusdt@trade/btcusdt@bookTicker/ethusdt@bookTicker"
    ]


@pytest.mark.parametrize("end", [Cut(), Close()])
def test_a_connection_that_ends_is_made_again_and_nothing_is_doubled(
    instruments: InstrumentTable, end: Step
) -> None:
    scripts = [[trades(1, 5), end], [trades(4, 9), Silence()]]
    outcome = receive(instruments, scripts, commands=9)

    assert outcome.prices == [5_000_000 + 100 * number for number in range(1, 10)]
    assert outcome.metrics.duplicates == {0: 2}
    assert not outcome.metrics.gaps
    assert outcome.metrics.reconnects == 1


def test_what_was_lost_meanwhile_is_counted(instruments: InstrumentTable) -> None:
    scripts = [[trades(1, 5), Cut()], [trades(8, 9), Silence()]]
    outcome = receive(instruments, scripts, commands=7)

    assert outcome.metrics.gaps == {0: 1}


def test_silence_on_an_open_connection_is_ended(instruments: InstrumentTable) -> None:
    settings = replace(SETTINGS, binance=replace(SETTINGS.binance, stale_after_s=0.1))
    scripts = [[trades(1, 2), Silence()], [trades(3, 4), Silence()]]
    outcome = receive(instruments, scripts, commands=4, settings=settings)

    assert outcome.prices == [5_000_100, 5_000_200, 5_000_300, 5_000_400]
    assert len(outcome.requests) >= 2


def test_answers_alone_are_not_data(instruments: InstrumentTable) -> None:
    """A subscription that is acknowledged, and then nothing, is stale too."""
    settings = replace(SETTINGS, binance=replace(SETTINGS.binance, stale_after_s=0.1))
    scripts = [[Send((b'{"result":null,"id":1}',)), Silence()], [trades(1, 1), Silence()]]
    outcome = receive(instruments, scripts, commands=1, settings=settings)

    assert outcome.metrics.frames["control"] == 1
    assert outcome.metrics.reconnects >= 1


def test_malformed_frames_are_counted_and_the_rest_goes_on(instruments: InstrumentTable) -> None:
    bad = Send((b"{", trade(2).replace(b"50002.00", b"NaN"), b"[1,2]", b"\xff\xfe"))
    script = [trades(1, 1), Send(bad.frames[:3]), trades(3, 3), Silence()]
    outcome = receive(instruments, [script], commands=2)

    assert outcome.prices == [5_000_100, 5_000_300]
    assert outcome.metrics.malformed_by_reason == {
        "not_json": 1,
        "not_a_decimal": 1,
        "not_an_object": 2,
    }
    assert outcome.metrics.reconnects == 0


def test_a_giant_frame_ends_the_connection_and_is_counted(instruments: InstrumentTable) -> None:
    giant = Send((b'{"x":"' + b"y" * 10_000 + b'"}',))
    scripts = [[trades(1, 1), giant, Silence()], [trades(2, 2), Silence()]]
    outcome = receive(instruments, scripts, commands=2)

    assert outcome.prices == [5_000_100, 5_000_200]
    assert outcome.metrics.malformed_by_reason == {"oversized": 1}
    assert outcome.metrics.reconnects == 1


def test_an_announced_shutdown_is_anticipated(instruments: InstrumentTable) -> None:
    notice = Send((b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',))
    scripts = [[trades(1, 1), notice, Silence()], [trades(2, 2), Silence()]]
    outcome = receive(instruments, scripts, commands=2)

    assert outcome.metrics.frames["server_shutdown"] == 1
    assert outcome.metrics.reconnects == 1


def test_a_venue_that_is_not_there_is_tried_again_until_stop(instruments: InstrumentTable) -> None:
    binance = replace(SETTINGS.binance, base_url="ws://127.0.0.1:9")
    metrics = InMemoryFeedMetrics()

    async def run() -> None:
        stop = asyncio.Event()

        async def watch() -> None:
            while metrics.reconnects < 3:
                await asyncio.sleep(0.002)
            stop.set()

        watching = asyncio.create_task(watch())
        settings = replace(SETTINGS, binance=binance)
        async with asyncio.timeout(LIMIT_S):
            await run_feed(settings, instruments, Collected(), stop, metrics)
        await watching

    asyncio.run(run())

    assert metrics.reconnects >= 3


def test_a_publish_that_fails_ends_the_feed(instruments: InstrumentTable) -> None:
    class RingIsGoneError(Exception):
        pass

    def publish(_: Commands) -> None:
        raise RingIsGoneError

    async def run() -> None:
        async with asyncio.timeout(LIMIT_S), StandInVenue([[trades(1, 3), Silence()]]) as venue:
            binance = replace(SETTINGS.binance, base_url=venue.base_url)
            settings = replace(SETTINGS, binance=binance)
            await run_feed(settings, instruments, publish, asyncio.Event(), InMemoryFeedMetrics())

    with pytest.raises(RingIsGoneError):
        asyncio.run(run())


def test_order_flow_runs_beside_live_prices(instruments: InstrumentTable) -> None:
    settings = replace(SETTINGS, order_flow=OrderFlowSettings(orders_per_second=2_000))
    outcome = receive(instruments, [[trades(1, 3), Silence()]], commands=100, settings=settings)
    commands = outcome.commands

    assert commands["op"][:4].tolist() == [OP_CANCEL_ALL] * 4
    assert commands["op"][-4:].tolist() == [OP_CANCEL_ALL] * 4
    assert (commands["op"] == OP_PLACE).any()
    assert (commands["ts"][1:] >= commands["ts"][:-1]).all()


def test_futures_streams_are_routed() -> None:
    settings = replace(
        SETTINGS,
        binance=BinanceSettings(
            market="usdm", streams=("trade", "agg_trade", "mark_price", "depth")
        ),
        venue_symbols={"ETHUSDT": "ETHUSDC"},
    )

    assert stream_addresses(settings) == [
        (
            "wss://fstream.binance.com/public/stream?streams="
            "btcusdt@trade/ethusdc@trade/btcusdt@depth@100ms/ethusdc@depth@100ms"
        ),
        (
            "wss://fstream.binance.com/market/stream?streams="
            "btcusdt@aggTrade/ethusdc@aggTrade/btcusdt@markPrice@1s/ethusdc@markPrice@1s"
        ),
    ]


def test_streams_beyond_one_connections_limit_are_dealt_out() -> None:
    symbols = tuple(f"S{number}" for number in range(250))
    settings = FeedSettings(
        mode="binance",
        symbols=symbols,
        binance=BinanceSettings(market="usdm", streams=("trade",)),
    )
    addresses = stream_addresses(settings)

    assert [address.count("@trade") for address in addresses] == [200, 50]


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
    assert [backoff.next_delay_s() <= 30.0 for _ in range(2_000)]


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"market": "margin"}, "feed.binance.market"),
        ({"streams": ()}, "feed.binance.streams"),
        ({"streams": ("klines",)}, "feed.binance.streams"),
        ({"base_url": "https://x"}, "feed.binance.base_url"),
        ({"stale_after_s": 0}, "feed.binance.stale_after_s"),
    ],
)
def test_wrong_settings_name_their_key(changed: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigurationError, match=key):
        BinanceSettings(**changed)  # type: ignore[arg-type]
