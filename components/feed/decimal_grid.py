"""Decimal text of a venue to whole steps of a grid: exact, without floats, and fast.

``components.units`` does the same for people, with sentences; this is for half a million texts a
second, and answers with a negative code.  Prices and quantities repeat, so each grid remembers the
texts that it has judged; the memory is bounded and forgotten as a whole.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, Literal

from components.units import GRID_SCALE

OffGrid = Literal["refuse", "nearest", "down"]

NOT_DECIMAL: Final = -1
OFF_GRID: Final = -2
OUT_OF_BOUNDS: Final = -3
NEGATIVE: Final = -4

_DECIMAL: Final = re.compile(r"(-?)([0-9]{1,20})(?:\.([0-9]{1,18}))?")
_DECIMALS: Final = 18
_UNIT: Final = 10**_DECIMALS
_REMEMBERED_MAX: Final = 65_536


def whole_unit(step: Decimal) -> tuple[int, int]:
    """``step`` as a whole number and how often it is divided by ten: 0.05 is 5 and 2."""
    unit, decimals = int(step * GRID_SCALE), len(str(GRID_SCALE)) - 1
    while decimals and unit % 10 == 0:
        unit, decimals = unit // 10, decimals - 1
    return unit, decimals


class DecimalGrid:
    """Whole multiples of ``step`` (positive, at most 12 decimals), from 0 to ``maximum`` of them."""

    def __init__(self, step: Decimal, maximum: int, off_grid: OffGrid = "refuse") -> None:
        """``off_grid``: refuse, or round to the nearest step (half away from zero), or down."""
        self._step = int(step * GRID_SCALE) * (_UNIT // GRID_SCALE)
        self._maximum = maximum
        self._off_grid = off_grid
        self._remembered: dict[str, int] = {}

    def steps(self, text: object) -> int:
        """The multiple that ``text`` is, or a negative code; never raises."""
        if type(text) is not str:
            return NOT_DECIMAL
        known = self._remembered.get(text)
        if known is not None:
            return known
        steps = self._judge(text)
        if steps >= 0:
            if len(self._remembered) >= _REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[text] = steps
        return steps

    def _judge(self, text: str) -> int:
        match = _DECIMAL.fullmatch(text)
        if match is None:
            return NOT_DECIMAL
        sign, whole, fraction = match.groups("")
        value = int(whole + fraction.ljust(_DECIMALS, "0"))
        if sign and value:
            return NEGATIVE
        steps, rest = divmod(value, self._step)
        if rest:
            if self._off_grid == "refuse":
                return OFF_GRID
            if self._off_grid == "nearest":
                steps += 2 * rest >= self._step
        return steps if steps <= self._maximum else OUT_OF_BOUNDS
