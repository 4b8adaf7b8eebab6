"""Whether a price is believed: compared with the last believed one of its symbol.

    within ``jump`` of it            believed
    further, within ``band``         suspect: passed on, but nobody may be liquidated on it
    further still                    out of band: dropped

A market that has really moved says so again: ``confirmations`` prices in a row that are not
believed, each within ``jump`` of the one before it, move the belief to the last of them.  A single wrong
price therefore never counts, and a true crash is believed after a handful of trades.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from components.feed.setting_checks import require
from components.units import PPM

BELIEVED: Final = 0
SUSPECT: Final = 1
OUT_OF_BAND: Final = 2


@dataclass(frozen=True)
class PriceTrustSettings:
    """Ratios in ppm of the last believed price; 0 switches a rule off."""

    jump_ppm: int = 50_000
    band_ppm: int = 500_000
    confirmations: int = 3

    def __post_init__(self) -> None:
        jump, band, least = self.jump_ppm, self.band_ppm, self.confirmations
        require(jump >= 0, "trust.jump", jump, "not negative")
        require(not band or band >= jump, "trust.band", band, "0, or at least trust.jump")
        require(1 <= least <= 1000, "trust.confirmations", least, "1 to 1000")


@dataclass(slots=True)
class _Belief:
    """The last believed price with its bounds, and the run of others that agree."""

    low: int
    high: int
    price: int
    agreeing: int = 0
    candidate: int = 0


class PriceTrust:
    """Judges prices in ticks, symbol by symbol."""

    def __init__(self, settings: PriceTrustSettings) -> None:
        self._jump_ppm = settings.jump_ppm or PPM * PPM
        self._band_ppm = settings.band_ppm or PPM * PPM
        self._confirmations = settings.confirmations
        self._beliefs: dict[int, _Belief] = {}

    def judge(self, symbol: int, price: int) -> int:
        """BELIEVED, SUSPECT or OUT_OF_BAND; the first price of a symbol is believed."""
        belief = self._beliefs.get(symbol)
        if belief is None:
            belief = self._beliefs[symbol] = _Belief(0, 0, 0)
            self._believe(belief, price)
            return BELIEVED
        if belief.low <= price <= belief.high:
            if price != belief.price or belief.agreeing:
                self._believe(belief, price)
            return BELIEVED
        agrees = belief.agreeing and self._is_near(price, belief.candidate, self._jump_ppm)
        belief.agreeing = belief.agreeing + 1 if agrees else 1
        belief.candidate = price
        if belief.agreeing >= self._confirmations:
            self._believe(belief, price)
            return BELIEVED
        return SUSPECT if self._is_near(price, belief.price, self._band_ppm) else OUT_OF_BAND

    def reset(self) -> None:
        """Forget all prices, as when a recording begins again."""
        self._beliefs.clear()

    def _believe(self, belief: _Belief, price: int) -> None:
        slack = price * self._jump_ppm // PPM
        belief.low, belief.high, belief.price, belief.agreeing = (
            price - slack,
            price + slack,
            price,
            0,
        )

    @staticmethod
    def _is_near(price: int, other: int, ppm: int) -> bool:
        return abs(price - other) * PPM <= other * ppm
