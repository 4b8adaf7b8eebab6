"""What the simulation can be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from components.feed.setting_checks import require


@dataclass(frozen=True)
class SimulationSettings:
    """A random walk for each symbol; ``start_prices`` names those that differ from the default."""

    start_price: Decimal = Decimal(50_000)
    start_prices: Mapping[str, Decimal] = field(default_factory=dict)
    volatility: float = 0.002  # standard deviation of the logarithmic return of one step
    drift: float = 0.0  # mean logarithmic growth of one step
    interval_s: float = 0.1

    def __post_init__(self) -> None:
        require(
            0 <= self.volatility <= 0.5, "simulation.volatility", self.volatility, "0 to 0.5 a step"
        )
        require(abs(self.drift) <= 0.5, "simulation.drift", self.drift, "-0.5 to 0.5 a step")
        require(
            self.interval_s >= 1e-4,
            "simulation.interval_ms",
            self.interval_s * 1000,
            "at least 0.1",
        )
        for price in (self.start_price, *self.start_prices.values()):
            require(price > 0, "simulation.start_price", str(price), "it must be positive")
