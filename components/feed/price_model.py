"""Simulated prices: a geometric random walk on the tick grid, one independent stream a symbol.

Each step multiplies the price by ``exp(drift - volatility²/2 + volatility·z)``, z standard normal
from numpy's PCG64 seeded with (seed, stream); so a seed names one path for ever, and adding a
symbol changes no other symbol's path.  The exponential is its own series in + and × alone, which
round alike on every machine, where a library's ``exp`` may differ in the last bit; for the steps
that matter (below 5 %) the series is exact to 1e-8.  The unrounded price is carried from step to
step, so that rounding to the grid never becomes a trap at low prices, and it is held within
1…PRICE_TICKS_MAX: a price is never zero or negative.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.units import PRICE_TICKS_MAX

_BLOCK: Final = 1024
_RETURN_MAX: Final = 1.0


def series_exp(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``exp`` to the fourth order by Horner's rule; positive for all values within -1…1."""
    return 1.0 + values * (1.0 + values * (0.5 + values * (1.0 / 6.0 + values / 24.0)))


class GeometricBrownianMotion:
    """One symbol's simulated price, in ticks."""

    def __init__(
        self, start_ticks: int, *, volatility: float, drift: float, seed: int, stream: int
    ) -> None:
        if not 1 <= start_ticks <= PRICE_TICKS_MAX:
            raise ValueError(f"start_ticks={start_ticks} must be within 1 to {PRICE_TICKS_MAX}")
        self._price = float(start_ticks)
        self._volatility = volatility
        self._drift = drift - volatility * volatility / 2.0
        self._generator = np.random.Generator(np.random.PCG64([seed, stream]))
        self._factors: list[float] = []
        self._next = 0

    @property
    def price_ticks(self) -> int:
        """The price now, on the grid."""
        return round(self._price)

    def step(self) -> int:
        """Take one step and return the new price in ticks."""
        if self._next == len(self._factors):
            self._refill()
        moved = self._price * self._factors[self._next]
        self._next += 1
        self._price = min(max(moved, 1.0), float(PRICE_TICKS_MAX))
        return round(self._price)

    def _refill(self) -> None:
        normals = self._generator.standard_normal(_BLOCK)
        returns = self._drift + self._volatility * normals
        self._factors = series_exp(np.clip(returns, -_RETURN_MAX, _RETURN_MAX)).tolist()
        self._next = 0
