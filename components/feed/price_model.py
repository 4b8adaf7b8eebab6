"""Simulated prices on the tick grid: geometric random walks that jump, revert, and move together.

One step takes a price from S to

    S · exp(drift - volatility²/2 + volatility·z + jump)  +  reversion · (level - S)

with z standard normal, correlated between symbols where a matrix says so.  With neither jumps nor
reversion that is geometric Brownian motion; a jump is normal too and comes with its probability
(Merton); the pull makes it the diffusion of Brennan and Schwartz, whose mean and variance are known.

Random numbers are numpy's PCG64 seeded with (seed, stream), the jumps' own with (seed, stream, 1);
so a seed names one path for ever, adding a symbol changes no other symbol's path, and jumps leave
the walk under them as it was.  The exponential is its own series in + and × alone, which round
alike on every machine, where a library's ``exp`` may differ in the last bit; for the steps that
matter (below 5 %) the series is exact to 1e-8.  The unrounded price is carried from step to step,
so that rounding to the grid never becomes a trap at low prices, and it is held within
1…PRICE_TICKS_MAX: a price is never zero or negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.feed.correlation import correlated
from components.feed.simulation_settings import JumpSettings
from components.units import PRICE_TICKS_MAX

_BLOCK: Final = 1024
_RETURN_MAX: Final = 1.0
_JUMPS: Final = 1


def series_exp(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``exp`` to the fourth order by Horner's rule; positive for all values within -1…1."""
    return 1.0 + values * (1.0 + values * (0.5 + values * (1.0 / 6.0 + values / 24.0)))


@dataclass(frozen=True)
class PathRules:
    """How all prices of a simulation move; ``factor`` is a correlation's, () for none."""

    volatility: float
    drift: float
    jumps: JumpSettings = field(default_factory=JumpSettings)
    reversion: float = 0.0
    factor: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class PathStart:
    """One symbol: where its price begins, what it is pulled to, in ticks, and its random stream."""

    ticks: int
    level_ticks: int
    stream: int

    def __post_init__(self) -> None:
        for name in ("ticks", "level_ticks"):
            value = getattr(self, name)
            if not 1 <= value <= PRICE_TICKS_MAX:
                raise ValueError(f"{name}={value} must be within 1 to {PRICE_TICKS_MAX}")


class SimulatedPrices:
    """The prices of all symbols of a simulation, in ticks, stepped together."""

    def __init__(self, starts: Sequence[PathStart], rules: PathRules, seed: int) -> None:
        self._rules = rules
        self._prices = [float(each.ticks) for each in starts]
        self._levels = [float(each.level_ticks) for each in starts]
        self._walks = [_generator(seed, each.stream) for each in starts]
        self._jumps = [_generator(seed, each.stream, _JUMPS) for each in starts]
        self._factors: list[list[float]] = []  # by symbol, _BLOCK steps
        self._next = _BLOCK

    @property
    def ticks(self) -> list[int]:
        """The prices now, on the grid."""
        return [round(price) for price in self._prices]

    def step(self) -> list[int]:
        """Take one step and return the new prices in ticks."""
        if self._next == _BLOCK:
            self._refill()
        reversion = self._rules.reversion
        for row, factors in enumerate(self._factors):
            price = self._prices[row]
            moved = price * factors[self._next]
            if reversion:
                moved += reversion * (self._levels[row] - price)
            self._prices[row] = min(max(moved, 1.0), float(PRICE_TICKS_MAX))
        self._next += 1
        return self.ticks

    def _refill(self) -> None:
        rules = self._rules
        normals = np.stack([each.standard_normal(_BLOCK) for each in self._walks])
        if rules.factor:
            correlated(rules.factor, normals)
        drift = rules.drift - rules.volatility * rules.volatility / 2.0
        returns = drift + rules.volatility * normals
        if rules.jumps.probability:
            for row, generator in enumerate(self._jumps):
                returns[row] += _jumps(rules.jumps, generator)
        self._factors = series_exp(np.clip(returns, -_RETURN_MAX, _RETURN_MAX)).tolist()
        self._next = 0


def _jumps(rules: JumpSettings, generator: np.random.Generator) -> NDArray[np.float64]:
    """The logarithmic jumps of a block of steps, 0 where there is none."""
    happens = generator.random(_BLOCK) < rules.probability
    return happens * (rules.mean + rules.volatility * generator.standard_normal(_BLOCK))


def _generator(*entropy: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(list(entropy)))
