"""The engine and the plain reference say the same, record for record, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.messages import code
from tests.components.sentinel.driver import EXTERNAL, Driver, Step, run_random

ACCOUNTS = st.integers(1, 7)
OTHERS = st.sampled_from([EXTERNAL, 1, 2, 3])
SYMBOLS = st.integers(0, 2)
SIDES = st.integers(0, 1)
LOTS = st.one_of(st.integers(1, 50), st.integers(1, 2**40))
PRICES = st.one_of(st.integers(80, 120), st.sampled_from([1, 3, 1_000, 2**30, 2**40]))
AMOUNTS = st.one_of(st.integers(0, 500_000), st.integers(2**55, 2**60 + 1))
FEES = st.integers(-20, 100)
LEVERAGES = st.sampled_from([0, 1, 3, 10, 100, 101])
WHICH = st.integers(0, 5)


def step(name: str, *arguments: st.SearchStrategy[int]) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(name), *arguments)


STEPS: st.SearchStrategy[Step] = st.one_of(
    step("price", SYMBOLS, PRICES),
    step("trade", ACCOUNTS, OTHERS, SYMBOLS, SIDES, LOTS, PRICES, FEES),
    step("fill", WHICH, OTHERS, LOTS, PRICES),
    step("position", ACCOUNTS, SYMBOLS, SIDES, LOTS, PRICES, LEVERAGES),
    step("deposit", ACCOUNTS, AMOUNTS),
    step("withdraw", ACCOUNTS, AMOUNTS),
    step("end", WHICH, st.sampled_from([code.EVENT_CANCELLED, code.EVENT_REJECTED])),
    step("open", ACCOUNTS),
    step("snapshot"),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(STEPS, max_size=60))
def test_any_steps_give_the_same_records_orders_and_balances(steps: list[Step]) -> None:
    driver = Driver()
    for each in steps:
        driver.do(each)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_an_active_market_gives_the_same_and_liquidates(seed: int) -> None:
    assert run_random(seed, 1_200).liquidations > 50


def test_compiled_and_interpreted_runs_are_byte_for_byte_the_same() -> None:
    program = (
        "from tests.components.sentinel.driver import run_random\n"
        "print(run_random(21, 400).digest.hexdigest())"
    )
    interpreted = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )

    assert run_random(21, 400).digest.hexdigest() == interpreted.stdout.strip()


def test_a_flat_position_whose_order_is_in_flight_judges_nobody() -> None:
    """In this run an account below its margin is flat in a symbol whose price then moves."""
    run_random(1_006, 2_200, thorough=False)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("portion", range(20))
def test_a_million_steps_agree(portion: int) -> None:
    """Each portion is 50,000 of them; they are independent, so they can run beside each other."""
    for seed in range(5 * portion, 5 * portion + 5):
        run_random(1_000 + seed, 10_000, thorough=False)
