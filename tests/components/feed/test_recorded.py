"""A recording played through the feed: same commands at any speed, every trade one command."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import numpy as np
import orjson
import pytest

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.recorded import LOOP_PAUSE_NS
from components.feed.settings import FeedSettings, RecordedSettings
from components.feed.source import run_feed
from components.instruments import InstrumentTable
from components.messages.code import OP_PRICE, SOURCE_FEED
from components.messages.command import Commands

from .conftest import Collected, FakeClock

MS = 1_000_000
START_MS = 1_723_161_255_000
QUIET = OrderFlowSettings(orders_per_second=0)


def trade_line(number: int, price: str = "50000.00", *, at_ms: int | None = None) -> bytes:
    event_ms = START_MS + number * 10
    received_ns = ((event_ms if at_ms is None else START_MS + at_ms) - 1_270) * MS
    data = {
        "e": "trade",
        "E": event_ms,
        "s": "BTCUSDT",
        "t": 100 + number,
        "p": price,
        "q": "0.5",
        "T": event_ms,
        "m": False,
    }
    frame = orjson.dumps({"stream": "btcusdt@trade", "data": data})
    return b"%d %s\n" % (received_ns, frame)


def ticker_line(number: int, bid: str, ask: str) -> bytes:
    data = {"u": number, "s": "BTCUSDT", "b": bid, "B": "1", "a": ask, "A": "1"}
    received_ns = (START_MS + number * 10 - 1_270) * MS
    return b"%d %s\n" % (received_ns, orjson.dumps({"stream": "x", "data": data}))


def play(
    instruments: InstrumentTable,
    path: Path,
    metrics: InMemoryFeedMetrics | None = None,
    *,
    speed: float = 0.0,
    loop: bool = False,
    stop_after: int = 10**9,
    flow: OrderFlowSettings = QUIET,
    clock: FakeClock | None = None,
) -> Commands:
    settings = FeedSettings(
        mode="recorded", recorded=RecordedSettings(str(path), speed, loop), order_flow=flow
    )
    collected = Collected()

    async def run() -> None:
        collected.stop, collected.stop_after = asyncio.Event(), stop_after
        counted = metrics or InMemoryFeedMetrics()
        used = clock or FakeClock()
        await run_feed(settings, instruments, collected, collected.stop, counted, clock=used)

    asyncio.run(run())
    return collected.commands


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.gz"


def write(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(gzip.compress(b"".join(lines)))


def test_every_trade_is_one_price_command_with_its_times(
    instruments: InstrumentTable, path: Path
) -> None:
    write(path, [trade_line(n, f"{50_000 + n}.25") for n in range(1000)])
    metrics = InMemoryFeedMetrics()
    commands = play(instruments, path, metrics)

    assert commands["price"].tolist() == [5_000_025 + 100 * n for n in range(1000)]
    assert set(commands["qty"]) == {50_000}
    assert set(commands["op"]) == {OP_PRICE}
    assert set(commands["source"]) == {SOURCE_FEED}
    assert (commands["origin_ts"] - commands["ts"]).tolist() == [1_270 * MS] * 1000
    assert commands["ts"][0] == (START_MS - 1_270) * MS
    assert metrics.prices == {0: 1000}
    assert metrics.last_price[0] == commands["price"][-1]
    assert set(metrics.latencies) == {0}
    assert metrics.frames == {"trade": 1000}


def test_the_commands_are_the_same_at_every_speed(instruments: InstrumentTable, path: Path) -> None:
    lines = [trade_line(n) if n % 3 else ticker_line(n, "49999.9", "50000") for n in range(300)]
    write(path, lines)
    flow = OrderFlowSettings(orders_per_second=500)
    fastest = play(instruments, path, flow=flow)

    assert np.count_nonzero(fastest["op"] != OP_PRICE) > 1000
    for speed in (1.0, 50.0):
        assert play(instruments, path, speed=speed, flow=flow).tobytes() == fastest.tobytes()


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 2.99), (10.0, 0.299)])
def test_it_is_paced_by_receive_time(
    instruments: InstrumentTable, path: Path, speed: float, seconds: float
) -> None:
    write(path, [trade_line(n) for n in range(300)])
    clock = FakeClock()
    began_ns = clock.now_ns
    play(instruments, path, speed=speed, clock=clock)

    assert (clock.now_ns - began_ns) / 1e9 == pytest.approx(seconds, rel=0.02)


def test_bad_frames_and_lines_are_counted_and_logged_by_place(
    instruments: InstrumentTable, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [
        trade_line(1),
        b"nonsense\n",
        trade_line(2, "NaN"),
        trade_line(3, "-1"),
        trade_line(4, "1.001"),
        b"1723161255000000000 {\n",
        trade_line(5),
    ]
    write(path, lines)
    metrics = InMemoryFeedMetrics()
    commands = play(instruments, path, metrics)

    assert len(commands) == 2
    assert metrics.malformed_by_reason == {
        "broken_line": 1,
        "not_a_decimal": 1,
        "not_positive": 1,
        "off_grid": 1,
        "not_json": 1,
    }
    assert metrics.gaps == {0: 1}
    assert f"{path}:3 dropped: not_a_decimal" in caplog.text
    assert f"{path}:2 dropped: broken_line" in caplog.text


def test_a_flood_of_bad_lines_does_not_flood_the_log(
    instruments: InstrumentTable, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(path, [trade_line(1), *[b"nonsense\n"] * 3000])
    metrics = InMemoryFeedMetrics()
    play(instruments, path, metrics)

    assert metrics.malformed_by_reason["broken_line"] == 3000
    assert len(caplog.records) == 5 + 3


def test_repeated_trades_are_dropped_and_missing_ones_counted(
    instruments: InstrumentTable, path: Path
) -> None:
    write(path, [trade_line(n) for n in (1, 2, 2, 1, 3, 5, 6)])
    metrics = InMemoryFeedMetrics()

    assert len(play(instruments, path, metrics)) == 5
    assert metrics.duplicates == {0: 2}
    assert metrics.gaps == {0: 1}


def test_receive_times_that_go_back_are_held(instruments: InstrumentTable, path: Path) -> None:
    write(path, [trade_line(1), trade_line(2, at_ms=500), trade_line(3, at_ms=100)])
    times = play(instruments, path)["ts"]

    assert times[1] == times[2]
    assert (np.diff(times) >= 0).all()


def test_a_loop_goes_on_in_time_without_gaps(instruments: InstrumentTable, path: Path) -> None:
    write(path, [trade_line(n) for n in range(300)])
    metrics = InMemoryFeedMetrics()
    commands = play(instruments, path, metrics, loop=True, stop_after=700)
    times = commands["ts"]

    assert len(commands) >= 700
    assert times[300] - times[299] == LOOP_PAUSE_NS
    assert (np.diff(times) >= 0).all()
    assert not metrics.gaps
    assert not metrics.duplicates


def test_a_loop_over_nothing_ends(instruments: InstrumentTable, path: Path) -> None:
    write(path, [b"nonsense\n"])

    assert len(play(instruments, path, loop=True)) == 0


def test_stop_ends_it_early(instruments: InstrumentTable, path: Path) -> None:
    write(path, [trade_line(n) for n in range(5000)])

    assert len(play(instruments, path, stop_after=300, speed=1.0)) < 1000


def test_makers_quote_around_the_venues_touch(instruments: InstrumentTable, path: Path) -> None:
    lines = [ticker_line(1, "40000", "40000.01"), *[trade_line(n) for n in range(2, 200)]]
    write(path, lines)
    commands = play(instruments, path, flow=OrderFlowSettings(orders_per_second=500))
    quotes = commands[(commands["op"] == 1) & (commands["account"] <= 9002)]

    assert quotes[quotes["side"] == 0]["price"].max() <= 4_000_000
    assert quotes[quotes["side"] == 1]["price"].min() >= 4_000_001
