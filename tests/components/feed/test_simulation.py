"""The simulated feed through the one interface: deterministic prices, order flow, a clean end."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import numpy as np
import pytest

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.settings import FeedSettings
from components.feed.simulation_settings import SimulationSettings
from components.feed.source import run_feed
from components.instruments import InstrumentTable
from components.messages.code import OP_CANCEL_ALL, OP_PRICE, SOURCE_FEED, SOURCE_ORDER_FLOW
from components.messages.command import Commands
from disruptor.errors import ConfigurationError

from .conftest import Collected, FakeClock


def simulate(
    instruments: InstrumentTable,
    metrics: InMemoryFeedMetrics | None = None,
    *,
    commands: int = 500,
    **changed: object,
) -> Commands:
    settings = FeedSettings(**{"symbols": ("BTCUSDT", "ETHUSDT"), **changed})  # type: ignore[arg-type]
    collected = Collected()

    async def run() -> None:
        collected.stop, collected.stop_after = asyncio.Event(), commands
        await run_feed(
            settings,
            instruments,
            collected,
            collected.stop,
            metrics or InMemoryFeedMetrics(),
            clock=FakeClock(),
        )

    asyncio.run(run())
    return collected.commands


def prices_of(commands: Commands, symbol: int) -> list[int]:
    chosen = commands[(commands["op"] == OP_PRICE) & (commands["symbol"] == symbol)]
    prices: list[int] = chosen["price"].tolist()
    return prices


def test_the_same_seed_gives_the_same_commands(instruments: InstrumentTable) -> None:
    first = simulate(instruments)

    assert first.tobytes() == simulate(instruments).tobytes()
    assert prices_of(first, 0) != prices_of(simulate(instruments, seed=43), 0)


def test_the_order_flow_does_not_disturb_the_prices(instruments: InstrumentTable) -> None:
    quiet = simulate(instruments, order_flow=OrderFlowSettings(orders_per_second=0), commands=40)
    busy = simulate(instruments, order_flow=OrderFlowSettings(orders_per_second=5_000))
    common = min(len(prices_of(quiet, 0)), len(prices_of(busy, 0)))

    assert common >= 1
    assert prices_of(quiet, 0)[:common] == prices_of(busy, 0)[:common]


def test_prices_come_at_their_interval_and_orders_between(instruments: InstrumentTable) -> None:
    metrics = InMemoryFeedMetrics()
    commands = simulate(instruments, metrics, commands=1_000)
    btc = commands[(commands["op"] == OP_PRICE) & (commands["symbol"] == 0)]
    spacing = np.diff(btc["ts"]) / 1e6
    orders = commands[commands["op"] != OP_PRICE]
    seconds = (commands["ts"][-1] - commands["ts"][0]) / 1e9

    assert spacing == pytest.approx([100] * len(spacing), abs=1)
    assert len(orders) == pytest.approx(200 * seconds, rel=0.05, abs=10)
    assert (np.diff(commands["ts"]) >= 0).all()
    assert set(btc["source"]) == {SOURCE_FEED}
    assert set(orders["source"]) == {SOURCE_ORDER_FLOW}
    assert metrics.prices[0] == metrics.prices[1] == len(btc)
    assert metrics.order_count == len(orders)
    assert metrics.last_price[0] == btc["price"][-1]
    assert min(metrics.latencies) >= 0
    assert not metrics.malformed_by_reason


def test_it_ends_with_mass_cancels(instruments: InstrumentTable) -> None:
    commands = simulate(instruments)

    assert commands["op"][:4].tolist() == commands["op"][-4:].tolist() == [OP_CANCEL_ALL] * 4


def test_start_prices_are_by_symbol(instruments: InstrumentTable) -> None:
    simulation = SimulationSettings(volatility=0.0, start_prices={"ETHUSDT": Decimal(2500)})
    commands = simulate(instruments, simulation=simulation)

    assert set(prices_of(commands, 0)) == {5_000_000}
    assert set(prices_of(commands, 1)) == {250_000}


def test_batches_are_bounded(instruments: InstrumentTable) -> None:
    settings = FeedSettings(batch_max=16, order_flow=OrderFlowSettings(orders_per_second=50_000))
    collected = Collected()

    async def run() -> None:
        collected.stop, collected.stop_after = asyncio.Event(), 2_000
        metrics = InMemoryFeedMetrics()
        await run_feed(settings, instruments, collected, collected.stop, metrics, clock=FakeClock())

    asyncio.run(run())

    assert max(len(batch) for batch in collected.batches) == 16


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"symbols": ("DOGEUSDT",)}, "'DOGEUSDT' is not an instrument; configured are BTCUSDT"),
        (
            {"simulation": SimulationSettings(start_price=Decimal("0.001"))},
            "feed.simulation.start_price of BTCUSDT: price 0.001 is off the grid",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_is_published(
    instruments: InstrumentTable, changed: dict[str, object], text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text):
        simulate(instruments, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: FeedSettings(mode="live"), "feed.mode: found 'live'"),  # type: ignore[arg-type]
        (lambda: FeedSettings(mode="recorded"), "feed.recorded.path"),
        (lambda: FeedSettings(symbols=()), "feed.symbols"),
        (lambda: FeedSettings(symbols=("A", "A")), "only once"),
        (lambda: SimulationSettings(volatility=-1), "feed.simulation.volatility"),
        (lambda: SimulationSettings(interval_s=0), "feed.simulation.interval_ms"),
        (lambda: OrderFlowSettings(orders_per_second=-1), "orders_per_second"),
        (lambda: OrderFlowSettings(maker_accounts=(1,), taker_accounts=(1,)), "only once"),
        (lambda: OrderFlowSettings(levels=2000, level_step_ppm=300), "level_step_ppm"),
    ],
)
def test_wrong_settings_name_their_key(make: object, key: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigurationError, match=key):
        make()
