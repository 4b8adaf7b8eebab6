"""The simulated feed: steps the price models and the order flow as their time comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import numpy as np

from components.feed.clock import Clock, nap_until
from components.feed.metrics import FeedMetrics
from components.feed.order_flow import OrderFlow
from components.feed.price_model import GeometricBrownianMotion
from components.feed.publisher import Publisher
from components.feed.settings import FeedSettings
from components.instruments import Instrument
from components.messages.code import OP_PRICE, SOURCE_FEED
from components.messages.command import Commands, new_commands
from disruptor.errors import ConfigurationError

BEHIND_NS_MAX: Final = 1_000_000_000
"""Steps missed by more than this (a suspended machine) are left out, not made up for."""


def build_models(
    settings: FeedSettings, traded: Sequence[Instrument]
) -> list[GeometricBrownianMotion]:
    """A model for each traded symbol; ConfigurationError if a start price is off its grid."""
    simulation = settings.simulation
    models = []
    for instrument in traded:
        start = simulation.start_prices.get(instrument.name, simulation.start_price)
        try:
            ticks = instrument.price_to_ticks(str(start))
            model = GeometricBrownianMotion(
                ticks,
                volatility=simulation.volatility,
                drift=simulation.drift,
                seed=settings.seed,
                stream=instrument.index,
            )
        except ValueError as problem:
            raise ConfigurationError(
                f"feed.simulation.start_price of {instrument.name}: {problem}"
            ) from problem
        models.append(model)
    return models


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
        self._models = build_models(settings, traded)
        self._symbols = np.array([each.index for each in traded], np.uint32)
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
        """One price command a symbol; the order flow follows the new prices."""
        commands = new_commands(len(self._models))
        commands["op"] = OP_PRICE
        commands["source"] = SOURCE_FEED
        commands["symbol"] = self._symbols
        for row, model in enumerate(self._models):
            ticks = model.step()
            commands["price"][row] = ticks
            self._flow.set_price(int(self._symbols[row]), ticks)
        return commands
