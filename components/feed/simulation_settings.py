"""What the simulation can be told: how prices move by themselves, together, and under stress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from components.feed.setting_checks import require, require_one_of

StressKind = Literal["crash", "gap", "flash", "freeze"]
STRESS_KINDS: Final = ("crash", "gap", "flash", "freeze")
REVERSION_MAX: Final = 0.25
"""Below the least factor of a step's return, so that no pull makes a price negative."""


@dataclass(frozen=True)
class JumpSettings:
    """Rare large moves on top of the walk (Merton): at most one a step and symbol."""

    probability: float = 0.0  # of a jump, in each step
    mean: float = 0.0  # of a jump's logarithmic return
    volatility: float = 0.0  # its standard deviation

    def __post_init__(self) -> None:
        for name, low, high in (("probability", 0, 1), ("mean", -0.5, 0.5), ("volatility", 0, 0.5)):
            value = getattr(self, name)
            require(low <= value <= high, f"simulation.jumps.{name}", value, f"{low} to {high}")


@dataclass(frozen=True)
class StressSettings:
    """One event of a stress script; times are seconds of simulated time since the start.

        crash     the price moves by ``change`` within ``over_s`` and stays there
        gap       it does so at once; ``over_s`` is 0
        flash     it moves by ``change`` within half of ``over_s``, and is back at its end
        freeze    no price is published for ``over_s``; ``change`` is 0

    ``change`` -0.3 is a fall by 30 %.  No ``symbols``: all of them.
    """

    kind: StressKind
    at_s: float
    change: float = 0.0
    over_s: float = 0.0
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        key = "simulation.stress"
        require_one_of(self.kind, STRESS_KINDS, key)
        require(self.at_s >= 0, key, self.at_s, "at_s must not be negative")
        if self.kind == "freeze":
            require(self.change == 0, key, self.change, "a freeze has no change")
        else:
            right = f"the change of a {self.kind} is from -0.99 to 100, and not 0"
            require(-0.99 <= self.change <= 100 and self.change != 0, key, self.change, right)
        if self.kind == "gap":
            require(self.over_s == 0, key, self.over_s, "a gap is at once: leave out over_s")
        else:
            require(self.over_s > 0, key, self.over_s, f"a {self.kind} needs a positive over_s")


@dataclass(frozen=True)
class SimulationSettings:
    """A random walk for each symbol; ``start_prices`` names those that differ from the default."""

    start_price: Decimal = Decimal(50_000)
    start_prices: Mapping[str, Decimal] = field(default_factory=dict)
    volatility: float = 0.002  # standard deviation of the logarithmic return of one step
    drift: float = 0.0  # mean logarithmic growth of one step
    interval_s: float = 0.1
    jumps: JumpSettings = JumpSettings()
    reversion: float = 0.0  # the part of the way to its level that a price is pulled in one step
    levels: Mapping[str, Decimal] = field(default_factory=dict)  # default: the start price
    correlation: Sequence[Sequence[float]] = ()  # of the returns; in the order of feed.symbols
    stress: tuple[StressSettings, ...] = ()

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
        require(
            0 <= self.reversion <= REVERSION_MAX,
            "simulation.reversion",
            self.reversion,
            f"0 to {REVERSION_MAX} a step",
        )
        for price in (self.start_price, *self.start_prices.values()):
            require(price > 0, "simulation.start_price", str(price), "it must be positive")
        for price in self.levels.values():
            require(price > 0, "simulation.levels", str(price), "it must be positive")

    def start_of(self, symbol: str) -> Decimal:
        """Where ``symbol`` begins."""
        return self.start_prices.get(symbol, self.start_price)

    def level_of(self, symbol: str) -> Decimal:
        """What ``symbol`` is pulled to."""
        return self.levels.get(symbol, self.start_of(symbol))
