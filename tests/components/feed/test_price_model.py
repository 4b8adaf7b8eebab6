"""The simulated price is a seeded geometric walk on the grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feed.price_model import GeometricBrownianMotion, series_exp
from components.units import PRICE_TICKS_MAX


def walk(steps: int, *, seed: int = 1, stream: int = 0, **changed: float) -> list[int]:
    values = {"start": 5_000_000, "volatility": 0.002, "drift": 0.0, **changed}
    model = GeometricBrownianMotion(
        int(values["start"]),
        volatility=values["volatility"],
        drift=values["drift"],
        seed=seed,
        stream=stream,
    )
    return [model.step() for _ in range(steps)]


def test_one_seed_is_one_path_for_ever() -> None:
    assert walk(5) == walk(5)
    assert walk(3000)[:2000] == walk(2000)
    assert walk(2, seed=42) == walk(4, seed=42)[:2]


def test_seeds_and_streams_are_independent() -> None:
    first = walk(100)

    assert first != walk(100, seed=2)
    assert first != walk(100, stream=1)


def test_returns_have_the_configured_spread_and_drift() -> None:
    path = np.array([5_000_000, *walk(20_000, drift=1e-4)], np.float64)
    returns = np.diff(np.log(path))

    assert returns.std() == pytest.approx(0.002, rel=0.03)
    assert returns.mean() == pytest.approx(1e-4 - 0.002**2 / 2, abs=5e-5)


def test_without_volatility_the_price_stands_still() -> None:
    assert set(walk(10, volatility=0.0)) == {5_000_000}


def test_a_low_price_is_no_trap() -> None:
    assert max(walk(5_000, start=1, volatility=0.1, drift=0.01)) > 100


@settings(max_examples=40)
@given(
    start=st.integers(1, PRICE_TICKS_MAX),
    volatility=st.floats(0, 0.5),
    drift=st.floats(-0.5, 0.5),
    seed=st.integers(0, 2**32),
)
def test_a_price_is_always_on_the_grid_and_within_bounds(
    start: int, volatility: float, drift: float, seed: int
) -> None:
    path = walk(200, seed=seed, start=start, volatility=volatility, drift=drift)

    assert all(type(price) is int and 1 <= price <= PRICE_TICKS_MAX for price in path)


def test_the_series_follows_the_exponential() -> None:
    values = np.linspace(-0.05, 0.05, 101)
    expected = [math.exp(value) for value in values]

    assert np.allclose(series_exp(values), expected, rtol=1e-8, atol=0)
    assert (series_exp(np.linspace(-1.0, 1.0, 101)) > 0).all()


@pytest.mark.parametrize("start", [0, -1, PRICE_TICKS_MAX + 1])
def test_an_impossible_start_is_refused(start: int) -> None:
    with pytest.raises(ValueError, match="start_ticks"):
        walk(1, start=start)
