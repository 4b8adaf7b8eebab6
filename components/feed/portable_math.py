"""Exponential and logarithm in + − × ÷ alone, compiled: the same last bit on every machine.

A library's functions may differ there, and a seed shall name one flow of orders for ever.  Both are
within a few units in the last place of the true value.
"""

from __future__ import annotations

import math
from typing import Final

from disruptor.compiled import compiled

LN_2: Final = 0.6931471805599453
_LN_2_HIGH: Final = 6.93147180369123816490e-01
"""Its first 33 bits, so that a multiple of it is exact …"""
_LN_2_LOW: Final = 1.90821492927058770002e-10
"""… and the rest."""
_ROOT_HALF: Final = 0.7071067811865476
_LOWEST: Final = -700.0
_EXP_TERMS: Final = 14
_LOG_TERMS: Final = 12


@compiled
def exp_of_negative(value: float) -> float:
    """``exp(value)`` for a value of at most 0; 0 where it is below the smallest double."""
    if value < _LOWEST:
        return 0.0
    halvings = int(-value / LN_2 + 0.5)
    rest = (value + halvings * _LN_2_HIGH) + halvings * _LN_2_LOW
    total = 1.0
    for term in range(_EXP_TERMS, 0, -1):
        total = 1.0 + rest * total / term
    return math.ldexp(total, -halvings)


@compiled
def log_of_fraction(fraction: float) -> float:
    """``log(fraction)`` for 0 < fraction <= 1: the series of the area tangent."""
    mantissa, exponent = math.frexp(fraction)
    if mantissa < _ROOT_HALF:
        mantissa *= 2.0
        exponent -= 1
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    total = 0.0
    for term in range(_LOG_TERMS, -1, -1):
        total = total * square + 1.0 / (2 * term + 1)
    return exponent * _LN_2_HIGH + (exponent * _LN_2_LOW + 2.0 * ratio * total)
