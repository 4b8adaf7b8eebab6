"""Simulated prices: seeded walks on the grid whose statistics are those of their model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from components.feed.correlation import correlation_factor
from components.feed.price_model import PathRules, PathStart, SimulatedPrices, series_exp
from components.feed.simulation_settings import JumpSettings
from components.units import PRICE_TICKS_MAX
from disruptor.errors import ConfigurationError

START = 5_000_000


def walk(
    steps: int, *, seed: int = 1, stream: int = 0, start: int = START, **changed: float
) -> list[int]:
    values = {"volatility": 0.002, "drift": 0.0, **changed}
    rules = PathRules(
        volatility=values["volatility"],
        drift=values["drift"],
        reversion=values.get("reversion", 0.0),
        jumps=JumpSettings(
            values.get("jump_probability", 0.0),
            values.get("jump_mean", 0.0),
            values.get("jump_volatility", 0.0),
        ),
    )
    model = SimulatedPrices([PathStart(start, START, stream)], rules, seed)
    return [model.step()[0] for _ in range(steps)]


def returns_of(path: list[int]) -> NDArray[np.float64]:
    return np.diff(np.log(np.array([START, *path], np.float64)))


def test_one_seed_is_one_path_for_ever() -> None:
    assert walk(5) == walk(5)
    assert walk(3000)[:2000] == walk(2000)
    assert walk(2, seed=42) == walk(4, seed=42)[:2]


def test_seeds_and_streams_are_independent() -> None:
    first = walk(100)

    assert first != walk(100, seed=2)
    assert first != walk(100, stream=1)


def test_returns_have_the_configured_spread_and_drift() -> None:
    returns = returns_of(walk(20_000, drift=1e-4))

    assert returns.std() == pytest.approx(0.002, rel=0.02)
    assert returns.mean() == pytest.approx(1e-4 - 0.002**2 / 2, abs=3 * 0.002 / math.sqrt(20_000))


def test_returns_are_normal_and_independent() -> None:
    returns = returns_of(walk(20_000))
    standard = (returns - returns.mean()) / returns.std()

    assert np.mean(standard**3) == pytest.approx(0, abs=0.06)
    assert np.mean(standard**4) == pytest.approx(3, abs=0.12)
    assert np.mean(standard[1:] * standard[:-1]) == pytest.approx(0, abs=0.03)


def test_a_known_seed_gives_its_known_path() -> None:
    """Fixed for ever: a change here means that every recorded seed now names another path."""
    assert walk(4, seed=42) == [5_003_038, 4_992_633, 5_000_122, 5_009_527]


def test_jumps_come_with_their_probability_and_size() -> None:
    path = walk(
        20_000,
        volatility=0.0,
        drift=0.0003,
        jump_probability=0.01,
        jump_mean=-0.03,
        jump_volatility=0.005,
    )
    returns = returns_of(path)
    jumps = returns[np.abs(returns - 0.0003) > 1e-4]

    assert len(jumps) == pytest.approx(200, abs=3 * math.sqrt(200))
    assert jumps.mean() == pytest.approx(-0.03 + 0.0003, abs=3 * 0.005 / math.sqrt(200))
    assert jumps.std() == pytest.approx(0.005, rel=0.15)


def test_jumps_leave_the_walk_under_them_as_it_was() -> None:
    quiet = returns_of(walk(2_000))
    jumping = returns_of(walk(2_000, jump_probability=0.01, jump_mean=0.05))
    same = np.abs(jumping - quiet) < 1e-6

    assert 1_950 < np.count_nonzero(same) < 2_000
    assert (jumping - quiet)[~same] == pytest.approx(0.05, abs=1e-5)


def test_mean_reversion_has_its_models_mean_variance_and_memory() -> None:
    """Brennan and Schwartz in discrete time: the moments are exact."""
    pull, volatility = 0.05, 0.01
    path = np.array(walk(200_000, reversion=pull, volatility=volatility), np.float64) / START
    spread = math.exp(volatility**2) - 1
    variance = spread / (2 * pull - pull**2 - spread)
    centred = path - path.mean()

    assert path.mean() == pytest.approx(1.0, abs=0.003)
    assert path.var() == pytest.approx(variance, rel=0.06)
    for lag in (1, 10, 20):
        memory = np.mean(centred[lag:] * centred[:-lag]) / path.var()
        assert memory == pytest.approx((1 - pull) ** lag, abs=0.03)


def test_a_price_far_from_its_level_comes_back_at_the_given_pace() -> None:
    path = walk(40, start=2 * START, volatility=0.0, reversion=0.1)
    expected = [START * (1 + 0.9**step) for step in range(1, 41)]

    assert path == pytest.approx(expected, abs=1)


MATRIX = ((1.0, 0.8, -0.3), (0.8, 1.0, 0.1), (-0.3, 0.1, 1.0))
NAMES = ("BTC", "ETH", "SOL")


def together(steps: int, matrix: tuple[tuple[float, ...], ...]) -> NDArray[np.float64]:
    rules = PathRules(0.002, 0.0, factor=correlation_factor(matrix, NAMES[: len(matrix)]))
    starts = [PathStart(START, START, stream) for stream in range(len(matrix))]
    model = SimulatedPrices(starts, rules, seed=5)
    path = np.array([model.ticks, *(model.step() for _ in range(steps))], np.float64)
    return np.diff(np.log(path), axis=0)


def test_returns_are_correlated_as_the_matrix_says_and_as_wide_as_before() -> None:
    returns = together(20_000, MATRIX)

    assert np.corrcoef(returns.T) == pytest.approx(np.array(MATRIX), abs=0.02)
    assert returns.std(axis=0) == pytest.approx([0.002] * 3, rel=0.02)


def test_a_correlated_symbol_does_not_disturb_those_before_it() -> None:
    alone = together(100, ((1.0,),))
    pair = together(100, ((1.0, 0.8), (0.8, 1.0)))

    assert (alone[:, 0] == pair[:, 0]).all()
    assert (pair == together(100, MATRIX)[:, :2]).all()


def test_symbols_that_move_as_one_are_allowed() -> None:
    returns = together(50, ((1.0, 1.0, -1.0), (1.0, 1.0, -1.0), (-1.0, -1.0, 1.0)))

    assert (returns[:, 0] == returns[:, 1]).all()
    assert returns[:, 2] == pytest.approx(-returns[:, 0], abs=2e-5)


@settings(max_examples=50, derandomize=True)
@given(st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=4, max_size=4))
def test_the_factor_gives_its_matrix_back(vectors: list[list[float]]) -> None:
    """Any Gram matrix of unit vectors is a correlation matrix, of rank three at most here."""
    points = np.array(vectors) + np.array([[0, 0, 2.0], [0, 2.0, 0], [2.0, 0, 0], [2.0, 2.0, 0]])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    matrix = points @ points.T
    matrix = np.clip((matrix + matrix.T) / 2, -1, 1)
    np.fill_diagonal(matrix, 1.0)
    factor = np.array(correlation_factor(matrix.tolist(), ("A", "B", "C", "D")))

    assert factor @ factor.T == pytest.approx(matrix, abs=1e-4)
    assert (np.triu(factor, 1) == 0).all()


@pytest.mark.parametrize(
    ("matrix", "text"),
    [
        (
            ((1, 0.9, -0.9), (0.9, 1, 0.9), (-0.9, 0.9, 1)),
            "a smallest eigenvalue of -0.8'; the matrix must be positive semi-definite: the corr",
        ),
        (((1, 1, 0), (1, 1, 1), (0, 1, 1)), "the correlations of SOL contradict"),
        (((1, 0, 0), (0, 1, 0)), "write 3 rows of 3 numbers, in the order of feed.symbols: BTC"),
        (((1, 0.5, 0), (0.4, 1, 0), (0, 0, 1)), "ETH with BTC must be the same both ways"),
        (((1, 1.5, 0), (1.5, 1, 0), (0, 0, 1)), "ETH with BTC must be from -1 to 1"),
        (((1, 0, 0), (0, 0.9, 0), (0, 0, 1)), "ETH with itself is 1"),
    ],
)
def test_a_matrix_that_is_none_is_refused(matrix: tuple[tuple[float, ...], ...], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as refused:
        correlation_factor(matrix, NAMES)

    assert str(refused.value).startswith("feed.simulation.correlation: ")


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
    reversion=st.floats(0, 0.25),
    jump_mean=st.floats(-0.5, 0.5),
)
def test_a_price_is_always_on_the_grid_and_within_bounds(
    start: int, volatility: float, drift: float, seed: int, reversion: float, jump_mean: float
) -> None:
    path = walk(
        200,
        seed=seed,
        start=start,
        volatility=volatility,
        drift=drift,
        reversion=reversion,
        jump_probability=0.2,
        jump_mean=jump_mean,
        jump_volatility=0.5,
    )

    assert all(type(price) is int and 1 <= price <= PRICE_TICKS_MAX for price in path)


def test_the_series_follows_the_exponential() -> None:
    values = np.linspace(-0.05, 0.05, 101)
    expected = [math.exp(value) for value in values]

    assert np.allclose(series_exp(values), expected, rtol=1e-8, atol=0)
    assert (series_exp(np.linspace(-1.0, 1.0, 101)) > 0).all()


@pytest.mark.parametrize("start", [0, -1, PRICE_TICKS_MAX + 1])
def test_an_impossible_start_is_refused(start: int) -> None:
    with pytest.raises(ValueError, match="ticks"):
        walk(1, start=start)
