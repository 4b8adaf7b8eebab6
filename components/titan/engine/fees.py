"""Money of a trade, and the fee on it: exact, rounded against the account, never past 63 bits."""

from __future__ import annotations

from typing import Final

from components.units import MONEY_MAX, PPM
from disruptor.compiled import inlined, internal

_SMALL: Final = 1 << 20
"""Two factors below it and a money unit of at most 2**20 multiply to at most MONEY_MAX."""


@inlined
def notional_fits(price: int, qty: int, money_unit: int) -> bool:
    """Whether price × qty × money_unit is at most MONEY_MAX; all positive and within bounds."""
    if price < _SMALL and qty < _SMALL:
        return True
    return _notional_fits_exactly(price, qty, money_unit)


@internal
def _notional_fits_exactly(price: int, qty: int, money_unit: int) -> bool:
    return qty <= MONEY_MAX // (price * money_unit)


@inlined
def fee_of(notional: int, ppm: int) -> int:
    """The fee in money, a rebate if negative; the fraction of a unit goes against the account.

    ``notional`` is at most 2**60 and ``ppm`` at most 10**6 either way, so whole millions and the
    rest are taken apart.
    """
    if ppm == 0:
        return 0
    millions = notional // PPM
    rest = notional - millions * PPM
    return millions * ppm - (-rest * ppm) // PPM
