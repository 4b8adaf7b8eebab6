"""When the fund is empty: who takes a bankrupt position over, at which price, and what is left."""

from __future__ import annotations

import numpy as np

from components.messages import code
from components.sentinel.engine import check_invariants
from components.sentinel.engine.state import FIRST_ORDER_ID
from tests.components.sentinel.driver import MONEY, Engine, event, fields_of
from tests.components.sentinel.test_liquidation import engine_with, open_position, price


def bankrupt_engine(*shorts: tuple[int, int, int, int]) -> Engine:
    """Account 1 is long 500 at 50,000 and bankrupt below 45,000; ``shorts``: (account, deposit,
    lots, entry in whole units)."""
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    for account, deposit, lots, entry in shorts:
        open_position(engine, account, deposit * MONEY, code.SELL, lots, entry * 100)
    return engine


def came_back(engine: Engine, order: np.void, seq: int = 50) -> None:
    """The takeover passed Titan and is an event now."""
    fields = {name: int(order[name]) for name in ("account", "order_id", "price", "qty")}
    fields |= {"symbol": int(order["symbol"]), "side": int(order["side"])}
    engine.apply(
        event(code.EVENT_DELEVERAGE, seq=seq, maker_order_id=int(order["display_qty"]), **fields)
    )
    check_invariants(engine.state)


def test_the_counterparty_with_the_most_profit_times_leverage_is_asked_first() -> None:
    engine = bankrupt_engine(
        (2, 100_000, 500, 52_000),  # the same profit as 3 on more money: less leverage
        (3, 5_000, 500, 52_000),
        (4, 5_000, 500, 46_000),  # less profit
        (5, 5_000, 500, 43_000),  # a loss
    )

    assert price(engine, 4_400_000) == [1]
    takeover = engine.orders[-1]
    assert fields_of(takeover) == {
        "op": code.OP_DELEVERAGE,
        "account": 1,
        "order_id": FIRST_ORDER_ID,
        "display_qty": 3,
        "price": 4_500_000,
        "qty": 500,
        "side": code.SELL,
        "flags": code.FLAG_LIQUIDATION,
        "source": code.SOURCE_SENTINEL,
    }


def test_both_sides_close_at_the_bankruptcy_price_and_nobody_owes_anything() -> None:
    engine = bankrupt_engine((2, 5_000, 500, 52_000))
    price(engine, 4_400_000)
    came_back(engine, engine.orders[-1])

    assert engine.state.accounts["collateral"][:2].tolist() == [0, (5_000 + 3_500) * MONEY]
    assert engine.state.summary[0]["position_count"] == 0
    assert engine.state.summary[0]["orders_in_flight"] == 0
    told = [fields_of(each) for each in engine.risks if each["kind"] == code.RISK_DELEVERAGE]
    assert len(told) == 1
    assert (told[0]["account"], told[0]["qty"], told[0]["amount"]) == (2, 500, 3_500 * MONEY)


def test_a_counterparty_that_is_too_small_is_followed_by_the_next_at_once() -> None:
    engine = bankrupt_engine((2, 5_000, 200, 52_000), (3, 5_000, 400, 51_000))
    price(engine, 4_400_000)
    assert (engine.orders[-1]["display_qty"], engine.orders[-1]["qty"]) == (3, 400)
    came_back(engine, engine.orders[-1])
    assert (engine.orders[-1]["display_qty"], engine.orders[-1]["qty"]) == (2, 100)
    came_back(engine, engine.orders[-1])

    assert engine.state.accounts["collateral"][0] >= 0
    assert engine.state.positions["qty"].sum() == -100


def test_what_the_counterparty_no_longer_holds_is_not_taken_over() -> None:
    engine = bankrupt_engine((2, 5_000, 500, 52_000))
    price(engine, 4_400_000)
    takeover = engine.orders[-1].copy()
    trade = {"account": 2, "maker_account": 99, "side": code.BUY, "order_id": 5}
    engine.apply(event(code.EVENT_TRADE, qty=450, price=4_400_000, **trade))
    came_back(engine, takeover)

    assert engine.orders[-1]["op"] == code.OP_PLACE  # nobody is left: to market
    assert engine.orders[-1]["qty"] == 450


def test_a_fund_that_reaches_pays_before_anybody_is_deleveraged() -> None:
    engine = engine_with(((0, 5_000),), maker_account=1_000 * MONEY)
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    open_position(engine, 2, 5_000 * MONEY, code.SELL, 500, 5_200_000)
    price(engine, 4_400_000)

    assert [int(each["op"]) for each in engine.orders] == [code.OP_CANCEL_ALL, code.OP_PLACE]
    assert engine.state.summary[0]["fund"] == 500 * MONEY
