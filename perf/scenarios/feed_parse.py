"""Frames through the feed's parser into a ring, from memory; no socket.

    frames (bytes) ──► parser ──► sequence check ──► price commands ──► admitted, batches of 256 ──► ring

Variants: ``parser`` alone, and ``frames to ring``, the whole path that a live or recorded frame
takes.  The frames are the recording that comes with the project (trades, best bid
and ask, depth of ten levels a side), repeated; one core, process CPU time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from components.feed.batch import CommandBatch
from components.feed.binance_messages import Parser
from components.feed.decoder import Decoder, build_parser
from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow import NoOrderFlow
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.publisher import Publisher
from components.feed.recording import read_recording
from components.feed.settings import FeedSettings
from components.instruments import Instrument, InstrumentTable
from components.messages.command import COMMAND, Commands
from disruptor import RingBuffer
from perf.harness.measurement import Measurement, Options

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "recordings" / "sample.gz"
ROUNDS = 50
SETTINGS = FeedSettings(order_flow=OrderFlowSettings(orders_per_second=0))

Frames = list[tuple[int, bytes]]


def frames_of_sample() -> Frames:
    """Receive times and frames of the recording that comes with the project."""
    reading = read_recording(SAMPLE, lambda *_: None, line_bytes_max=2**20)
    return [(each.received_ns, each.frame) for each in reading]


def _instruments() -> InstrumentTable:
    return InstrumentTable([Instrument("BTCUSDT", 0, Decimal("0.01"), Decimal("0.00001"))])


def parser_of_sample() -> Parser:
    """A parser of the recording's frames."""
    return build_parser(SETTINGS, _instruments())


def _parse(frames: Frames, rounds: int) -> None:
    parse = parser_of_sample().parse
    for _ in range(rounds):
        for _, frame in frames:
            parse(frame)


def _decode(frames: Frames, rounds: int) -> None:
    table = _instruments()
    metrics = InMemoryFeedMetrics()
    flow = NoOrderFlow()
    ingress = Ingress(len(table), metrics)
    ring = RingBuffer.create(f"perf.{os.getpid()}.frames", COMMAND, 65_536, multi_producer=True)
    ring.unlink()
    producer = ring.producer("feed")

    def publish(commands: Commands) -> None:
        producer.write(commands)

    publisher = Publisher(publish, ingress, metrics, SETTINGS.batch_max)
    batch = CommandBatch(publisher, SETTINGS.batch_max)
    decoder = Decoder(SETTINGS, build_parser(SETTINGS, table), batch, flow, metrics)
    for _ in range(rounds):
        decoder.restart()
        for received_ns, frame in frames:
            decoder.take(received_ns, received_ns, frame)
        decoder.flush()
    producer.close()
    ring.close()


def _measure(
    variant: str, work: Callable[[Frames, int], None], frames: Frames, options: Options
) -> Measurement:
    rounds = max(ROUNDS // 10, 1) if options.quick else ROUNDS
    work(frames, 1)
    runs = []
    for _ in range(options.runs):
        began = time.process_time()
        work(frames, rounds)
        runs.append(len(frames) * rounds / (time.process_time() - began) / 1e3)
    return Measurement(
        scenario="feed_parse",
        variant=variant,
        metric="throughput",
        unit="k frames/s",
        runs=tuple(runs),
        target="≥ 300 k frames/s",
        details={"frames": len(frames) * rounds},
    )


def run(options: Options) -> list[Measurement]:
    """Both variants, in thousands of frames a second."""
    frames = frames_of_sample()
    return [
        _measure("parser", _parse, frames, options),
        _measure("frames to ring", _decode, frames, options),
    ]
