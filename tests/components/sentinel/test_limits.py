"""Requests and trades that the books cannot hold are refused whole, and nothing overflows."""

from __future__ import annotations

import numpy as np
import pytest

from components.messages import code
from components.sentinel.engine import (
    apply_batch,
    canonical_bytes,
    check_invariants,
    new_outbox,
    new_state,
    restore,
)
from components.sentinel.engine.state import NOTIONAL_MAX, POSITIONS_MAX
from components.sentinel.engine.valuation import measure
from components.units import MONEY_MAX, MONEY_UNIT_MAX
from tests.components.sentinel.driver import Engine, event, set_up


def engine_of(symbols: int, unit: int, accounts: int = 8, positions: int = 256) -> Engine:
    engine = Engine(new_state(accounts, symbols, positions))
    for symbol in range(symbols):
        for record in set_up(symbol, unit, ((0, 1_000_000),)):
            engine.apply(record)
    return engine


def reasons(engine: Engine) -> list[str]:
    rejected = [each for each in engine.risks if each["kind"] == code.RISK_REJECTED]
    return [code.REASON_NAMES[int(each["reason"])] for each in rejected]


def test_an_account_full_of_the_largest_positions_still_adds_up() -> None:
    """64 positions of 2**56 at a rate of 1, against an account that owes them all."""
    engine = engine_of(POSITIONS_MAX, 1)
    engine.apply(event(code.EVENT_DEPOSIT, account=1, price=MONEY_MAX))
    lots = NOTIONAL_MAX >> 40
    for symbol in range(POSITIONS_MAX):
        fields = {"account": 1, "symbol": symbol, "qty": lots, "price": 2**40}
        engine.apply(event(code.EVENT_POSITION, leverage=1, **fields))
        assert reasons(engine) == []
    for symbol in range(POSITIONS_MAX):
        engine.apply(event(code.EVENT_PRICE, symbol=symbol, price=1 if symbol % 2 else 2**40))
        check_invariants(engine.state)
    found = measure(engine.state, 0)

    assert found.equity == MONEY_MAX + (POSITIONS_MAX // 2) * lots * (1 - 2**40)
    assert found.maintenance == (POSITIONS_MAX // 2) * lots * (1 + 2**40)


def test_a_price_that_would_pass_the_limit_is_refused_until_the_position_is_gone() -> None:
    engine = engine_of(1, MONEY_UNIT_MAX)
    lots = NOTIONAL_MAX // MONEY_UNIT_MAX // 1_000
    engine.apply(event(code.EVENT_DEPOSIT, account=1, price=MONEY_MAX))
    fields = {"account": 1, "qty": lots, "price": 1_000}
    engine.apply(event(code.EVENT_POSITION, leverage=1, **fields))
    engine.apply(event(code.EVENT_PRICE, price=1_001))
    assert reasons(engine) == ["bad_price"]
    assert engine.state.symbols[0]["mark"] == 0
    sale = {"account": 1, "side": code.SELL, "maker_account": 9, "qty": lots, "price": 900}
    engine.apply(event(code.EVENT_TRADE, **sale))
    engine.apply(event(code.EVENT_PRICE, price=1_001))

    assert reasons(engine) == []
    check_invariants(engine.state)


def test_a_trade_beyond_the_limit_changes_neither_side() -> None:
    engine = engine_of(1, 1)
    for account in (1, 2):
        engine.apply(event(code.EVENT_DEPOSIT, account=account, price=1_000))
    trade = {"account": 1, "maker_account": 2, "qty": 2**20, "price": 2**36 + 1}
    engine.apply(event(code.EVENT_TRADE, **trade))

    assert reasons(engine) == ["bad_notional"]
    assert engine.state.summary[0]["slot_count"] == 0
    check_invariants(engine.state)


def test_full_tables_refuse_and_say_so() -> None:
    engine = engine_of(1, 1, accounts=65, positions=1)
    for account in range(65):
        fields = {"account": account, "qty": 1, "price": 1, "side": account % 2}
        engine.apply(event(code.EVENT_POSITION, leverage=1, **fields))
    assert engine.state.summary[0]["position_count"] == 65
    engine.apply(event(code.EVENT_ACCOUNT, account=100))
    assert reasons(engine) == ["pool_full"]
    full = engine_of(1, 1, accounts=200, positions=1)
    for account in range(128):
        fields = {"account": account, "qty": 1, "price": 1}
        full.apply(event(code.EVENT_POSITION, leverage=1, **fields))
        assert reasons(full) == []
    full.apply(event(code.EVENT_POSITION, account=150, qty=1, price=1, leverage=1))
    assert reasons(full) == ["pool_full"]
    full.apply(event(code.EVENT_DEPOSIT, account=150, price=5))
    full.apply(event(code.EVENT_TRADE, account=150, maker_account=999, qty=1, price=1))
    assert reasons(full) == ["pool_full"]
    check_invariants(full.state)


def test_limits_follow_events_and_what_is_there_stays() -> None:
    engine = engine_of(1, 1, accounts=2)
    for account in (1, 2, 3):
        engine.apply(event(code.EVENT_DEPOSIT, account=account, price=account))
    assert reasons(engine) == ["pool_full"]
    limits = {"maker_account": 2, "qty": 1}
    engine.apply(event(code.EVENT_RISK_CAPACITY, price=300, **limits))
    for account in range(3, 301):
        engine.apply(event(code.EVENT_DEPOSIT, account=account, price=account))
        assert reasons(engine) == []
    for record in set_up(1, 1, ((0, 1_000_000),)):
        engine.apply(record)
        assert reasons(engine) == []
    engine.apply(event(code.EVENT_RISK_CAPACITY, price=1, **limits))
    for account in range(1, 301):
        engine.apply(event(code.EVENT_WITHDRAW, account=account, price=account))
        assert reasons(engine) == []
    engine.apply(event(code.EVENT_ACCOUNT, account=301))
    assert reasons(engine) == ["pool_full"]
    assert canonical_bytes(restore(canonical_bytes(engine.state))) == canonical_bytes(engine.state)
    check_invariants(engine.state)


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        (code.EVENT_ACCOUNT, {"account": -1}, "unknown_account"),
        (code.EVENT_DEPOSIT, {"account": 1, "price": 0}, "bad_amount"),
        (code.EVENT_DEPOSIT, {"account": 1, "price": MONEY_MAX + 1}, "bad_amount"),
        (code.EVENT_WITHDRAW, {"account": 1, "price": 1}, "unknown_account"),
        (code.EVENT_PRICE, {"symbol": 9, "price": 1}, "unknown_symbol"),
        (code.EVENT_PRICE, {"symbol": 2**32 - 2, "price": 1}, "unknown_symbol"),
        (code.EVENT_PRICE, {"price": 0}, "bad_price"),
        (code.EVENT_PRICE, {"price": 2**40 + 1}, "bad_price"),
        (code.EVENT_POSITION, {"account": 1, "symbol": 5}, "unknown_symbol"),
        (code.EVENT_POSITION, {"account": 1, "price": 1, "qty": 0}, "bad_qty"),
        (code.EVENT_POSITION, {"account": 1, "price": -1, "qty": 1}, "bad_price"),
        (
            code.EVENT_POSITION,
            {"account": 1, "price": 1, "qty": 1, "leverage": 101},
            "bad_leverage",
        ),
        (code.EVENT_INSTRUMENT, {"symbol": 9, "maker_account": 1, "leverage": 1}, "bad_instrument"),
        (code.EVENT_INSTRUMENT, {"maker_account": 0, "leverage": 1}, "bad_instrument"),
        (code.EVENT_MARGIN_TIER, {"order_id": 9, "price": 1, "qty": 1}, "bad_instrument"),
        (code.EVENT_RISK_RULE, {"price": 1, "qty": 1_000_001}, "bad_amount"),
        (code.EVENT_RISK_CAPACITY, {"price": 0, "maker_account": 1, "qty": 1}, "bad_capacity"),
        (code.EVENT_RISK_CAPACITY, {"price": 1, "maker_account": 1, "qty": 2**62}, "bad_capacity"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    kind: int, fields: dict[str, int], reason: str
) -> None:
    engine = engine_of(1, 1)
    engine.apply(event(kind, **fields))

    assert reasons(engine) == [reason]
    check_invariants(engine.state)


def test_trades_between_accounts_that_nobody_opened_are_none_of_sentinels_business() -> None:
    engine = engine_of(1, 1)
    engine.apply(event(code.EVENT_TRADE, account=5, maker_account=6, qty=1, price=1))

    assert engine.risks == []
    assert engine.state.summary[0]["account_count"] == 0


def test_a_batch_stops_where_the_outbox_is_full_and_goes_on_from_there() -> None:
    engine = engine_of(1, 1_000)
    events = np.zeros(50, event(0).dtype)
    for place in range(50):
        events[place] = event(code.EVENT_DEPOSIT, seq=place + 1, account=1, price=10)
    outbox = new_outbox(50, 50)
    place, seen = 0, 0
    while place < events.size:
        place = apply_batch(engine.state, events, place, outbox)
        seen += int(outbox.risk_count[0])
        outbox.risk_count[0] = outbox.order_count[0] = 0

    assert seen == 50
    assert engine.state.accounts[0]["collateral"] == 500
