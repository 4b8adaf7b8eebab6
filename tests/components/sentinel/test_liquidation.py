"""Worked examples: where accounts fall, to the tick and to the unit, and what follows."""

from __future__ import annotations

import csv
import itertools
import json
from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest

from components.messages import code
from components.messages.command import ALL_SYMBOLS
from components.sentinel.engine import canonical_bytes, check_invariants, restore
from components.sentinel.engine.liquidation_price import liquidation_price
from components.sentinel.engine.state import FIRST_ORDER_ID
from tests.components.sentinel.driver import MONEY, Engine, event, fields_of, set_up
from tests.recordings import recording

CENT_UNIT = 1_000  # ticks of 0.01, lots of 0.001


def engine_with(tiers: tuple[tuple[int, int], ...], **rule: int) -> Engine:
    """BTC-like symbol 0 and a risk rule; ``rule`` overrides fee, threshold and fund."""
    engine = Engine()
    for record in set_up(0, CENT_UNIT, tiers):
        engine.apply(record)
    fields = {"price": 0, "qty": 800_000, "maker_account": 0} | rule
    engine.apply(event(code.EVENT_RISK_RULE, order_id=1, **fields))
    return engine


def open_position(
    engine: Engine, account: int, deposit: int, side: int, lots: int, entry: int, symbol: int = 0
) -> None:
    engine.apply(event(code.EVENT_DEPOSIT, account=account, price=deposit))
    fields = {"account": account, "symbol": symbol, "side": side, "qty": lots, "price": entry}
    engine.apply(event(code.EVENT_POSITION, leverage=10, **fields))


def price(engine: Engine, ticks: int, symbol: int = 0, seq: int = 0) -> list[int]:
    """Apply a price; the accounts that were liquidated by it, in order."""
    engine.apply(event(code.EVENT_PRICE, seq=seq, symbol=symbol, price=ticks))
    check_invariants(engine.state)
    return [int(each["account"]) for each in engine.risks if each["kind"] == code.RISK_LIQUIDATION]


def fall_price(engine: Engine, account: int, symbol: int = 0) -> int:
    row = engine.state.accounts["account"].tolist().index(account)
    held = engine.state.positions
    is_it = (held["qty"] != 0) & (held["row"] == row) & (held["symbol"] == symbol)
    return int(liquidation_price(engine.state, int(np.flatnonzero(is_it)[0])))


CURING = 121
"""Of 500 lots: 113.065 of equity allow 0.76 of it as maintenance margin, 0.22613 a lot: 379 lots."""


def test_half_a_bitcoin_long_at_50000_with_ten_times_leverage_falls_at_45226_13() -> None:
    """(2500 - 0.5 × 50000) / (0.5 × 0.005 - 0.5) = 45226.1306…: 45226.14 is safe."""
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1001, 2_500 * MONEY, code.BUY, 500, 5_000_000)

    assert price(engine, 5_000_000) == []
    assert price(engine, 4_522_614) == []
    assert fall_price(engine, 1001) == 4_522_613
    assert price(engine, 4_522_613, seq=9) == [1001]
    liquidation = fields_of(engine.risks[-1])
    assert liquidation["qty"] == CURING
    assert liquidation["side"] == code.SELL
    assert liquidation["amount"] == 238_693_500_000 * CURING // 500
    assert liquidation["bankruptcy_price"] == 4_500_000
    assert [int(each["op"]) for each in engine.orders] == [code.OP_CANCEL_ALL, code.OP_PLACE]
    assert fields_of(engine.orders[0]) == {
        "ts": 9_000,
        "account": 1001,
        "cause": 9,
        "symbol": ALL_SYMBOLS,
        "op": code.OP_CANCEL_ALL,
        "source": code.SOURCE_SENTINEL,
    }
    assert fields_of(engine.orders[1]) == {
        "ts": 9_000,
        "account": 1001,
        "order_id": FIRST_ORDER_ID,
        "price": 4_500_000,
        "qty": CURING,
        "cause": 9,
        "op": code.OP_PLACE,
        "side": code.SELL,
        "tif": code.TIF_IOC,
        "flags": code.FLAG_REDUCE_ONLY | code.FLAG_LIQUIDATION,
        "source": code.SOURCE_SENTINEL,
    }


@pytest.mark.parametrize(("excess", "falls"), [(1, False), (0, False), (-1, True)])
@pytest.mark.parametrize("side", [code.BUY, code.SELL])
@pytest.mark.parametrize("warned_before", [False, True])
def test_equity_equal_to_maintenance_is_safe_and_one_unit_less_is_not(
    excess: int, falls: bool, side: int, warned_before: bool
) -> None:
    engine = engine_with(((0, 5_000),))
    notional = 500 * 4_600_000 * CENT_UNIT
    loss = 500 * 400_000 * CENT_UNIT
    entry = 5_000_000 if side == code.BUY else 4_200_000
    deposit = loss + notional * 5 // 1_000 + excess
    open_position(engine, 7, deposit, side, 500, entry)
    if warned_before:
        assert price(engine, 4_600_001 if side == code.BUY else 4_599_999) == []
        assert engine.state.accounts[0]["at_risk"] == 1

    assert price(engine, 4_600_000) == ([7] if falls else [])


def worked_cases() -> list[dict[str, str]]:
    with recording("binance-liquidation", "isolated_worked_examples.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("number", [0, 1])
def test_published_examples_fall_at_their_price_and_not_one_tick_before(number: int) -> None:
    case = worked_cases()[number]
    rate, amount = Fraction(case["maintenance_margin_rate"]), Fraction(case["maintenance_amount"])
    wallet, lots = Fraction(case["wallet_balance"]), int(Fraction(case["quantity"]) * 1_000)
    entry = Fraction(case["entry_price"])
    formula = (wallet + amount - Fraction(lots, 1_000) * entry) / (
        Fraction(lots, 1_000) * (rate - 1)
    )
    # One tier whose deduction is the example's: it starts where rate × floor is that amount.
    tiers = ((0, 0), (int(amount / rate * MONEY), int(rate * 10**6)))
    engine = engine_with(tiers)
    open_position(engine, 1, int(wallet * MONEY), code.BUY, lots, int(entry * 100))

    assert abs(formula - Fraction(case["expected_liquidation_price_2dp"])) <= Fraction(1, 100)
    first = floor(formula * 100)
    assert price(engine, first + 1) == []
    assert first == fall_price(engine, 1)
    assert price(engine, first) == [1]


@pytest.mark.parametrize("side", [code.BUY, code.SELL])
@pytest.mark.parametrize("lots", [1_000, 40_000, 300_000])
def test_real_brackets_give_the_formula_price_of_the_tier_that_it_falls_in(
    side: int, lots: int
) -> None:
    brackets = json.loads(recording("binance-liquidation", "leverage_brackets.json").read_text())
    tiers = [(Fraction(low), Fraction(rate)) for low, rate in brackets["BTC/USDT:USDT"]]
    engine = engine_with(tuple((int(low * MONEY), int(rate * 10**6)) for low, rate in tiers))
    qty, entry, sign = Fraction(lots, 1_000), 30_000, 1 if side == code.BUY else -1
    wallet = qty * entry / 10
    open_position(engine, 1, int(wallet * MONEY), side, lots, entry * 100)

    deductions = [Fraction(0)]
    for (_, below), (low, rate) in itertools.pairwise(tiers):
        deductions.append(deductions[-1] + low * (rate - below))
    formulas = [
        (wallet + deduction - sign * qty * entry) / (qty * rate - sign * qty)
        for (_, rate), deduction in zip(tiers, deductions, strict=True)
    ]
    tops = [low for low, _ in tiers[1:]] + [Fraction(10**12)]
    matching = [
        each
        for each, (low, _), top in zip(formulas, tiers, tops, strict=True)
        if low < each * qty <= top
    ]
    expected = floor(matching[0] * 100) if sign > 0 else ceil(matching[0] * 100)

    assert len(matching) == 1
    assert expected == fall_price(engine, 1)
    assert price(engine, expected + sign) == []
    assert price(engine, expected) == [1]


def test_a_position_without_a_price_is_valued_at_entry_and_not_liquidated() -> None:
    engine = engine_with(((0, 5_000),))
    for record in set_up(1, CENT_UNIT, ((0, 5_000),)):
        engine.apply(record)
    open_position(engine, 1, 100 * MONEY, code.BUY, 500, 5_000_000)
    open_position(engine, 1, 1, code.BUY, 500, 5_000_000, symbol=1)

    assert price(engine, 5_000_000) == [1]
    assert [int(each["symbol"]) for each in engine.orders] == [ALL_SYMBOLS, 0]
    assert price(engine, 5_000_000, symbol=1) == []  # an order is in flight
    fill = {"account": 1, "order_id": FIRST_ORDER_ID, "side": code.SELL, "maker_account": 99}
    engine.apply(event(code.EVENT_TRADE, qty=500, price=5_000_000, **fill))
    assert [int(each["symbol"]) for each in engine.orders] == [1]


def filled(engine: Engine, lots: int, ticks: int, number: int = 0) -> None:
    """Account 1's liquidation order trades with somebody unknown."""
    fill = {"account": 1, "order_id": FIRST_ORDER_ID + number, "side": code.SELL}
    engine.apply(event(code.EVENT_TRADE, qty=lots, price=ticks, maker_account=99, **fill))


def test_one_order_is_in_flight_and_one_that_ended_unfilled_waits_for_the_next_price() -> None:
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)

    assert price(engine, 4_520_000) == [1]
    wanted = int(engine.orders[1]["qty"])
    assert price(engine, 4_519_000) == []
    filled(engine, 20, 4_519_000)
    assert engine.orders == []
    assert price(engine, 4_518_000) == []
    ended = {"account": 1, "order_id": FIRST_ORDER_ID, "reason": code.REASON_IOC}
    engine.apply(event(code.EVENT_CANCELLED, qty=wanted - 20, **ended))
    assert engine.risks == []
    assert price(engine, 4_517_000) == [1]
    assert [int(each["op"]) for each in engine.orders] == [code.OP_PLACE]  # cancelled once
    assert engine.orders[0]["order_id"] == FIRST_ORDER_ID + 1


def test_what_cures_the_account_is_closed_and_no_more() -> None:
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    price(engine, 4_522_613)
    filled(engine, CURING - 1, 4_522_613)
    assert engine.state.accounts[0]["at_risk"] == 1
    filled(engine, 1, 4_522_613)

    assert engine.orders == []
    assert engine.state.accounts[0]["at_risk"] == 0
    assert engine.state.positions[0]["qty"] == 500 - CURING


def test_a_filled_step_that_did_not_cure_is_followed_by_the_next_at_once() -> None:
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    price(engine, 4_522_613)
    filled(engine, CURING, 4_500_000)  # far below the mark

    assert [int(each["op"]) for each in engine.orders] == [code.OP_PLACE]
    assert engine.orders[0]["qty"] > 0


def test_beyond_the_bankruptcy_price_the_fund_pays_and_the_order_goes_to_market() -> None:
    engine = engine_with(((0, 5_000),), maker_account=100 * MONEY)
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)

    assert price(engine, 4_490_000) == [1]
    assert engine.state.summary[0]["fund"] == 50 * MONEY
    assert engine.state.accounts[0]["collateral"] == 2_550 * MONEY
    assert engine.orders[1]["order_type"] == code.TYPE_MARKET
    assert engine.orders[1]["qty"] == 500
    assert engine.orders[1]["price"] == 0


def test_without_fund_and_counterparty_the_order_goes_to_market() -> None:
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)

    assert price(engine, 4_499_999) == [1]
    assert engine.orders[1]["order_type"] == code.TYPE_MARKET
    assert engine.orders[1]["price"] == 0


def test_simultaneous_liquidations_go_by_shortfall_ratio_then_notional_then_account() -> None:
    engine = engine_with(((0, 5_000),))
    for account, deposit, lots in (
        (5, 1_000, 100),  # the same ratio and notional as 4
        (4, 1_000, 100),
        (3, 2_000, 200),  # the same ratio, twice the notional
        (2, 990, 100),  # the worst ratio
        (1, 9_000, 100),  # safe
    ):
        open_position(engine, account, deposit * MONEY, code.BUY, lots, 5_000_000)

    assert price(engine, 4_000_000) == [2, 3, 4, 5]


def test_the_fund_pays_what_it_has_and_the_rest_is_bad_debt() -> None:
    engine = engine_with(((0, 5_000),), maker_account=100 * MONEY)
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    price(engine, 4_400_000)
    paid = next(each for each in engine.risks if each["kind"] == code.RISK_INSURANCE_FUND)
    assert (paid["amount"], paid["collateral"], paid["entry_value"]) == (-100 * MONEY, 0, 0)
    filled(engine, 500, 4_400_000)
    rest = next(each for each in engine.risks if each["kind"] == code.RISK_INSURANCE_FUND)
    assert (rest["amount"], rest["collateral"], rest["entry_value"]) == (0, 0, 400 * MONEY)
    assert engine.state.accounts[0]["collateral"] == 0
    check_invariants(engine.state)


def test_the_liquidation_fee_goes_to_the_fund_but_never_beyond_the_equity() -> None:
    for fee_ppm, expected in ((1_000, 2_260_000_000), (100_000, 10_000_000_000)):
        engine = engine_with(((0, 5_000),), price=fee_ppm)
        open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
        price(engine, 4_520_000)
        lots = int(engine.orders[1]["qty"])
        filled(engine, lots, 4_520_000)

        assert engine.state.summary[0]["fund"] == min(expected, -(-expected * lots // 500))
        check_invariants(engine.state)


def test_a_fee_that_eats_what_reducing_frees_closes_the_whole_position() -> None:
    engine = engine_with(((0, 5_000),), price=100_000)
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    price(engine, 4_520_000)

    assert engine.orders[1]["qty"] == 500


def test_the_position_with_the_most_maintenance_margin_goes_first() -> None:
    engine = engine_with(((0, 5_000),))
    for record in set_up(1, CENT_UNIT, ((0, 10_000),)):
        engine.apply(record)
    open_position(engine, 1, 1_000 * MONEY, code.BUY, 100, 5_000_000)
    open_position(engine, 1, 1_000 * MONEY, code.SELL, 300, 1_000_000, symbol=1)
    price(engine, 5_000_000)
    price(engine, 1_000_000, symbol=1)

    assert price(engine, 1_665_000, symbol=1) == [1]
    assert [int(each["symbol"]) for each in engine.orders] == [ALL_SYMBOLS, 1]


def test_at_risk_comes_above_the_threshold_and_goes_below_nineteen_twentieths_of_it() -> None:
    """500,000 of maintenance: a ratio of 0.8 at an equity of 625,000, of 0.76 at 657,894.7…"""
    engine = engine_with(((0, 500_000),))
    held = 625_000
    engine.apply(event(code.EVENT_DEPOSIT, account=1, price=held * MONEY))
    fields = {"account": 1, "side": code.BUY, "qty": 1_000, "price": 100_000_000}
    engine.apply(event(code.EVENT_POSITION, leverage=100, **fields))
    changes = []
    for equity in (624_999, 630_000, 657_894, 657_895, 625_000):
        kind = code.EVENT_DEPOSIT if equity > held else code.EVENT_WITHDRAW
        engine.apply(event(kind, account=1, price=abs(equity - held) * MONEY))
        held = equity
        warnings = [each for each in engine.risks if each["kind"] == code.RISK_AT_RISK]
        changes += [(equity, int(each["flags"])) for each in warnings]

    assert changes == [(624_999, 1), (657_895, 0)]


def test_a_restored_snapshot_continues_as_if_nothing_had_happened() -> None:
    engine = engine_with(((0, 5_000),))
    open_position(engine, 1, 2_500 * MONEY, code.BUY, 500, 5_000_000)
    price(engine, 4_520_000)
    restored = Engine(restore(canonical_bytes(engine.state)))

    assert canonical_bytes(engine.state) == canonical_bytes(restored.state)
    assert price(restored, 4_519_000) == []
