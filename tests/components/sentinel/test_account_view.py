"""What is shown of the accounts is what the engine holds."""

from __future__ import annotations

import numpy as np

from components.messages import code
from components.sentinel.account_view import ACCOUNT_VIEW, fill_account_view, totals
from tests.components.sentinel.driver import MONEY, Engine, event, set_up


def watched_engine() -> Engine:
    engine = Engine()
    for record in set_up(0, 1_000, ((0, 5_000),)):
        engine.apply(record)
    for account, deposit in ((1001, 2_500), (1002, 100_000)):
        engine.apply(event(code.EVENT_DEPOSIT, account=account, price=deposit * MONEY))
    position = {"account": 1001, "qty": 500, "price": 5_000_000}
    engine.apply(event(code.EVENT_POSITION, leverage=10, **position))
    engine.apply(event(code.EVENT_PRICE, price=4_520_000))
    return engine


def test_each_account_is_shown_with_its_margin_ratio() -> None:
    rows = np.zeros(10, ACCOUNT_VIEW)

    assert fill_account_view(watched_engine().state, rows) == 2
    assert rows["account"][:2].tolist() == [1001, 1002]
    assert rows["equity"][:2].tolist() == [100 * MONEY, 100_000 * MONEY]
    assert rows["maintenance"][:2].tolist() == [113 * MONEY, 0]
    assert rows["margin_ratio_ppm"][:2].tolist() == [1_130_000, 0]
    assert rows["positions"][:2].tolist() == [1, 0]
    assert rows["at_risk"][:2].tolist() == [1, 0]
    assert rows["in_liquidation"][:2].tolist() == [1, 0]


def test_a_view_with_fewer_rows_shows_the_first_accounts() -> None:
    assert fill_account_view(watched_engine().state, np.zeros(1, ACCOUNT_VIEW)) == 1


def test_totals_count_everything() -> None:
    counted = totals(watched_engine().state)

    assert (counted.accounts, counted.positions) == (2, 1)
    assert (counted.accounts_at_risk, counted.orders_in_flight) == (1, 1)
    assert counted.collateral == 102_500 * MONEY
    assert (counted.insurance_fund, counted.bad_debt) == (0, 0)
