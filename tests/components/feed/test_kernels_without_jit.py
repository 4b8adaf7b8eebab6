"""The kernels say the same as plain Python: compiled arithmetic hides no wraparound."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from components.feed.ingress import Ingress
from components.feed.maker_flow import MakerFlow
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import FlowKind, OrderFlowSettings
from components.feed.random_flow import RandomFlow

from .conftest import instruments as instruments_fixture

KINDS: tuple[FlowKind, ...] = ("zero_intelligence", "hawkes")


def digest() -> str:
    """A digest of half a second of each order flow around moving prices, one through the gate."""
    table = instruments_fixture.__wrapped__()  # type: ignore[attr-defined]
    rules = OrderFlowSettings(orders_per_second=2_000)
    flow = MakerFlow(rules, table, tuple(table.values()), 11)
    ingress = Ingress(len(table), InMemoryFeedMetrics())
    flow.open(1)
    total = hashlib.sha256()
    for number in range(50):
        flow.set_price(0, 5_000_000 + number * number)
        flow.set_price(1, 2**40 - number)
        total.update(np.ascontiguousarray(ingress.admit(flow.due(flow.next_due_ns))).tobytes())
    for kind in KINDS:
        random_flow = RandomFlow(
            OrderFlowSettings(kind=kind, orders_per_second=2_000, decay_s=0.01),
            table,
            tuple(table.values()),
            11,
        )
        random_flow.open(1)
        for number in range(50):
            random_flow.set_price(0, 5_000_000 + number * number)
            random_flow.set_price(1, 2**40 - number)
            total.update(random_flow.due(random_flow.next_due_ns).tobytes())
    return total.hexdigest()


def test_order_flow_and_ingress_agree_with_plain_python() -> None:
    code = f"import {__name__} as here; print(here.digest())"
    plain = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=False,
    )

    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.strip() == digest()
