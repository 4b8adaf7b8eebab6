"""Worked examples of venues' public documentation, computed by the engine to the tick.

Binance's are in test_liquidation.py, from recorded brackets and published prices.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest

from components.messages import code
from tests.components.sentinel.driver import MONEY, event, set_up
from tests.components.sentinel.test_liquidation import (
    engine_with,
    fall_price,
    open_position,
    price,
)

FIVE_PER_CENT = ((0, 50_000),)


def test_dydx_short_of_three_eth_falls_above_3174_60() -> None:
    """docs.dydx.xyz, concepts/trading/liquidations, "Isolated Liquidation Price": equity $1,000,
    3 ETH short at $3,000, a maintenance fraction of 5 %: p' = (e - s p) / (|s| MMF - s)."""
    formula = Fraction(1_000 + 3 * 3_000) / (Fraction(3 * 5, 100) + 3)
    engine = engine_with(FIVE_PER_CENT)
    open_position(engine, 1, 1_000 * MONEY, code.SELL, 3_000, 300_000)
    first = floor(formula * 100) + 1

    assert round(float(formula), 2) == 3174.60
    assert fall_price(engine, 1) == first
    assert price(engine, first - 1) == []
    assert price(engine, first) == [1]


def test_dydx_cross_formula_takes_off_what_other_positions_need() -> None:
    """The same page, "Cross Liquidation Price": p' = (e - s p - MMR of the others) / (|s| MMF - s)."""
    engine = engine_with(FIVE_PER_CENT)
    for record in set_up(1, 1_000, ((0, 100_000),)):
        engine.apply(record)
    open_position(engine, 1, 1_000 * MONEY, code.SELL, 3_000, 300_000)
    held = {"account": 1, "symbol": 1, "side": code.BUY, "qty": 1_000, "price": 200_000}
    engine.apply(event(code.EVENT_POSITION, leverage=10, **held))
    assert price(engine, 200_000, symbol=1) == []
    others = Fraction(2_000, 10)
    formula = (Fraction(1_000 + 9_000) - others) / (Fraction(3 * 5, 100) + 3)
    first = floor(formula * 100) + 1

    assert fall_price(engine, 1, 0) == first
    assert price(engine, first - 1) == []
    assert price(engine, first) == [1]


@pytest.mark.parametrize("side", [code.BUY, code.SELL])
@pytest.mark.parametrize(
    ("rate_ppm", "deduction", "lots"), [(5_000, 0, 1_000), (10_000, 500, 3_000)]
)
def test_bybit_isolated_price_is_the_engines_but_for_the_value_that_margin_is_taken_of(
    side: int, rate_ppm: int, deduction: int, lots: int
) -> None:
    """bybit.com help centre, "Liquidation Price Calculation under Isolated Mode": entry -/+ (initial
    - maintenance) / size, both of the value at entry.  The engine takes maintenance of the value at
    the mark, which is smaller for a fallen long and larger for a risen short; with that value in the
    place of the entry's, Bybit's price and the engine's are one.
    """
    entry, leverage, rate = 50_000, 10, Fraction(rate_ppm, 10**6)
    size, sign = Fraction(lots, 1_000), 1 if side == code.BUY else -1
    tiers: tuple[tuple[int, int], ...] = ((0, rate_ppm),)
    if deduction:
        floor_of_tier = int(Fraction(deduction, Fraction(5_000, 10**6)))
        tiers = ((0, 5_000), (floor_of_tier * MONEY, 10_000))
    initial = size * entry / leverage
    bybit = entry - sign * (initial - (size * entry * rate - deduction)) / size
    exact = (initial + deduction - sign * size * entry) / (size * rate - sign * size)
    engine = engine_with(tiers)
    open_position(engine, 1, int(initial * MONEY), side, lots, entry * 100)
    first = ceil(exact * 100) - 1 if side == code.BUY else floor(exact * 100) + 1

    assert fall_price(engine, 1) == first
    assert price(engine, first + sign) == []
    assert price(engine, first) == [1]
    assert bybit - exact == sign * rate * (entry - exact)
