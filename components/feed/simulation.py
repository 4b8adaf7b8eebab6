"""The simulated feed: steps the price models and the order flow as their time comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from components.feed.clock import Clock, nap_until
from components.feed.correlation import correlation_factor
from components.feed.metrics import FeedMetrics
from components.feed.order_flow import OrderFlow
from components.feed.price_model import PathRules, PathStart, SimulatedPrices
from components.feed.publisher import Publisher
from components.feed.settings import FeedSettings
from components.feed.stress import StressScript
from components.instruments import Instrument
from components.messages.code import OP_PRICE, SOURCE_FEED
from components.messages.command import Commands, new_commands
from components.units import PRICE_TICKS_MAX
from disruptor.errors import ConfigurationError

BEHIND_NS_MAX: Final = 1_000_000_000
"""Steps missed by more than this (a suspended machine) are left out, not made up for."""


def build_prices(settings: FeedSettings, traded: Sequence[Instrument]) -> SimulatedPrices:
    """The price models of the traded symbols; ConfigurationError if a setting does not fit."""
    simulation = settings.simulation
    starts = []
    for instrument in traded:
        ticks = _ticks(instrument, simulation.start_of(instrument.name), "start_price")
        level = ticks
        if simulation.reversion:
            level = _ticks(instrument, simulation.level_of(instrument.name), "levels")
        starts.append(PathStart(ticks, level, instrument.index))
    names = [each.name for each in traded]
    matrix = simulation.correlation
    rules = PathRules(
        volatility=simulation.volatility,
        drift=simulation.drift,
        jumps=simulation.jumps,
        reversion=simulation.reversion,
        factor=correlation_factor(matrix, names) if matrix else (),
    )
    return SimulatedPrices(starts, rules, settings.seed)


def _ticks(instrument: Instrument, price: Decimal, key: str) -> int:
    try:
        return instrument.price_to_ticks(str(price))
    except ValueError as problem:
        raise ConfigurationError(
            f"feed.simulation.{key} of {instrument.name}: {problem}"
        ) from problem


class Simulation:
    """Price models, order flow and their schedule, on the monotonic clock."""

    def __init__(
        self,
        settings: FeedSettings,
        traded: Sequence[Instrument],
        flow: OrderFlow,
        publisher: Publisher,
        metrics: FeedMetrics,
        clock: Clock,
    ) -> None:
        self._prices = build_prices(settings, traded)
        self._symbols = [each.index for each in traded]
        self._interval_s = settings.simulation.interval_s
        names = [each.name for each in traded]
        self._stress = StressScript(settings.simulation.stress, names)
        self._step_count = 0
        self._interval_ns = round(settings.simulation.interval_s * 1e9)
        self._flow = flow
        self._publisher = publisher
        self._metrics = metrics
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until ``stop``; the last commands are the flow's mass cancels."""
        clock, flow = self._clock, self._flow
        next_price_ns = clock.monotonic_ns()
        self._publisher.send_orders(flow.open(next_price_ns), clock.wall_ns())
        while not stop.is_set():
            now_ns = clock.monotonic_ns()
            if now_ns - next_price_ns > BEHIND_NS_MAX:
                next_price_ns = now_ns
            while next_price_ns <= now_ns:
                self._publish_prices(now_ns - next_price_ns)
                next_price_ns += self._interval_ns
            next_due_ns = next_price_ns
            if flow.enabled:
                if flow.next_due_ns <= now_ns:
                    self._publisher.send_orders(flow.due(now_ns), clock.wall_ns())
                next_due_ns = min(next_due_ns, flow.next_due_ns)
            await nap_until(clock, next_due_ns)
        self._publisher.send_orders(flow.close(clock.monotonic_ns()), clock.wall_ns())

    def _publish_prices(self, late_ns: int) -> None:
        wall_ns = self._clock.wall_ns()
        commands = self._step()
        commands["origin_ts"] = wall_ns - late_ns
        self._publisher.send_prices(commands, wall_ns)
        self._metrics.latencies_ns(np.full(len(commands), late_ns, np.int64))

    def _step(self) -> Commands:
        """One price command for each symbol that is not frozen; the order flow follows them."""
        now_s = self._step_count * self._interval_s
        self._step_count += 1
        commands = new_commands(len(self._symbols))
        commands["op"] = OP_PRICE
        commands["source"] = SOURCE_FEED
        count = 0
        for row, walked in enumerate(self._prices.step()):
            if self._stress.is_frozen(row, now_s):
                continue
            ticks = round(walked * self._stress.factor(row, now_s))
            ticks = min(max(ticks, 1), PRICE_TICKS_MAX)
            commands["symbol"][count] = self._symbols[row]
            commands["price"][count] = ticks
            self._flow.set_price(self._symbols[row], ticks)
            count += 1
        return commands[:count]
