"""Compiles the feed's kernels into the cache, so that no process compiles while others wait."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from components.feed.batch import CommandBatch
from components.feed.decoder import Decoder, build_parser
from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow import NoOrderFlow
from components.feed.order_flow_settings import FlowKind, OrderFlowSettings
from components.feed.order_flows import build_flow
from components.feed.publisher import Publisher
from components.feed.settings import FeedSettings
from components.instruments import Instrument, InstrumentTable

_TRADE: Final = b'{"e":"trade","E":1,"s":"WARMUP","t":1,"p":"1","q":"1","T":1,"m":true}'


def compile_kernels() -> None:
    """Run each kernel once on a little data; some seconds without a cache, else some 10 ms."""
    table = InstrumentTable([Instrument("WARMUP", 0, Decimal("0.01"), Decimal("0.01"))])
    kinds: tuple[FlowKind, ...] = ("makers", "hawkes")
    for kind in kinds:
        flow = build_flow(OrderFlowSettings(kind=kind), table, tuple(table.values()), seed=1)
        flow.open(1)
        flow.set_price(0, 100)
        Ingress(len(table), InMemoryFeedMetrics()).admit(flow.due(flow.next_due_ns))
    settings, metrics = FeedSettings(symbols=tuple(table)), InMemoryFeedMetrics()
    batch = CommandBatch(Publisher(lambda _: None, Ingress(1, metrics), metrics, 1), 1)
    parser = build_parser(settings, table)
    Decoder(settings, parser, batch, NoOrderFlow(), metrics).take(1, 1, _TRADE)
