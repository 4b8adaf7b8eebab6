"""The simulation as it is configured; what it means is in `feed.simulation_settings`."""

from __future__ import annotations

from pydantic import Field

from components.configuration.values import PositiveDecimal, Symbol
from components.feed.simulation_settings import SimulationSettings
from disruptor.topology.model import Strict


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
