"""What makes a price suspect, and what waits until it is not; levels of warning; bands."""

from __future__ import annotations

import pytest

from components.messages import code
from components.sentinel.engine import canonical_bytes, restore
from components.sentinel.engine.full_scan import reached_wallets, touched_wallets
from tests.components.sentinel.driver import MONEY, Engine, event
from tests.components.sentinel.test_liquidation import engine_with, open_position, price

FALLEN = 4_520_000


def engine_of_one(**rule: int) -> Engine:
    engine = engine_with(((0, 5_000),), **rule)
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    price(engine, 5_000_000)
    return engine


@pytest.mark.parametrize("flag", [code.FLAG_SUSPECT, code.FLAG_STALE])
def test_on_a_flagged_price_open_orders_are_cancelled_but_nothing_is_closed(flag: int) -> None:
    engine = engine_of_one()
    engine.apply(event(code.EVENT_PRICE, price=FALLEN, flags=flag))
    assert [int(each["op"]) for each in engine.orders] == [code.OP_CANCEL_ALL]
    assert price(engine, FALLEN) == [1]

    assert [int(each["op"]) for each in engine.orders] == [code.OP_PLACE]


def test_a_jump_is_suspect_until_a_second_price_agrees() -> None:
    engine = engine_of_one(maker_order_id=50_000)

    assert price(engine, FALLEN) == []
    assert price(engine, FALLEN - 1) == [1]


def test_a_jump_that_was_none_changes_nothing() -> None:
    engine = engine_of_one(maker_order_id=50_000)

    assert price(engine, FALLEN) == []
    assert price(engine, 5_000_000) == []  # a jump back
    assert price(engine, 5_000_001) == []
    assert engine.state.accounts[0]["is_liquidated"] == 0


def test_after_a_restart_nobody_is_liquidated_before_a_fresh_price() -> None:
    engine = engine_of_one()
    engine.apply(event(code.EVENT_RESUME))
    engine.apply(event(code.EVENT_WITHDRAW, account=1, price=1))
    trade = {"account": 1, "maker_account": 99, "side": code.BUY, "order_id": 5}
    engine.apply(event(code.EVENT_TRADE, qty=1, price=7_000_000, taker_fee=2_400 * MONEY, **trade))
    assert [int(each["op"]) for each in engine.orders] == [code.OP_CANCEL_ALL]

    assert price(engine, 5_000_000) == [1]


def test_warnings_come_level_by_level_and_go_at_nineteen_twentieths_of_each() -> None:
    engine = engine_with(((0, 5_000),), qty=500_000, taker_fee=800_000, maker_fee=950_000)
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    levels = []
    for ticks in (5_000_000, 4_545_000, 4_528_000, 4_523_500, 4_528_000, 4_530_000, 4_600_000):
        price(engine, ticks)
        levels += [int(each["flags"]) for each in engine.risks if each["kind"] == code.RISK_AT_RISK]

    assert levels == [1, 2, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("second", "third"), [(400_000, 0), (0, 500_000), (600_000, 600_000), (1_000_001, 0)]
)
def test_levels_that_do_not_rise_are_refused(second: int, third: int) -> None:
    engine = engine_of_one()
    fields = {"qty": 500_000, "taker_fee": second, "maker_fee": third}
    engine.apply(event(code.EVENT_RISK_RULE, order_id=2, **fields))

    assert [int(each["reason"]) for each in engine.risks] == [code.REASON_BAD_AMOUNT]


def test_a_price_within_every_band_reaches_nobody_and_one_beyond_does() -> None:
    engine = engine_of_one()
    key = int(engine.state.triggers[0, 0]["key"])
    low = -key

    price(engine, low + 1)
    assert int(engine.state.triggers[0, 0]["key"]) == key
    price(engine, low)
    assert int(engine.state.triggers[0, 0]["key"]) != key


def test_bands_close_in_on_the_threshold_in_a_handful_of_looks() -> None:
    """The price walks tick by tick from 50,000 to where the account falls, 480,000 ticks below."""
    engine = engine_of_one(qty=1_000_000)
    looks, ticks = 0, 5_000_000
    while not engine.orders and looks < 100:
        ticks = -int(engine.state.triggers[0, 0]["key"])
        price(engine, ticks)
        looks += 1

    assert ticks == 4_522_613
    assert looks < 30


def test_a_full_scan_and_the_bands_find_the_same_wallets_to_liquidate() -> None:
    engine = engine_with(((0, 5_000),))
    for account in range(1, 7):
        open_position(engine, account, (2_000 + 100 * account) * MONEY, code.BUY, 500, 5_000_000)
    price(engine, 5_000_000)
    engine.state.symbols[0]["mark"] = 4_570_000

    touched = touched_wallets(engine.state).tolist()
    assert touched
    assert set(touched) <= set(reached_wallets(engine.state).tolist())


def test_a_restored_state_says_and_does_the_same_whatever_its_bands() -> None:
    engine = engine_of_one()
    price(engine, 4_600_000)
    again = Engine(restore(canonical_bytes(engine.state)))
    for ticks in (4_599_000, 4_530_000, 4_522_613, 4_522_000):
        assert price(engine, ticks) == price(again, ticks)
        assert canonical_bytes(engine.state) == canonical_bytes(again.state)
