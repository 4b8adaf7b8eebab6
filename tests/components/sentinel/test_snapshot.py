"""Snapshots restore to the same bytes, limits too, and refuse damage."""

from __future__ import annotations

import numpy as np
import pytest

from components.messages import code
from components.sentinel.engine import (
    InvariantError,
    SnapshotError,
    apply,
    canonical_bytes,
    check_invariants,
    new_state,
    restore,
    state_hash,
)
from components.sentinel.engine.snapshot import SAVED_HEAD
from components.sentinel.engine.state import (
    ACCOUNTS_ALLOWED,
    ACCOUNTS_ROOM,
    POSITIONS_ALLOWED,
    SYMBOLS_ALLOWED,
)
from tests.components.sentinel.driver import Engine, event, run_random, set_up


def test_a_snapshot_restores_to_the_same_bytes_with_its_limits() -> None:
    state = run_random(31, 300).engine.state
    data = canonical_bytes(state)
    restored = restore(data)

    assert canonical_bytes(restored) == data
    assert state_hash(restored) == state_hash(state)


def test_the_same_events_give_the_same_hash_and_one_more_another() -> None:
    one, other = (run_random(32, 200).engine for _ in range(2))
    before = state_hash(one.state)

    assert before == state_hash(other.state)
    other.apply(event(code.EVENT_DEPOSIT, account=1, price=1))
    assert before != state_hash(other.state)


def test_damaged_short_long_and_oversized_snapshots_are_refused() -> None:
    data = canonical_bytes(run_random(33, 200).engine.state)
    for broken, told in (
        (b"", "at least"),
        (b"x" * len(data), "no snapshot"),
        (data[:-1], "cut short"),
        (data + b"x", "expected"),
    ):
        with pytest.raises(SnapshotError, match=told):
            restore(broken)
    head = np.frombuffer(data, SAVED_HEAD, 1).copy()
    head["account_count"] = ACCOUNTS_ROOM + 1
    with pytest.raises(SnapshotError, match=f"there is room for {ACCOUNTS_ROOM}"):
        restore(head.tobytes() + data[head.nbytes :])


def test_a_snapshot_says_nothing_of_limits_that_are_the_defaults() -> None:
    usual, wider = Engine(new_state()), Engine(new_state())
    limits = {"price": ACCOUNTS_ALLOWED, "maker_account": SYMBOLS_ALLOWED}
    wider.apply(event(code.EVENT_RISK_CAPACITY, qty=POSITIONS_ALLOWED + 64, **limits))
    longer = len(canonical_bytes(wider.state)) - len(canonical_bytes(usual.state))
    wider.apply(event(code.EVENT_RISK_CAPACITY, qty=POSITIONS_ALLOWED, **limits))

    assert longer == 24
    assert canonical_bytes(wider.state) == canonical_bytes(usual.state)


def test_hundreds_of_positions_come_and_go_over_several_blocks() -> None:
    engine = Engine(new_state(400, 4, 400))
    for record in set_up(0, 1_000, ((0, 5_000),)) + set_up(1, 1_000, ((0, 5_000),)):
        engine.apply(record)
    for account in range(1, 201):
        engine.apply(event(code.EVENT_DEPOSIT, account=account, price=10**12))
        for symbol in (0, 1):
            fields = {"account": account, "symbol": symbol, "qty": account, "price": 100}
            engine.apply(event(code.EVENT_POSITION, leverage=1, **fields))
    for account in [*range(1, 201, 3), *range(200, 0, -3)]:
        fields = {"account": account, "maker_account": 999, "qty": account, "price": 100}
        engine.apply(event(code.EVENT_TRADE, side=code.SELL, **fields))
    check_invariants(engine.state)
    engine.apply(event(code.EVENT_PRICE, symbol=0, price=101))
    engine.apply(event(code.EVENT_PRICE, symbol=1, price=99))
    check_invariants(engine.state)
    restored = restore(canonical_bytes(engine.state))
    check_invariants(restored)

    assert canonical_bytes(restored) == canonical_bytes(engine.state)


@pytest.mark.parametrize(("field", "invariant"), [("collateral", "A"), ("position_count", "D")])
def test_a_unit_out_of_place_is_found(field: str, invariant: str) -> None:
    state = run_random(34, 100).engine.state
    state.accounts[field][0] += 1
    with pytest.raises(InvariantError, match=f"invariant {invariant}"):
        check_invariants(state)


def test_an_outbox_without_room_is_refused_before_anything_changes() -> None:
    engine = run_random(35, 100).engine
    before = canonical_bytes(engine.state)
    engine.outbox.risk_count[0] = engine.outbox.risks.size

    with pytest.raises(IndexError, match="outbox"):
        apply(engine.state, event(code.EVENT_PRICE, price=100), engine.outbox)
    assert canonical_bytes(engine.state) == before


def test_a_position_that_no_price_would_find_is_found() -> None:
    state = run_random(34, 100).engine.state
    armed = np.flatnonzero(state.triggers[0]["is_armed"])
    state.triggers[0]["is_armed"][armed[0]] = 0

    with pytest.raises(InvariantError, match="invariant G"):
        check_invariants(state)
