"""What people are told of an account: its calculation, its light, and that the books add up."""

from __future__ import annotations

import random

import numpy as np
import pytest
from click.testing import CliRunner

from components.messages import code
from components.sentinel.account_view import ACCOUNT_VIEW, fill_account_view
from components.sentinel.cli import main
from components.sentinel.deleveraging_view import deleveraging_lights
from components.sentinel.engine.conservation import (
    ConservationError,
    conservation_gap,
    require_conservation,
)
from tests.components.sentinel.driver import MONEY, Driver, event, random_step
from tests.components.sentinel.test_liquidation import engine_with, open_position, price

LINES = b"""{"op":"deposit","account":7,"amount":"2500"}
{"op":"position","account":7,"symbol":"BTCUSDT","side":"long","qty":"0.5","entry":"50000","leverage":10}
{"op":"price","symbol":"BTCUSDT","price":"48000"}
"""


def explained(account: int) -> list[str]:
    """What the program prints."""
    done = CliRunner().invoke(
        main, ["--explain", str(account)], input=LINES, catch_exceptions=False
    )
    assert done.exit_code == 0, done.stderr
    return done.stdout.splitlines()


def test_an_account_is_explained_line_by_line() -> None:
    assert explained(7) == [
        "account 7, by rule version 1",
        "cross wallet",
        "  collateral                      2500",
        "  BTCUSDT long 0.5",
        "    mark                          48000",
        "    value                         24000",
        "    - entry value                 25000",
        "    - funding owed                0",
        "    = unrealised profit           -1000",
        "    maintenance, tier 0           24000 * 5000 ppm - 0 = 120",
        "    initial, leverage 10          24000 / 10, at least maintenance = 2400",
        "    falls at                      45226.13",
        "  equity                          1500",
        "  maintenance margin              120",
        "  initial margin                  2400",
        "  free above initial margin       -900",
        "  margin ratio                    0.080000",
        "  equity >= maintenance margin: it stands",
    ]
    assert explained(8) == ["account 8 was never opened"]


def test_lights_go_from_the_first_fifth_to_the_last_of_each_side() -> None:
    engine = engine_with(((0, 5_000),))
    for account in range(1, 8):
        entry = 5_000_000 + 10_000 * account
        open_position(engine, account, 50_000 * MONEY, code.SELL, 500, entry)
    open_position(engine, 8, 50_000 * MONEY, code.BUY, 500, 5_000_000)
    engine.apply(event(code.EVENT_DEPOSIT, account=9, price=MONEY))
    assert price(engine, 4_990_000) == []

    assert deleveraging_lights(engine.state).tolist() == [1, 2, 3, 3, 4, 5, 5, 5, 0]
    rows = np.zeros(9, ACCOUNT_VIEW)
    assert fill_account_view(engine.state, rows) == 9


def test_the_light_of_five_is_whom_deleveraging_takes_first() -> None:
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    for account, entry in ((2, 5_100_000), (3, 5_400_000), (4, 5_200_000)):
        open_position(engine, account, 50_000 * MONEY, code.SELL, 500, entry)
    before = deleveraging_lights(engine.state).tolist()
    price(engine, 4_400_000)

    assert engine.orders[-1]["op"] == code.OP_DELEVERAGE
    taken = int(engine.orders[-1]["display_qty"])
    assert before[taken - 1] == 5


def test_the_books_add_up_after_every_step_and_a_lost_unit_is_told_loudly() -> None:
    rng = random.Random(5)
    driver = Driver(thorough=False)
    for _ in range(400):
        driver.do(random_step(rng))
        assert conservation_gap(driver.engine.state) == 0
    driver.engine.state.accounts[0]["collateral"] += 3

    with pytest.raises(ConservationError, match="gap=3 "):
        require_conservation(driver.engine.state)
