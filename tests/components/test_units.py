"""Numbers at the edge: every text becomes an integer or a sentence, never another exception."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.units import (
    MONEY_MAX,
    PRICE_TICKS_MAX,
    UnitError,
    from_grid,
    money_from_text,
    money_to_text,
    parse_decimal,
    to_grid,
)

TICK = Decimal("0.000000000001")


def test_thirty_digits_are_read_exactly() -> None:
    """More than the precision of decimal arithmetic."""
    text = "9" * 30 + "." + "9" * 18

    assert format(parse_decimal(text), "f") == text


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("step", [TICK, Decimal("0.01"), Decimal(1)])
def test_a_number_too_long_for_its_grid_is_refused_with_a_sentence(
    sign: str, step: Decimal
) -> None:
    """The quotient would have more digits than decimal arithmetic keeps."""
    with pytest.raises(UnitError, match=r"price .* is too large; the most is"):
        to_grid(sign + "9" * 30, step, "price", PRICE_TICKS_MAX)


@given(st.integers(-PRICE_TICKS_MAX, PRICE_TICKS_MAX), st.sampled_from(["0.01", "5", "0.000025"]))
def test_every_step_of_a_grid_survives_its_text(steps: int, step: str) -> None:
    """Integer to text to integer is the identity."""
    text = from_grid(steps, Decimal(step))

    assert to_grid(text, Decimal(step), "price", PRICE_TICKS_MAX) == steps


@given(st.integers(-MONEY_MAX, MONEY_MAX))
def test_every_amount_survives_its_text(money: int) -> None:
    """The same for money."""
    assert money_from_text(money_to_text(money)) == money


@given(st.from_regex(r"\A[+-]?[0-9]{1,30}(\.[0-9]{1,18})?\Z"))
def test_any_plain_decimal_is_a_step_or_a_sentence(text: str) -> None:
    """Nothing else escapes."""
    try:
        steps = to_grid(text, Decimal("0.01"), "price", PRICE_TICKS_MAX)
    except UnitError:
        return
    assert steps * Decimal("0.01") == Decimal(text)
