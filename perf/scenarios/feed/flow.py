"""Commands a second that each kind of order flow makes and puts into the ring.

    flow ──► ingress (checks, stamps) ──► multi-producer ring, 65,536 × 96 bytes

The whole way of a live order flow, at the highest rate that it can be asked for, 10 ms of commands at
a time, 256 a batch; nobody reads the ring, so it never fills.  One core, process CPU time.  The
mirror copies 20 levels a side of a book that wanders, one update at a time; the script is 200,000
orders, a million a second.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import numpy as np

from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.mirror_flow import MirrorFlow
from components.feed.order_flow import OrderFlow
from components.feed.order_flow_settings import ORDERS_PER_SECOND_MAX, FlowKind, OrderFlowSettings
from components.feed.order_flows import build_flow
from components.feed.publisher import Publisher
from components.feed.scripted_flow import ScriptedFlow
from components.feed.venue_book import VenueBook
from components.instruments import Instrument, InstrumentTable
from components.messages.code import OP_PLACE, SOURCE_ORDER_FLOW
from components.messages.command import COMMAND, Commands, new_commands
from disruptor.ring.ring_buffer import RingBuffer
from perf.harness.measurement import Measurement, Options

SECONDS_OF_FLOW: Final = 0.2
SCRIPTED: Final = 200_000
MIRRORED_LEVELS: Final = 20
UPDATES: Final = 5_000
_PRICE: Final = 5_000_000
_STEP_NS: Final = 10_000_000

Send = Callable[[Commands], None]


def _instruments() -> InstrumentTable:
    return InstrumentTable([Instrument("BTCUSDT", 0, Decimal("0.01"), Decimal("0.00001"))])


def _play(flow: OrderFlow, seconds: float, send: Send) -> None:
    flow.set_price(0, _PRICE)
    send(flow.open(1))
    for now_ns in range(_STEP_NS, round(seconds * 1e9), _STEP_NS):
        send(flow.due(now_ns))


def _random(kind: FlowKind) -> Callable[[float, Send], None]:
    def work(part: float, send: Send) -> None:
        table = _instruments()
        settings = OrderFlowSettings(kind=kind, orders_per_second=ORDERS_PER_SECOND_MAX)
        flow = build_flow(settings, table, tuple(table.values()), 1)
        _play(flow, SECONDS_OF_FLOW * part, send)

    return work


def _scripted(part: float, send: Send) -> None:
    count = round(SCRIPTED * part)
    script = new_commands(count)
    script["ts"] = np.arange(count) * 1_000
    script["op"], script["source"] = OP_PLACE, SOURCE_ORDER_FLOW
    script["account"], script["qty"], script["price"] = 9001, 1, _PRICE
    script["order_id"] = np.arange(1, count + 1)
    _play(ScriptedFlow(script), count / 1e6 + 0.02, send)


def _mirror(part: float, send: Send) -> None:
    generator = np.random.default_rng(1)
    flow, book = MirrorFlow(9001, MIRRORED_LEVELS), VenueBook()
    book.replace([(_PRICE - at, 5) for at in range(1, 60)], [(_PRICE + at, 5) for at in range(60)])
    for changes in generator.integers(1, 30, (round(UPDATES * part), 4, 2)).tolist():
        book.change(
            [(_PRICE - at, lots) for at, lots in changes[:2]],
            [(_PRICE + at, lots) for at, lots in changes[2:]],
        )
        send(flow.follow(0, book, 1))


KINDS: Final[dict[str, Callable[[float, Send], None]]] = {
    "makers": _random("makers"),
    "zero_intelligence": _random("zero_intelligence"),
    "hawkes": _random("hawkes"),
    "scripted": _scripted,
    "mirror": _mirror,
}


def _measure(variant: str, work: Callable[[float, Send], None], options: Options) -> Measurement:
    part = 0.1 if options.quick else 1.0
    ring: Any = RingBuffer.create(f"perf.{os.getpid()}.flow", COMMAND, 65_536, multi_producer=True)
    runs = []
    try:
        producer = ring.producer("flow")
        metrics = InMemoryFeedMetrics()
        publisher = Publisher(producer.write, Ingress(1, metrics), metrics, 256)
        work(0.05, publisher.send)
        for _ in range(options.runs):
            before, began = metrics.order_count, time.process_time()
            work(part, publisher.send)
            spent = time.process_time() - began
            runs.append((metrics.order_count - before) / spent / 1e6)
        producer.close()
        refused = sum(metrics.malformed_by_reason.values())
    finally:
        ring.unlink()
    assert refused == 0
    return Measurement(
        scenario="feed.flow",
        variant=variant,
        metric="throughput",
        unit="M commands/s",
        runs=tuple(runs),
        details={"commands": metrics.order_count},
    )


def run(options: Options) -> list[Measurement]:
    """Each kind, in millions of commands a second of CPU time."""
    return [_measure(kind, work, options) for kind, work in KINDS.items()]
