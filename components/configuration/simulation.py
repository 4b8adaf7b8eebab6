"""The simulation as it is configured; what it means is in `feed.simulation_settings`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from components.configuration.values import PositiveDecimal, Symbol
from components.feed.simulation_settings import (
    REVERSION_MAX,
    JumpSettings,
    SimulationSettings,
    StressKind,
    StressSettings,
)
from disruptor.topology.model import Strict


class Jumps(Strict):
    """Rare large moves on top of the walk."""

    probability: float = Field(
        default=JumpSettings.probability,
        ge=0,
        le=1,
        description="the probability of a jump in one step, from 0 to 1",
    )
    mean: float = Field(
        default=JumpSettings.mean,
        ge=-0.5,
        le=0.5,
        description="the mean of a jump's logarithmic return, from -0.5 to 0.5",
    )
    volatility: float = Field(
        default=JumpSettings.volatility,
        ge=0,
        le=0.5,
        description="its standard deviation, from 0 to 0.5",
    )


class Stress(Strict):
    """One event of a stress script."""

    kind: StressKind = Field(description="crash, gap, flash or freeze")
    at_s: float = Field(ge=0, le=86_400_000, description="seconds since the start")
    change: float = Field(
        default=StressSettings.change,
        ge=-0.99,
        le=100,
        description="the part by which the price moves, e.g. -0.3",
    )
    over_s: float = Field(
        default=StressSettings.over_s, ge=0, le=86_400_000, description="seconds from 0"
    )
    symbols: Annotated[tuple[Symbol, ...], Field(strict=False)] = Field(
        default=StressSettings.symbols, description="a list of symbols; all when left out"
    )


Row = Annotated[tuple[float, ...], Field(strict=False)]


class Simulation(Strict):
    """Random walks; a symbol without a start price of its own begins at ``start_price``."""

    start_price: PositiveDecimal = Field(
        default=SimulationSettings.start_price, description='a positive price, e.g. "50000"'
    )
    start_prices: dict[Symbol, PositiveDecimal] = Field(
        default={}, description="a mapping from symbols to prices"
    )
    volatility: float = Field(
        default=SimulationSettings.volatility,
        ge=0,
        le=0.5,
        description="the standard deviation of one step's return, from 0 to 0.5",
    )
    drift: float = Field(
        default=SimulationSettings.drift,
        ge=-0.5,
        le=0.5,
        description="the mean growth of one step, from -0.5 to 0.5",
    )
    interval_ms: float = Field(
        default=SimulationSettings.interval_s * 1000,
        ge=0.1,
        le=86_400_000,
        description="milliseconds from 0.1 to 86400000",
    )
    jumps: Jumps = Field(default=Jumps(), description="a mapping")
    reversion: float = Field(
        default=SimulationSettings.reversion,
        ge=0,
        le=REVERSION_MAX,
        description="the part of the way to its level that a price is pulled in one step, "
        f"from 0 to {REVERSION_MAX}",
    )
    levels: dict[Symbol, PositiveDecimal] = Field(
        default={}, description="a mapping from symbols to the prices that they are pulled to"
    )
    correlation: Annotated[tuple[Row, ...], Field(strict=False)] = Field(
        default=(), description="a matrix: a row of numbers for each of feed.symbols"
    )
    stress: Annotated[tuple[Stress, ...], Field(strict=False)] = Field(
        default=(), description="a list of events"
    )

    def settings(self) -> SimulationSettings:
        """What the feed takes."""
        plain = self.model_dump(exclude={"interval_ms", "jumps", "stress"})
        return SimulationSettings(
            **plain,
            interval_s=float(Decimal(str(self.interval_ms)) / 1000),
            jumps=JumpSettings(**self.jumps.model_dump()),
            stress=tuple(StressSettings(**each.model_dump()) for each in self.stress),
        )
