"""Funding: counted at once, moved when touched, never created or lost."""

from __future__ import annotations

import pytest

from components.messages import code
from components.sentinel.engine import check_invariants
from components.sentinel.engine.ledger import FUNDING, flow_total
from components.sentinel.engine.valuation import measure
from tests.components.sentinel.driver import MONEY, Engine, event
from tests.components.sentinel.test_liquidation import engine_with, open_position, price


def funded_engine() -> Engine:
    """1 is long, 2 short, 500 lots of 50 each: 25,000."""
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    open_position(engine, 2, 2_500 * MONEY, code.SELL, 500, 5_000_000)
    price(engine, 5_000_000)
    return engine


def charge(engine: Engine, ppm: int) -> list[str]:
    engine.apply(event(code.EVENT_FUNDING, price=ppm))
    check_invariants(engine.state)
    return [code.REASON_NAMES[int(each["reason"])] for each in engine.risks if each["reason"]]


def test_longs_pay_shorts_at_once_in_equity_and_later_in_money() -> None:
    engine = funded_engine()
    charge(engine, 100)

    assert engine.state.accounts["collateral"][:2].tolist() == [2_500 * MONEY] * 2
    assert [measure(engine.state, row).equity for row in (0, 1)] == [
        2_500 * MONEY - 5 * MONEY // 2,
        2_500 * MONEY + 5 * MONEY // 2,
    ]
    trade = {"account": 1, "maker_account": 2, "side": code.SELL, "order_id": 5}
    engine.apply(event(code.EVENT_TRADE, qty=500, price=5_000_000, **trade))
    settled = [each for each in engine.risks if each["kind"] == code.RISK_FUNDING]

    assert [int(each["amount"]) for each in settled] == [-5 * MONEY // 2, 5 * MONEY // 2]
    assert flow_total(engine.state.ledger, FUNDING) == 0
    check_invariants(engine.state)


def test_a_negative_rate_makes_shorts_pay() -> None:
    engine = funded_engine()
    charge(engine, -100)

    assert measure(engine.state, 0).equity > measure(engine.state, 1).equity


def test_funding_alone_can_liquidate() -> None:
    engine = funded_engine()
    price(engine, 4_523_000)
    assert not [each for each in engine.risks if each["kind"] == code.RISK_LIQUIDATION]
    charge(engine, 100)

    fallen = [
        int(each["account"]) for each in engine.risks if each["kind"] == code.RISK_LIQUIDATION
    ]
    assert fallen == [1]


@pytest.mark.parametrize(
    ("ppm", "answer"), [(50_000, []), (50_001, ["bad_amount"]), (-50_001, ["bad_amount"])]
)
def test_a_rate_beyond_five_per_cent_is_refused(ppm: int, answer: list[str]) -> None:
    assert charge(funded_engine(), ppm) == answer


def test_a_symbol_without_a_price_cannot_be_charged() -> None:
    assert charge(engine_with(((0, 5_000),)), 100) == ["bad_price"]


def test_an_index_that_went_too_far_settles_everybody_and_begins_again() -> None:
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 1, 5_000_000)
    open_position(engine, 2, 2_500 * MONEY, code.SELL, 2**33, 1_000)
    for _ in range(80):
        engine.apply(event(code.EVENT_PRICE, price=8_000))
        charge(engine, 50_000)
        if engine.state.symbols[0]["funding_low"] == 0 and any(
            each["kind"] == code.RISK_FUNDING for each in engine.risks
        ):
            break

    assert any(each["kind"] == code.RISK_FUNDING for each in engine.risks)
    check_invariants(engine.state)
