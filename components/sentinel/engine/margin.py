"""The arithmetic of margin: exact integers, shared by whoever must agree with Sentinel.

Prices are ticks, quantities lots, money 1e-8 of the quote currency, rates parts per million.
No floats, no wrap-around, and no product that was not bounded before:

- *Value.*  ``lot_value = price * money_unit <= 2**40 * 2**20 = 2**60``.  A value ``lots *
  lot_value`` is formed only after ``lots <= NOTIONAL_MAX // lot_value``, so it is at most 2**56.
  Trades, opening positions and prices that would break this are refused as a whole.
- *Maintenance.*  ``notional * ppm`` may need 76 bits.  With ``notional = whole * 10**6 + rest``
  the quotient is ``whole * ppm`` plus a term below 10**12: ``whole * ppm <= notional``, because
  a rate is at most 10**6.  Maintenance therefore never exceeds the notional.
- *Sums of a wallet.*  At most 64 positions of at most 2**56, each owing at most 2**54 of funding:
  maintenance and notional sum to at most 2**62, unrealised profit to 2**62 + 2**60; with
  ``|collateral| <= 2**60`` equity stays within 2**62 + 2**61 < 2**63.  What equity and maintenance
  are apart is only asked for when equity is positive, or neither exceeds the other by 2**63.
- *Shares.*  ``amount * part / whole`` with ``part <= whole`` is done by long division, one bit
  of ``part`` a step, when the product would not fit; the running remainder stays below
  ``whole`` by comparing before adding.
- *Ratios.*  ``a/b < c/d`` is decided by Euclid's algorithm on both fractions at once: only
  quotients and remainders, so nothing grows.

Tiers follow the maintenance-amount form of Binance and Bybit: in tier k, margin = notional *
rate_k - deduction_k with deduction_1 = 0 and deduction_k = deduction_(k-1) + floor_k * (rate_k -
rate_(k-1)).  This is continuous at every floor, so which tier an edge belongs to cannot matter;
with rising rates it is also convex.  Rounding goes against the account: up for margin, down for
equity.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.state import wide
from components.units import PPM
from disruptor.compiled import compiled

INT64_MAX: Final = 2**63 - 1
HYSTERESIS_DIVISOR: Final = 20
RATIO_PPM_MAX: Final = 10**12
"""What a margin ratio saturates at: an account with no equity left."""


@compiled
def maintenance_margin(tiers: NDArray[np.void], symbol: int, tier_count: int, notional: int) -> int:
    """Money, rounded up; ``tiers`` of shape (symbols, TIERS_MAX), 0 <= notional <= 2**56."""
    tier = tier_count - 1
    while tier > 0 and notional <= tiers[symbol, tier]["floor"]:
        tier -= 1
    chosen = tiers[symbol, tier]
    whole = notional // PPM
    rest = notional - whole * PPM
    millionths = rest * chosen["ppm"] - chosen["deduction_ppm"]
    return wide(whole * chosen["ppm"] - chosen["deduction"] - (-millionths) // PPM)


@compiled
def initial_margin(notional: int, leverage: int, maintenance: int) -> int:
    """Money that must be there to open: notional over leverage, rounded up, at least
    maintenance."""
    return max(-(-notional // leverage), maintenance)


@compiled
def of_ppm(amount: int, ppm: int) -> int:
    """``amount * ppm / 10**6`` rounded down (towards minus infinity), 0 <= ppm <= 10**6."""
    whole = amount // PPM
    return whole * ppm + (amount - whole * PPM) * ppm // PPM


@compiled
def leaving_ppm(threshold_ppm: int) -> int:
    """The margin ratio at or below which a warning ends, so that it does not flicker."""
    return threshold_ppm - threshold_ppm // HYSTERESIS_DIVISOR


@compiled
def exceeds(maintenance: int, equity: int, ratio_ppm: int) -> bool:
    """Whether maintenance / equity is above ``ratio_ppm``, at most 10**6; so it always is when
    equity < maintenance, and never when both are 0."""
    return maintenance > of_ppm(equity, ratio_ppm)


@compiled
def proportion(amount: int, part: int, whole: int) -> tuple[int, int]:
    """``amount * part / whole`` as quotient and remainder; 0 <= amount, 0 <= part <= whole.

    At most 63 steps; one multiplication when the product fits 63 bits.
    """
    if part == 0 or amount <= INT64_MAX // part:
        product = amount * part
        return product // whole, product % whole
    if part == whole:
        return amount, 0
    addend = amount % whole
    quotient = 0
    remainder = 0
    for bit in range(62, -1, -1):
        quotient *= 2
        if remainder >= whole - remainder:
            remainder -= whole - remainder
            quotient += 1
        else:
            remainder += remainder
        if (part >> bit) & 1:
            if remainder >= whole - addend:
                remainder -= whole - addend
                quotient += 1
            else:
                remainder += addend
    return (amount // whole) * part + quotient, remainder


@compiled
def compare_ratios(a: int, b: int, c: int, d: int) -> int:
    """-1, 0 or 1 as a/b is below, equal to or above c/d; b, d > 0; a, c of any sign."""
    sign = 1
    while True:
        quotient_a = a // b
        quotient_c = c // d
        if quotient_a != quotient_c:
            return sign if quotient_a > quotient_c else -sign
        rest_a = a - quotient_a * b
        rest_c = c - quotient_c * d
        if rest_a == 0 or rest_c == 0:
            if rest_a == rest_c:
                return 0
            return -sign if rest_a == 0 else sign
        a, b, c, d = b, rest_a, d, rest_c
        sign = -sign


@compiled
def margin_ratio_ppm(maintenance: int, equity: int) -> int:
    """Maintenance over equity in ppm, rounded up; above 10**6 means liquidation.

    An account without maintenance has 0; one without equity saturates at RATIO_PPM_MAX.
    """
    if maintenance == 0:
        return 0
    if equity <= 0 or maintenance // equity >= PPM:
        return RATIO_PPM_MAX
    whole = maintenance // equity
    ppm, rest = proportion(PPM, maintenance - whole * equity, equity)
    return whole * PPM + ppm + (1 if rest > 0 else 0)


@compiled
def fill(qty: int, entry_value: int, traded: int, lot_value: int) -> tuple[int, int, int]:
    """A position after ``traded`` signed lots at ``lot_value`` money each.

    Returns signed lots, signed entry value, and the profit realised (fees apart).  What closes
    takes its proportion of the entry value, rounded against the account: up for a long, down
    for a short.  What passes through zero opens anew at the trade's price.
    """
    if qty == 0 or (qty > 0) == (traded > 0):
        return qty + traded, entry_value + traded * lot_value, 0
    held = abs(qty)
    closed = min(held, abs(traded))
    share, rest = proportion(abs(entry_value), closed, held)
    value = closed * lot_value
    if qty > 0:
        share += 1 if rest > 0 else 0
        realised = value - share
        left = entry_value - share
        remainder = traded + closed
    else:
        realised = share - value
        left = entry_value + share
        remainder = traded - closed
    if remainder != 0:
        return remainder, remainder * lot_value, realised
    return qty + traded, left, realised


@compiled
def bankruptcy_price(
    qty: int, mark: int, money_unit: int, equity: int, part: int, whole: int
) -> int:
    """The price, in ticks, at which closing ``qty`` at once uses up its share of the equity.

    The share is ``part / whole`` of the account's equity: in proportion to maintenance margin,
    as dYdX divides a deficit, so that several positions closed together cannot spend the same
    equity twice.  Rounded against the account: closing there leaves it no less than nothing.
    Beyond the mark (equity already negative) the price is on the far side of it.
    """
    share, rest = proportion(abs(equity), part, whole)
    if equity < 0:
        share = -share - (1 if rest > 0 else 0)
    steps = share // (abs(qty) * money_unit)
    return mark - steps if qty > 0 else mark + steps
