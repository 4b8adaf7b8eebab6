"""The exponential and the logarithm without a library agree with the library's."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from components.feed.portable_math import exp_of_negative, log_of_fraction

ULPS = 4


@given(st.floats(-740, 0))
def test_the_exponential(value: float) -> None:
    expected = math.exp(value) if value >= -700 else 0.0

    assert abs(exp_of_negative(value) - expected) <= ULPS * math.ulp(expected)


@given(st.floats(0, 1, exclude_min=True))
def test_the_logarithm(fraction: float) -> None:
    expected = math.log(fraction)

    assert abs(log_of_fraction(fraction) - expected) <= ULPS * math.ulp(expected)


def test_the_ends_are_exact() -> None:
    assert exp_of_negative(0.0) == 1.0
    assert log_of_fraction(1.0) == 0.0
