"""A venue's decimals become whole steps exactly, or a code that says why not."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.feed.decimal_grid import (
    NEGATIVE,
    NOT_DECIMAL,
    OFF_GRID,
    OUT_OF_BOUNDS,
    DecimalGrid,
)

CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        ("0.01", "61685.99000000", 6_168_599),
        ("0.1", "61800.30", 618_003),
        ("0.00001", "0.02000000", 2_000),
        ("0.5", "100.50", 201),
        ("5", "35", 7),
        ("1", "0", 0),
        ("0.01", "-0.00", 0),
        ("0.000000000001", "0.000000000001", 1),
        ("0.01", "61685.995", OFF_GRID),
        ("0.5", "100.25", OFF_GRID),
        ("0.01", "-1", NEGATIVE),
        ("0.01", "99999999999999999999", OUT_OF_BOUNDS),
        ("0.01", "1000.01", OUT_OF_BOUNDS),
    ],
)
def test_texts(step: str, text: str, expected: int) -> None:
    maximum = 100_000 if text == "1000.01" else 2**40

    assert DecimalGrid(Decimal(step), maximum).steps(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "+1",
        "1e5",
        "1.",
        ".5",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "0x10",
        "1_000",
        "١",
        "²",
        "1,5",
        "1.5.5",
        "1\n",
        "9" * 21,
        "0." + "0" * 19,
        None,
        1,
        1.5,
        True,
        [],
        {},
        b"1",
    ],
)
def test_what_is_no_plain_decimal_text_is_refused(text: object) -> None:
    assert DecimalGrid(CENT, 2**40).steps(text) == NOT_DECIMAL


@pytest.mark.parametrize(("text", "ticks"), [("1.004", 100), ("1.005", 101), ("1.0149", 101)])
def test_nearest_rounds_half_away_from_zero(text: str, ticks: int) -> None:
    assert DecimalGrid(CENT, 2**40, "nearest").steps(text) == ticks


@given(
    st.decimals(0, 10**9, places=8, allow_nan=False),
    st.sampled_from(["0.01", "0.1", "0.00001", "0.5", "25", "1"]),
)
def test_it_agrees_with_exact_decimal_arithmetic(value: Decimal, step: str) -> None:
    exact = value / Decimal(step)
    grid = DecimalGrid(Decimal(step), 2**62)
    nearest = DecimalGrid(Decimal(step), 2**62, "nearest")
    down = DecimalGrid(Decimal(step), 2**62, "down")
    text = f"{value:f}"

    assert grid.steps(text) == (int(exact) if exact == int(exact) else OFF_GRID)
    assert nearest.steps(text) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    assert down.steps(text) == int(exact)
    assert grid.steps(text) == grid.steps(text), "a remembered text is judged the same"


def test_its_memory_is_bounded() -> None:
    grid = DecimalGrid(Decimal(1), 2**40)
    for number in range(70_000):
        assert grid.steps(str(number)) == number
    assert len(grid._remembered) <= 65_536
