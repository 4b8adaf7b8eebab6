"""Compiles the feed's kernels into the cache, so that no process compiles while others wait."""

from __future__ import annotations

from decimal import Decimal

from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import FlowKind, OrderFlowSettings
from components.feed.order_flows import build_flow
from components.instruments import Instrument, InstrumentTable


def compile_kernels() -> None:
    """Run each kernel once on a little data; some seconds without a cache, else some 10 ms."""
    table = InstrumentTable([Instrument("WARMUP", 0, Decimal("0.01"), Decimal("0.01"))])
    kinds: tuple[FlowKind, ...] = ("makers", "hawkes")
    for kind in kinds:
        flow = build_flow(OrderFlowSettings(kind=kind), table, tuple(table.values()), seed=1)
        flow.open(1)
        flow.set_price(0, 100)
        Ingress(len(table), InMemoryFeedMetrics()).admit(flow.due(flow.next_due_ns))
