"""The arithmetic equals exact fractions, up to the largest numbers that it may be given."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.messages import code
from components.sentinel.engine.margin import (
    RATIO_PPM_MAX,
    bankruptcy_price,
    compare_ratios,
    fill,
    initial_margin,
    maintenance_margin,
    margin_ratio_ppm,
    of_ppm,
    proportion,
)
from components.sentinel.engine.state import NOTIONAL_MAX
from tests.components.sentinel.driver import Engine, set_up
from tests.models.reference_risk import Symbol

PPM = 10**6
unhurried = settings(deadline=None)  # the first example compiles
AMOUNTS = st.one_of(st.integers(0, 10**6), st.integers(0, 2**63 - 1))
POSITIVE = st.one_of(st.integers(1, 1_000), st.integers(1, 2**62))
SIGNED = st.one_of(st.integers(-1_000, 1_000), st.integers(-(2**62), 2**62))


@unhurried
@given(AMOUNTS, POSITIVE, POSITIVE)
@example(2**63 - 1, 2**62 - 1, 2**62)
@example(2**62, 2**62, 2**62)
def test_a_proportion_is_exact(amount: int, one: int, other: int) -> None:
    part, whole = min(one, other), max(one, other)

    assert divmod(amount * part, whole) == proportion(amount, part, whole)


@unhurried
@given(SIGNED, POSITIVE, SIGNED, POSITIVE)
@example(2**62, 2**62, 2**62 - 1, 2**62 - 1)
@example(-(2**62), 2**62, -(2**62) + 1, 2**62)
def test_ratios_are_compared_exactly(a: int, b: int, c: int, d: int) -> None:
    left, right = Fraction(a, b), Fraction(c, d)

    assert (left > right) - (left < right) == compare_ratios(a, b, c, d)


@unhurried
@given(SIGNED, st.integers(0, PPM))
def test_parts_per_million_round_down(amount: int, ppm: int) -> None:
    assert floor(Fraction(amount * ppm, PPM)) == of_ppm(amount, ppm)


@st.composite
def tier_lists(draw: st.DrawFn) -> list[tuple[int, int]]:
    floors = sorted(draw(st.sets(st.integers(1, 2**58), max_size=8)))
    rates = sorted(draw(st.lists(st.integers(0, PPM), min_size=9, max_size=9)))
    return list(zip([0, *floors], rates, strict=False))


@unhurried
@given(tier_lists(), st.integers(0, NOTIONAL_MAX), st.integers(0, 8), st.integers(-1, 1))
def test_maintenance_is_each_slice_at_its_rate_rounded_up(
    tiers: list[tuple[int, int]], notional: int, at_floor: int, beside: int
) -> None:
    engine = Engine()
    for event in set_up(0, 1, tuple(tiers)):
        engine.apply(event)
    near_floor = tiers[at_floor % len(tiers)][0] + beside
    for each in (notional, min(max(near_floor, 0), NOTIONAL_MAX)):
        found = maintenance_margin(engine.state.tiers, 0, len(tiers), each)

        assert Symbol(1, 1, tiers).maintenance(each) == found
        assert found <= each


@unhurried
@given(st.integers(0, NOTIONAL_MAX), st.integers(1, 1_000))
def test_initial_margin_rounds_up_and_is_never_below_maintenance(
    notional: int, leverage: int
) -> None:
    assert ceil(Fraction(notional, leverage)) == initial_margin(notional, leverage, 0)
    assert notional + 1 == initial_margin(notional, leverage, notional + 1)


@unhurried
@given(st.integers(0, 2**62), st.integers(-(2**62), 2**62))
@example(1, 3)
def test_the_margin_ratio_rounds_up_and_saturates(maintenance: int, equity: int) -> None:
    ratio = margin_ratio_ppm(maintenance, equity)
    if maintenance == 0:
        assert ratio == 0
    elif equity <= 0:
        assert ratio == RATIO_PPM_MAX
    else:
        assert min(ceil(Fraction(maintenance * PPM, equity)), RATIO_PPM_MAX) == ratio


@unhurried
@given(
    st.integers(-(2**40), 2**40),
    st.integers(0, 2**56),
    st.integers(-(2**40), 2**40).filter(bool),
    st.integers(1, 2**15),
)
def test_fills_keep_cash_and_round_against_the_account(
    qty: int, entry: int, traded: int, lot_value: int
) -> None:
    entry_value = (entry if qty > 0 else -entry) if qty else 0
    new_qty, new_entry, realised = fill(qty, entry_value, traded, lot_value)

    assert qty + traded == new_qty
    assert new_entry - realised == entry_value + traded * lot_value
    if qty * traded >= 0:
        assert realised == 0
    else:
        closed = min(abs(qty), abs(traded))
        sign = 1 if qty > 0 else -1
        exact = sign * (closed * lot_value - Fraction(abs(entry_value) * closed, abs(qty)))
        assert floor(exact) == realised


@unhurried
@given(
    st.integers(-(2**40), 2**40).filter(bool),
    st.integers(1, 2**30),
    st.integers(-(2**50), 2**50),
    st.integers(1, 1_000),
)
def test_closing_at_the_bankruptcy_price_leaves_no_less_than_nothing(
    qty: int, mark: int, equity: int, unit: int
) -> None:
    price = bankruptcy_price(qty, mark, unit, equity, 1, 1)
    sign = 1 if qty > 0 else -1

    assert equity + qty * unit * (price - mark) >= 0
    assert equity + qty * unit * (price - sign - mark) < 0


@unhurried
@given(st.integers(-(2**50), 2**50), st.integers(0, 2**30), st.integers(1, 2**30))
@example(-3, 1, 2)
def test_a_share_of_the_equity_is_rounded_down(equity: int, one: int, other: int) -> None:
    part, whole = min(one, other), max(one, other)
    share = floor(Fraction(equity * part, whole))

    assert 100 - share == bankruptcy_price(1, 100, 1, equity, part, whole)
    assert 100 + share == bankruptcy_price(-1, 100, 1, equity, part, whole)


def test_tiers_that_fall_skip_or_exceed_the_bounds_are_refused() -> None:
    engine = Engine()
    for event in set_up(0, 1, ((0, 5_000), (100, 10_000))):
        engine.apply(event)
    for index, floor_at, ppm in ((2, 100, 20_000), (2, 200, 9_999), (3, 300, 20_000), (0, 1, 1)):
        event = set_up(0, 1, ((floor_at, ppm),))[1]
        event["order_id"] = index
        engine.apply(event)

        assert engine.risks[0]["reason"] == code.REASON_BAD_INSTRUMENT
        assert engine.state.symbols[0]["tier_count"] == 2
