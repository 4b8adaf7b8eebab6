"""An account hears of its own orders and its own risk, and of nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from components.gateway.account_lines import lines_for
from components.messages.code import EVENT_PRICE, EVENT_TOUCH, EVENT_TRADE
from tests.components.oracle.platform_samples import ACCOUNTS, TABLE, Platform


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=7)
    made.run(600)
    return made


def told(platform: Platform, stream: str, *accounts: int) -> list[tuple[int, dict[str, object]]]:
    records = platform.streams()[stream]
    lines = lines_for(stream, records, np.array(accounts, np.int64), TABLE)
    return [(account, json.loads(line)) for account, line in lines]


def test_each_account_is_told_exactly_the_records_that_name_it(platform: Platform) -> None:
    streams = platform.streams()
    for account in ACCOUNTS:
        events = streams["events"]
        taken = int((events["account"] == account).sum())
        is_made = (events["kind"] == EVENT_TRADE) & (events["maker_account"] == account)
        lines = told(platform, "events", account)
        assert len(lines) == taken + int(is_made.sum())
        assert {whom for whom, _ in lines} == {account}
        assert all(line["account"] == account for _, line in lines)
        risk = told(platform, "risk", account)
        assert len(risk) == int((streams["risk"]["account"] == account).sum())
    assert sum(len(told(platform, "risk", account)) for account in ACCOUNTS) > 100


def test_both_sides_of_a_trade_are_told_their_own_and_nothing_of_the_other(
    platform: Platform,
) -> None:
    trades = platform.streams()["events"]
    trades = trades[trades["kind"] == EVENT_TRADE]
    assert len(trades) > 20
    for trade in trades:
        taker, maker = int(trade["account"]), int(trade["maker_account"])
        lines = lines_for("events", trade.reshape(1), np.array([taker, maker], np.int64), TABLE)
        first, second = (json.loads(line) for _, line in lines)
        assert (first["account"], first["id"]) == (maker, int(trade["maker_order_id"]))
        assert (second["account"], second["id"]) == (taker, int(trade["order_id"]))
        assert (first["liquidity"], second["liquidity"]) == ("maker", "taker")
        assert {first["side"], second["side"]} == {"buy", "sell"}
        assert first["price"] == second["price"]
        assert "maker_account" not in second
        assert "taker_account" not in first


def test_what_is_public_is_told_to_nobody(platform: Platform) -> None:
    events = platform.streams()["events"]
    public = events[np.isin(events["kind"], (EVENT_TOUCH, EVENT_PRICE))]
    assert len(public) > 20

    assert list(lines_for("events", public, np.array(ACCOUNTS, np.int64), TABLE)) == []
