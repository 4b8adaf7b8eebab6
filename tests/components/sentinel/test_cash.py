"""Deposits and withdrawals, to the unit."""

from __future__ import annotations

from components.messages import code
from components.sentinel.engine import check_invariants
from tests.components.sentinel.driver import MONEY, Engine, event, set_up


def said(engine: Engine, kind: int, **fields: int) -> list[str]:
    """Apply an event; the kinds of record that it caused, or the reason of its refusal."""
    engine.apply(event(kind, **fields))
    check_invariants(engine.state)
    return [
        code.REASON_NAMES[int(each["reason"])]
        if each["kind"] == code.RISK_REJECTED
        else code.RISK_NAMES[int(each["kind"])]
        for each in engine.risks
    ]


def engine_with_deposit(money: int) -> Engine:
    engine = Engine()
    for record in set_up(0, 1_000, ((0, 5_000),)):
        engine.apply(record)
    assert said(engine, code.EVENT_DEPOSIT, account=1, price=money) == ["account"]
    return engine


def test_all_may_be_withdrawn_without_positions_and_not_a_unit_more() -> None:
    engine = engine_with_deposit(100)

    assert said(engine, code.EVENT_WITHDRAW, account=1, price=101) == ["insufficient_margin"]
    assert said(engine, code.EVENT_WITHDRAW, account=1, price=100) == ["account"]
    assert said(engine, code.EVENT_WITHDRAW, account=1, price=1) == ["insufficient_margin"]


def test_a_withdrawal_leaves_the_initial_margin_and_not_a_unit_less() -> None:
    """0.5 at 50,000 with 10 times leverage needs 2,500."""
    engine = engine_with_deposit(3_000 * MONEY)
    fields = {"account": 1, "qty": 500, "price": 5_000_000, "leverage": 10}
    engine.apply(event(code.EVENT_POSITION, **fields))

    too_much = 500 * MONEY + 1
    assert said(engine, code.EVENT_WITHDRAW, account=1, price=too_much) == ["insufficient_margin"]
    assert said(engine, code.EVENT_WITHDRAW, account=1, price=500 * MONEY) == ["account"]


def test_profit_that_is_not_realised_is_not_paid_out() -> None:
    engine = engine_with_deposit(3_000 * MONEY)
    fields = {"account": 1, "qty": 500, "price": 5_000_000, "leverage": 10}
    engine.apply(event(code.EVENT_POSITION, **fields))
    engine.apply(event(code.EVENT_PRICE, price=10_000_000))

    beyond = 3_000 * MONEY + 1
    assert said(engine, code.EVENT_WITHDRAW, account=1, price=beyond) == ["insufficient_margin"]
    assert said(engine, code.EVENT_WITHDRAW, account=1, price=3_000 * MONEY) == ["account"]


def test_an_account_is_opened_once_by_itself_or_by_its_first_deposit() -> None:
    engine = engine_with_deposit(1)

    assert said(engine, code.EVENT_ACCOUNT, account=1) == ["duplicate_account"]
    assert said(engine, code.EVENT_ACCOUNT, account=2) == ["account"]
    assert said(engine, code.EVENT_ACCOUNT, account=2) == ["duplicate_account"]
