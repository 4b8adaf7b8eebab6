"""Frames through a loopback socket, the live feed, and into a ring; and what the feed costs meanwhile.

    a process that sends ──► TCP, WebSocket ──► aiohttp ──► parser ──► commands ring
                                        (raw journal on and off)

- ``flood``: a mixed market as fast as the feed takes it, without and with the raw journal.
- ``5,000 a second``: one trade at a time; from before it is sent until it is in the ring.  Beside it
  a bare socket, whose receiver only reads: what of it is the machine's.
- ``272 a second``, ``50,000 a second``: CPU time of the feed's process, of one core.

The sender has frames that were made before, and a core of its own where there are two.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.feed.collector import spare_the_collector
from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.settings import BinanceSettings, FeedSettings
from components.feed.source import run_feed
from components.instruments import Instrument, InstrumentTable
from components.messages.code import OP_PRICE
from components.messages.command import COMMAND, Commands, new_commands
from components.oracle.raw.writer import RawWriter
from disruptor import RingBuffer
from perf.harness.crew import Work, Worker, run_crew, shared_array
from perf.harness.measurement import Measurement, Options
from perf.ring.graph import places
from perf.workloads.frame_server import (
    FrameServer,
    market_frames,
    numbered_trades,
    send_flood,
    send_paced,
    wire_frame,
)

SCENARIO: Final = "feed_socket"
FLOOD_FRAMES: Final = 200_000
PACED_SECONDS: Final = 3
_LOOK_S: Final = 0.01

Send = Callable[..., None]


class Run(NamedTuple):
    """What one run came to."""

    seconds: float
    cpus: float
    latencies_ns: NDArray[np.int64]


def _settings(port: int) -> FeedSettings:
    return FeedSettings(
        mode="binance",
        order_flow=OrderFlowSettings(orders_per_second=0),
        binance=BinanceSettings(
            base_url=f"ws://127.0.0.1:{port}", streams=("trade", "agg_trade", "book_ticker")
        ),
    )


def _receive(
    port: int,
    wanted: int,
    ring: RingBuffer,
    raw: Path | None,
    reached_ns: NDArray[np.int64],
    marks: NDArray[np.int64],
) -> int:
    """Run the feed until it has seen ``wanted`` frames; how many it had."""
    table = InstrumentTable([Instrument("BTCUSDT", 0, Decimal("0.01"), Decimal("0.00001"))])
    producer = ring.producer("feed")
    metrics = InMemoryFeedMetrics()

    def publish(commands: Commands) -> None:
        producer.write(commands)
        now_ns = time.monotonic_ns()
        if not marks[0]:
            marks[:2] = now_ns, time.process_time_ns()
        prices = commands[(commands["op"] == OP_PRICE) & (commands["flags"] == 0)]
        numbers = prices["qty"]
        reached_ns[numbers[numbers <= len(reached_ns)] - 1] = now_ns

    spare_the_collector()

    async def main() -> None:
        stop = asyncio.Event()

        async def watch() -> None:
            while metrics.frames.total() - metrics.frames["control"] < wanted:
                await asyncio.sleep(_LOOK_S)
            marks[2:] = time.monotonic_ns(), time.process_time_ns()
            stop.set()

        watching = asyncio.create_task(watch())
        writer = RawWriter(raw, segment_bytes=1 << 30) if raw is not None else None
        await run_feed(_settings(port), table, publish, stop, metrics, raw=writer)
        await watching
        if writer is not None:
            writer.close()

    asyncio.run(main())
    return metrics.frames.total() - metrics.frames["control"]


def _run(frames: list[bytes], per_second: int, raw: Path | None) -> Run:
    """Send the frames, at a rate or (0) as fast as they are taken."""
    server = FrameServer()
    ring = RingBuffer.create(f"perf.{os.getpid()}.feed", COMMAND, 65_536, multi_producer=True)
    ring.unlink()  # the crew inherits the mapping
    sent_ns = shared_array(len(frames), np.int64)
    reached_ns = shared_array(len(frames) if per_second else 0, np.int64)
    marks = shared_array(4, np.int64)  # wall and CPU time at the first command and the last frame
    _warm_up(ring)

    def send() -> Work:
        def work() -> int:
            client = server.accept()
            if per_second:
                send_paced(client, frames, per_second, sent_ns)
            else:
                send_flood(client, frames)
            while client.recv(4096):  # until the feed has had enough
                pass
            return len(frames)

        return work

    def receive() -> Work:
        return lambda: _receive(server.port, len(frames), ring, raw, reached_ns, marks)

    here, there = places(2)
    try:
        _, received = run_crew(
            [Worker("venue", send, here), Worker("feed", receive, there)], across="processes"
        )
    finally:
        server.close()
        ring.close()
    if received.result != len(frames):
        raise AssertionError(f"{received.result} of {len(frames)} frames arrived")
    seconds, cpu_seconds = (marks[2:] - marks[:2]) / 1e9
    late = reached_ns[reached_ns > 0] - sent_ns[: len(reached_ns)][reached_ns > 0]
    return Run(float(seconds), float(cpu_seconds / seconds), late)


def _warm_up(ring: RingBuffer) -> None:
    """Load the kernels into this process, which both workers are forked from."""
    commands = new_commands(1)
    commands["op"], commands["ts"], commands["price"] = OP_PRICE, 1, 1
    producer = ring.producer("warm-up")
    producer.write(Ingress(1, InMemoryFeedMetrics()).admit(commands))
    producer.close()


def _flood(options: Options, variant: str, with_raw: bool) -> Measurement:
    frames = market_frames(FLOOD_FRAMES // (10 if options.quick else 1))
    rates = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            run = _run(frames, 0, Path(folder) / "raw" if with_raw else None)
        rates.append(len(frames) / run.seconds / 1e3)
    return Measurement(
        scenario=SCENARIO,
        variant=variant,
        metric="throughput",
        unit="k frames/s",
        runs=tuple(rates),
        target="≥ 60 k frames/s",
        details={"frames": len(frames)},
    )


def _bare(frames: list[bytes]) -> NDArray[np.int64]:
    """How late each frame is to a receiver that does nothing but read, ns."""
    here, there = places(2)
    ends = np.cumsum([len(wire_frame(frame)) for frame in frames])
    sent_ns, reached_ns = (shared_array(len(frames), np.int64) for _ in range(2))
    sender, receiver = socket.socketpair()

    def send() -> Work:
        def work() -> int:
            send_paced(sender, frames, 5_000, sent_ns)
            return 0

        return work

    def receive() -> Work:
        def work() -> int:
            seen = size = 0
            while seen < len(frames):
                size += len(receiver.recv(65_536))
                now_ns = time.monotonic_ns()
                whole = int(np.searchsorted(ends, size, "right"))
                reached_ns[seen:whole] = now_ns
                seen = whole
            return seen

        return work

    with sender, receiver:
        run_crew(
            [Worker("venue", send, here), Worker("reader", receive, there)], across="processes"
        )
    late: NDArray[np.int64] = reached_ns - sent_ns
    return late


def _latency(options: Options) -> list[Measurement]:
    frames = numbered_trades(5_000 * PACED_SECONDS // (10 if options.quick else 1))

    def fed() -> NDArray[np.int64]:
        with tempfile.TemporaryDirectory() as folder:
            return _run(frames, 5_000, Path(folder) / "raw").latencies_ns

    return [
        *_percentiles("5,000 a second, bare socket", lambda: _bare(frames), options, ""),
        *_percentiles("5,000 a second, raw journal on", fed, options, "≤ 200 µs"),
    ]


def _percentiles(
    variant: str, late: Callable[[], NDArray[np.int64]], options: Options, target: str
) -> list[Measurement]:
    points: dict[float, list[float]] = {50.0: [], 99.0: [], 99.9: []}
    for _ in range(options.runs):
        late_ns = late()
        for point, values in points.items():
            values.append(float(np.percentile(late_ns, point)) / 1e3)
    return [
        Measurement(
            scenario=SCENARIO,
            variant=variant,
            metric=f"latency p{point:g}",
            unit="µs",
            runs=tuple(values),
            target=target if point == 99.0 else "",
            details={"samples": len(late_ns)},
        )
        for point, values in points.items()
    ]


def _cpu(options: Options, per_second: int) -> Measurement:
    seconds = 1 if options.quick else PACED_SECONDS
    frames = numbered_trades(per_second * seconds)
    shares = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            shares.append(100 * _run(frames, per_second, Path(folder) / "raw").cpus)
    return Measurement(
        scenario=SCENARIO,
        variant=f"{per_second:,} a second, raw journal on",
        metric="CPU",
        unit="% of a core",
        runs=tuple(shares),
        details={"frames": len(frames)},
    )


def run(options: Options) -> list[Measurement]:
    """Floods, percentiles, and what the feed costs."""
    return [
        _flood(options, "flood", with_raw=False),
        _flood(options, "flood, raw journal on", with_raw=True),
        *_latency(options),
        _cpu(options, 272),
        _cpu(options, 50_000),
    ]
