"""Isolated positions: their own money, their own end; leverage and its brackets."""

from __future__ import annotations

import numpy as np
import pytest

from components.messages import code
from components.sentinel.account_view import ACCOUNT_VIEW, fill_account_view
from components.sentinel.engine import check_invariants
from tests.components.sentinel.driver import MONEY, Engine, event, fields_of
from tests.components.sentinel.test_liquidation import engine_with, price


def isolated_engine(deposit: int = 10_000, leverage: int = 10) -> Engine:
    """Account 1, isolated in symbol 0."""
    engine = engine_with(((0, 5_000),))
    engine.apply(event(code.EVENT_DEPOSIT, account=1, price=deposit * MONEY))
    choose(engine, leverage, code.MARGIN_ISOLATED)
    return engine


def choose(engine: Engine, leverage: int, mode: int) -> list[str]:
    fields = {"account": 1, "leverage": leverage, "side": mode}
    engine.apply(event(code.EVENT_LEVERAGE, **fields))
    check_invariants(engine.state)
    return [code.REASON_NAMES[int(each["reason"])] for each in engine.risks if each["reason"]]


def trade(engine: Engine, side: int, lots: int, ticks: int, fee: int = 0) -> None:
    fields = {"account": 1, "maker_account": 99, "side": side, "order_id": 5}
    engine.apply(event(code.EVENT_TRADE, qty=lots, price=ticks, taker_fee=fee, **fields))
    check_invariants(engine.state)


def money(engine: Engine) -> list[int]:
    """The account's own, then its isolated wallet's, in whole units."""
    return [int(each) // MONEY for each in engine.state.accounts["collateral"][:2]]


def test_opening_takes_the_initial_margin_and_closing_gives_its_share_back() -> None:
    engine = isolated_engine()
    trade(engine, code.BUY, 500, 5_000_000)
    assert money(engine) == [7_500, 2_500]
    trade(engine, code.SELL, 200, 5_000_000)
    assert money(engine) == [8_500, 1_500]
    trade(engine, code.SELL, 300, 5_100_000)
    assert money(engine) == [10_300, 0]


def test_a_position_that_turns_is_closed_and_opened_anew() -> None:
    engine = isolated_engine()
    trade(engine, code.BUY, 500, 5_000_000)
    trade(engine, code.SELL, 700, 5_000_000)

    assert money(engine) == [9_000, 1_000]


def test_what_the_account_cannot_spare_is_missing_from_the_margin() -> None:
    engine = isolated_engine(deposit=1_000)
    trade(engine, code.BUY, 500, 5_000_000)

    assert money(engine) == [0, 1_000]


def test_it_falls_alone_and_its_loss_stops_at_its_own_money() -> None:
    engine = isolated_engine()
    trade(engine, code.BUY, 500, 5_000_000)
    assert price(engine, 4_522_614) == []
    assert price(engine, 4_522_613) == [1]
    cancel = next(each for each in engine.orders if each["op"] == code.OP_CANCEL_ALL)
    assert cancel["symbol"] == 0
    order = engine.orders[-1]
    fill = {"account": 1, "order_id": int(order["order_id"]), "side": code.SELL}
    engine.apply(event(code.EVENT_TRADE, qty=int(order["qty"]), price=3_000_000, **fill))
    while engine.orders:  # each step is filled at a terrible price
        order = engine.orders[-1]
        fill = {"account": 1, "order_id": int(order["order_id"]), "side": code.SELL}
        engine.apply(event(code.EVENT_TRADE, qty=int(order["qty"]), price=3_000_000, **fill))
        check_invariants(engine.state)

    assert money(engine) == [7_500, 0]
    assert engine.state.summary[0]["position_count"] == 0


def test_margin_is_added_from_what_is_spare_and_removed_down_to_the_initial_margin() -> None:
    engine = isolated_engine()
    trade(engine, code.BUY, 500, 5_000_000)
    price(engine, 5_000_000)

    def move(amount: int) -> list[str]:
        engine.apply(event(code.EVENT_MARGIN, account=1, price=amount * MONEY))
        check_invariants(engine.state)
        return [code.REASON_NAMES[int(each["reason"])] for each in engine.risks if each["reason"]]

    assert move(500) == []
    assert money(engine) == [7_000, 3_000]
    assert move(7_001) == ["insufficient_margin"]
    assert move(-501) == ["insufficient_margin"]
    assert move(-500) == []
    assert move(0) == ["bad_amount"]
    assert money(engine) == [7_500, 2_500]


def test_the_margin_mode_changes_only_while_flat_and_is_kept() -> None:
    engine = isolated_engine()
    assert choose(engine, 10, code.MARGIN_CROSS) == []
    assert choose(engine, 10, code.MARGIN_ISOLATED) == []
    trade(engine, code.BUY, 500, 5_000_000)
    assert choose(engine, 10, code.MARGIN_CROSS) == ["position_exists"]
    trade(engine, code.SELL, 500, 5_000_000)
    trade(engine, code.BUY, 100, 5_000_000)

    assert money(engine) == [9_500, 500]


@pytest.mark.parametrize(
    ("leverage", "answer"), [(4, []), (3, ["insufficient_margin"]), (101, ["bad_leverage"])]
)
def test_leverage_changes_as_far_as_the_margin_allows(leverage: int, answer: list[str]) -> None:
    engine = isolated_engine(leverage=4)
    trade(engine, code.BUY, 500, 5_000_000)
    price(engine, 5_000_000)

    assert choose(engine, leverage, code.MARGIN_ISOLATED) == answer


def test_a_brackets_leverage_caps_large_positions() -> None:
    engine = engine_with(((0, 5_000),))
    fields = {"order_id": 1, "price": 50_000 * MONEY, "qty": 10_000, "leverage": 5}
    engine.apply(event(code.EVENT_MARGIN_TIER, **fields))
    engine.apply(event(code.EVENT_DEPOSIT, account=1, price=30_000 * MONEY))
    choose(engine, 20, code.MARGIN_ISOLATED)
    trade(engine, code.BUY, 1_000, 5_000_000)
    assert money(engine) == [27_500, 2_500]
    trade(engine, code.BUY, 1_000, 5_000_000)

    assert money(engine) == [17_500, 12_500]


def test_an_account_is_shown_once_with_all_its_money_and_its_worst_ratio() -> None:
    engine = isolated_engine()
    trade(engine, code.BUY, 500, 5_000_000)
    price(engine, 4_600_000)
    rows = np.zeros(5, ACCOUNT_VIEW)

    assert fill_account_view(engine.state, rows) == 1
    assert rows["collateral"][0] == 10_000 * MONEY
    assert rows["equity"][0] == 8_000 * MONEY
    assert rows["margin_ratio_ppm"][0] == 230_000  # 115 of the position's 500
    assert rows["positions"][0] == 1


def test_records_of_an_isolated_wallet_say_so() -> None:
    engine = isolated_engine()
    trade(engine, code.BUY, 500, 5_000_000)
    wallets = [fields_of(each) for each in engine.risks if each["kind"] == code.RISK_ACCOUNT]

    assert [each.get("side", 0) for each in wallets] == [code.MARGIN_ISOLATED, 0]
    assert [each["amount"] for each in wallets] == [2_500 * MONEY, -2_500 * MONEY]
