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
from components.feed.symbol_words import (
    BELIEF_AGREEING,
    BELIEF_CANDIDATE,
    BELIEF_HIGH,
    BELIEF_LOW,
    BELIEF_PRICE,
    Words,
)
from components.units import PPM
from disruptor.compiled import compiled

BELIEVED: Final = 0
SUSPECT: Final = 1
OUT_OF_BAND: Final = 2

_ANY_PPM: Final = PPM * PPM


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


@compiled
def slack_of(price: int, jump_ppm: int) -> int:
    """How far from ``price``, up to 2 ** 40, a believed one may be; no step exceeds 64 bits."""
    return price // PPM * jump_ppm + price % PPM * jump_ppm // PPM


class PriceTrust:
    """Judges prices in ticks, symbol by symbol; what it believes is in ``words``.

    A price of 0 is none; the columns are the last believed price with its bounds, and the run of
    others that agree.
    """

    def __init__(self, settings: PriceTrustSettings, words: Words) -> None:
        self.jump_ppm: Final = min(settings.jump_ppm or _ANY_PPM, _ANY_PPM)
        self._band_ppm = settings.band_ppm or _ANY_PPM
        self._confirmations = settings.confirmations
        self._words = words

    def judge(self, symbol: int, price: int) -> int:
        """BELIEVED, SUSPECT or OUT_OF_BAND; the first price of a symbol is believed."""
        words = self._words[symbol]
        believed, agreeing = int(words[BELIEF_PRICE]), int(words[BELIEF_AGREEING])
        if not believed or words[BELIEF_LOW] <= price <= words[BELIEF_HIGH]:
            self._believe(words, price)
            return BELIEVED
        agrees = agreeing and self._is_near(price, int(words[BELIEF_CANDIDATE]), self.jump_ppm)
        words[BELIEF_AGREEING] = agreeing = agreeing + 1 if agrees else 1
        words[BELIEF_CANDIDATE] = price
        if agreeing >= self._confirmations:
            self._believe(words, price)
            return BELIEVED
        return SUSPECT if self._is_near(price, believed, self._band_ppm) else OUT_OF_BAND

    def reset(self) -> None:
        """Forget all prices, as when a recording begins again."""
        self._words[:, BELIEF_LOW : BELIEF_CANDIDATE + 1] = 0

    def _believe(self, words: Words, price: int) -> None:
        slack = slack_of(price, self.jump_ppm)
        words[BELIEF_LOW], words[BELIEF_HIGH] = price - slack, price + slack
        words[BELIEF_PRICE], words[BELIEF_AGREEING] = price, 0

    @staticmethod
    def _is_near(price: int, other: int, ppm: int) -> bool:
        return abs(price - other) * PPM <= other * ppm
