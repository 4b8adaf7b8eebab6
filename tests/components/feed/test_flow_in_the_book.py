"""The simulated flow, matched by Titan's engine: the book is alive and stays bounded."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import FlowKind, OrderFlowSettings
from components.feed.settings import FeedSettings
from components.feed.source import run_feed
from components.instruments import InstrumentTable
from components.messages.code import (
    EVENT_ACCEPTED,
    EVENT_CANCELLED,
    EVENT_REJECTED,
    EVENT_TOUCH,
    EVENT_TRADE,
    REASON_UNKNOWN_ORDER,
)
from components.messages.event import Events
from components.titan.engine.apply import apply_batch
from components.titan.engine.state import new_outbox, new_state

from .conftest import Collected, FakeClock

SECONDS = 30


def simulated_events(
    instruments: InstrumentTable, orders_per_second: float, kind: FlowKind = "makers"
) -> Events:
    flow = OrderFlowSettings(kind=kind, orders_per_second=orders_per_second)
    settings = FeedSettings(order_flow=flow)
    collected = Collected()

    async def run() -> None:
        collected.stop = asyncio.Event()
        collected.stop_after = round((orders_per_second + 10) * SECONDS)
        metrics = InMemoryFeedMetrics()
        await run_feed(settings, instruments, collected, collected.stop, metrics, clock=FakeClock())

    asyncio.run(run())
    commands = np.concatenate([instruments.to_commands(), collected.commands])
    state, outbox = new_state(max_orders=1024), new_outbox(len(commands) * 8 + 20_000)
    applied = apply_batch(state, commands, 1, outbox)
    assert applied == len(commands)
    return outbox.slots[: outbox.count[0]]


@pytest.mark.parametrize("rate", [50.0, 200.0, 2_000.0])
def test_makers_and_takers_trade_and_leave_nothing(
    instruments: InstrumentTable, rate: float
) -> None:
    events = simulated_events(instruments, rate)
    kind = events["kind"]
    touches = events[kind == EVENT_TOUCH]
    trades = events[kind == EVENT_TRADE]
    rejected = events[kind == EVENT_REJECTED]
    two_sided = (touches["qty"] > 0) & (touches["maker_order_id"] > 0)
    makers = OrderFlowSettings().maker_accounts

    assert len(trades) > 4 * SECONDS
    assert two_sided.mean() > 0.9
    assert set(rejected["reason"]) <= {REASON_UNKNOWN_ORDER}, "only cancels of filled quotes"
    assert len(rejected) < 0.15 * np.count_nonzero(kind == EVENT_ACCEPTED)
    assert np.isin(trades["maker_account"], makers).all()
    assert not np.isin(trades["account"], makers).any(), "makers do not take from each other"
    assert touches["qty"][-1] == touches["maker_order_id"][-1] == 0, "the last mass cancel"
    assert np.count_nonzero(kind == EVENT_CANCELLED) > 0


@pytest.mark.parametrize("kind", ["zero_intelligence", "hawkes"])
def test_random_orders_trade_and_leave_nothing(
    instruments: InstrumentTable, kind: FlowKind
) -> None:
    events = simulated_events(instruments, 500.0, kind)
    touches = events[events["kind"] == EVENT_TOUCH]
    rejected = events[events["kind"] == EVENT_REJECTED]
    both_sides = (touches["qty"] > 0) & (touches["maker_order_id"] > 0)

    assert np.count_nonzero(events["kind"] == EVENT_TRADE) > 20 * SECONDS
    assert both_sides.mean() > 0.9
    assert set(rejected["reason"]) <= {REASON_UNKNOWN_ORDER}, "only cancels of filled orders"
    assert touches["qty"][-1] == touches["maker_order_id"][-1] == 0, "the last mass cancel"
