"""Integers inside, decimal strings at the edge: the only place where one becomes the other.

Prices are whole ticks, quantities whole lots, money whole units of 1e-8 of the quote currency,
ratios parts per million.  Nothing here passes through a float.  The bounds make every product of
a price, a quantity and an instrument's money unit fit 63 bits once ``notional_fits`` said so.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

MONEY_SCALE: Final = 10**8
PPM: Final = 1_000_000
GRID_SCALE: Final = 10**12
"""Tick and lot sizes travel in instrument commands as whole multiples of 1e-12."""

PRICE_TICKS_MAX: Final = 2**40
QTY_LOTS_MAX: Final = 2**40
MONEY_UNIT_MAX: Final = 2**20
"""Money of one tick times one lot; with the bound on prices, one lot's worth stays below 2**60."""
MONEY_MAX: Final = 2**60
ACCOUNT_MAX: Final = 2**62
ORDER_ID_MAX: Final = 2**62
TIMESTAMP_MAX: Final = 2**62

_DECIMAL = re.compile(r"[+-]?\d{1,30}(\.\d{1,18})?")


class UnitError(ValueError):
    """A number cannot be represented: not a decimal, off its grid, or out of bounds."""


def parse_decimal(text: object) -> Decimal:
    """A plain decimal string, exactly; no exponents, no ``nan``, no ``inf``, no floats."""
    if isinstance(text, bool) or not isinstance(text, (str, int)):
        raise UnitError(f'found {text!r}; write a decimal number as a string, e.g. "100.5"')
    written = str(text)
    if not _DECIMAL.fullmatch(written):
        raise UnitError(f'found {written!r}; write a plain decimal number, e.g. "100.5"')
    return Decimal(written)


def to_grid(text: object, step: Decimal, what: str, maximum: int) -> int:
    """``text`` as a whole number of ``step``, or an error that names ``what`` and the grid."""
    value = parse_decimal(text)
    if abs(value) > maximum * step:
        raise UnitError(f"{what} {value} is too large; the most is {maximum * step}")
    steps, rest = divmod(value, step)
    if rest:
        raise UnitError(f"{what} {value} is off the grid; it must be a multiple of {step}")
    return int(steps)


def from_grid(steps: int, step: Decimal) -> str:
    """The shortest exact decimal of ``steps`` times ``step``, without an exponent."""
    return plain(steps * step)


def plain(value: Decimal) -> str:
    """``value`` without an exponent or needless zeros: 100, 0.5, -3.25."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def money_from_text(text: object, what: str = "amount") -> int:
    """Money units of 1e-8; finer or larger amounts are refused."""
    return to_grid(text, Decimal(1) / MONEY_SCALE, what, MONEY_MAX)


def money_to_text(money: int) -> str:
    """The exact decimal of an amount in money units."""
    return plain(Decimal(int(money)) / MONEY_SCALE)


def ppm_from_text(text: object, what: str = "ratio") -> int:
    """A ratio such as "0.005" as parts per million."""
    return to_grid(text, Decimal(1) / PPM, what, 1000 * PPM)
