"""Counting what the engines and the journal did, against a plain count of the same records."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.messages.code import (
    EVENT_COUNT,
    EVENT_NAMES,
    EVENT_PRICE,
    EVENT_REJECTED,
    EVENT_TOUCH,
    EVENT_TRADE,
    OP_CANCEL,
    OP_NAMES,
    OP_PLACE,
    REASON_NAMES,
    RISK_DELEVERAGE,
    RISK_INSURANCE_FUND,
    RISK_LIQUIDATION,
    RISK_POSITION,
)
from components.messages.command import new_commands
from components.messages.event import EVENT, Events
from components.messages.risk import RISK, Risks
from components.monitor import sentinel_counters, titan_counters
from components.monitor.catalogue import ORDER_RESULTS, STREAMS
from components.monitor.oracle_counters import OracleCounters
from components.sentinel.account_view import Totals
from components.units import MONEY_SCALE
from disruptor.memory.counters import CounterBlock, Reading
from tests.components.monitor.conftest import INSTRUMENTS, SYMBOLS, Platform

Blocks = dict[str, CounterBlock]


def by_series(blocks: Blocks, process: str) -> dict[tuple[str, ...], Reading]:
    """(metric, label values …) to reading."""
    return {
        (each.spec.name, *(value for _, value in each.spec.labels)): each
        for each in blocks[process].read()
    }


event_rows = st.lists(
    st.tuples(
        st.integers(0, EVENT_COUNT - 1),  # kind
        st.integers(0, 3),  # symbol; 2 and 3 are unknown
        st.integers(1, 10**7),  # price
        st.integers(1, 10**5),  # qty
        st.integers(0, len(REASON_NAMES) - 1),
    ),
    max_size=60,
)


def events_of(rows: list[tuple[int, int, int, int, int]]) -> Events:
    events = np.zeros(len(rows), EVENT)
    for event, (kind, symbol, price, qty, reason) in zip(events, rows, strict=True):
        event["kind"], event["symbol"], event["reason"] = kind, symbol, reason
        event["price"], event["qty"] = price, qty
        event["maker_account"], event["maker_order_id"] = price + 5, qty
    return events


@given(event_rows)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
def test_titan_s_events_are_counted_as_a_plain_count_would(
    blocks: Blocks, rows: list[tuple[int, int, int, int, int]]
) -> None:
    blocks["titan"].words[:] = 0
    counters = titan_counters.titan_counters(blocks["titan"], INSTRUMENTS)
    titan_counters.count_events(counters, events_of(rows))
    found = by_series(blocks, "titan")

    names = [*SYMBOLS, "unknown", "unknown"]
    answers = Counter((names[row[1]], EVENT_NAMES[row[0]]) for row in rows)
    for symbol in (*SYMBOLS, "unknown"):
        for result in ORDER_RESULTS:
            assert found["titan_orders_processed", symbol, result].value == answers[symbol, result]
    reasons = Counter(REASON_NAMES[row[4]] for row in rows if row[0] == EVENT_REJECTED)
    for reason in REASON_NAMES.values():
        assert found["titan_rejections", reason].value == reasons[reason]
    for index, symbol in enumerate(SYMBOLS):
        trades = [row for row in rows if row[0] == EVENT_TRADE and row[1] == index]
        assert found["titan_executions", symbol].value == len(trades)
        assert found["titan_execution_price", symbol].count == len(trades)
        assert found["titan_execution_price", symbol].words[-1] == sum(row[2] for row in trades)
        assert found["titan_execution_quantity", symbol].words[-1] == sum(row[3] for row in trades)
        assert found["titan_last_price", symbol].words[0] == (trades[-1][2] if trades else 0)


def test_each_symbol_s_trades_are_judged_by_its_own_grid(blocks: Blocks) -> None:
    counters = titan_counters.titan_counters(blocks["titan"], INSTRUMENTS)
    rows = [(EVENT_TRADE, 0, 500_001, 1_000, 0), (EVENT_TRADE, 1, 500_001, 1_000, 0)]
    titan_counters.count_events(counters, events_of(rows))

    found = by_series(blocks, "titan")
    first = {symbol: next(bound for bound, count in found["titan_execution_price", symbol]
             .cumulative_buckets if count) for symbol in SYMBOLS}  # fmt: skip
    assert first == {"BTCUSDT": 100_000, "ETHUSDT": 10_000}
    assert found["titan_execution_quantity", "ETHUSDT"].sum == 10


def test_the_touch_sets_bid_ask_and_spread_and_an_empty_side_takes_them_away(
    blocks: Blocks,
) -> None:
    counters = titan_counters.titan_counters(blocks["titan"], INSTRUMENTS)
    events = events_of([(EVENT_TOUCH, 0, 1_000, 3, 0)])
    titan_counters.count_events(counters, events)
    found = by_series(blocks, "titan")

    assert found["titan_best_bid", "BTCUSDT"].value == 100
    assert found["titan_best_ask", "BTCUSDT"].value == 100.5
    assert found["titan_spread", "BTCUSDT"].value == 0.5
    assert found["titan_spread", "ETHUSDT"].is_absent

    events["qty"] = 0
    titan_counters.count_events(counters, events)
    found = by_series(blocks, "titan")
    assert found["titan_best_bid", "BTCUSDT"].is_absent
    assert found["titan_best_ask", "BTCUSDT"].value == 100.5
    assert found["titan_spread", "BTCUSDT"].is_absent


def test_commands_are_counted_by_operation_and_a_batch_by_its_mean(blocks: Blocks) -> None:
    counters = titan_counters.titan_counters(blocks["titan"], INSTRUMENTS)
    commands = new_commands(5)
    commands["op"] = [OP_PLACE, OP_PLACE, OP_CANCEL, OP_PLACE, 255]
    titan_counters.count_commands(counters, commands)
    titan_counters.count_batch(counters, 5, 1_250, 40_000, 17)
    titan_counters.count_batch(counters, 0, 9, 9, 9)
    found = by_series(blocks, "titan")

    counted = {op: found["titan_commands_processed", op].value for op in OP_NAMES.values()}
    assert {op: count for op, count in counted.items() if count} == {"place": 3, "cancel": 1}
    assert found["titan_process_time_micros",].cumulative_buckets[0] == (0.25, 5)
    assert (found["titan_latency_seconds",].count, found["titan_latency_seconds",].sum) == (1, 4e-5)
    assert found["titan_open_orders",].value == 17


def risks_of(rows: list[tuple[int, int, int]]) -> Risks:
    risks = np.zeros(len(rows), RISK)
    for number, (risk, (kind, symbol, amount)) in enumerate(zip(risks, rows, strict=True)):
        risk["kind"], risk["symbol"], risk["amount"], risk["seq"] = kind, symbol, amount, number
        risk["collateral"] = 7 * MONEY_SCALE
    return risks


def test_sentinel_s_decisions_are_counted(blocks: Blocks) -> None:
    counters = sentinel_counters.sentinel_counters(blocks["sentinel"], INSTRUMENTS)
    risks = risks_of(
        [(RISK_LIQUIDATION, 0, 3 * MONEY_SCALE), (RISK_LIQUIDATION, 1, 0), (RISK_POSITION, 0, 9),
         (RISK_DELEVERAGE, 1, 1), (RISK_LIQUIDATION, 99, 1), (RISK_INSURANCE_FUND, 0, 1)]
    )  # fmt: skip
    assert sentinel_counters.count_risks(counters, risks) == 2
    sentinel_counters.count_events(counters, events_of([(EVENT_PRICE, 1, 312_345, 0, 0)]))
    sentinel_counters.count_batch(counters, 3, 3_000, 50_000)
    found = by_series(blocks, "sentinel")

    assert [found["sentinel_liquidations", each].value for each in SYMBOLS] == [1, 1]
    assert found["sentinel_liquidation_loss_usd", "BTCUSDT"].sum == 3
    assert found["sentinel_liquidation_loss_usd", "ETHUSDT"].cumulative_buckets[0] == (1, 1)
    assert [found["sentinel_deleveragings", each].value for each in SYMBOLS] == [0, 1]
    assert found["sentinel_insurance_fund_usd",].value == 7
    assert found["sentinel_mark_price", "ETHUSDT"].value == 3123.45
    assert found["sentinel_mark_price", "BTCUSDT"].is_absent
    assert found["sentinel_process_time_micros",].count == 3


def test_totals_go_where_their_names_say(blocks: Blocks) -> None:
    counters = sentinel_counters.sentinel_counters(blocks["sentinel"], INSTRUMENTS)
    money = 5 * MONEY_SCALE
    totals = Totals(
        accounts=9, positions=4, accounts_at_risk=2, orders_in_flight=1,
        collateral=money, insurance_fund=2 * money, bad_debt=3 * money,
    )  # fmt: skip
    sentinel_counters.put_totals(counters, totals)
    found = by_series(blocks, "sentinel")

    values = {
        "sentinel_accounts_total": 9, "sentinel_open_positions": 4, "sentinel_accounts_at_risk": 2,
        "sentinel_liquidation_orders_in_flight": 1, "sentinel_collateral_usd": 5,
        "sentinel_insurance_fund_usd": 10, "sentinel_bad_debt_usd": 15,
    }  # fmt: skip
    assert {name: found[name,].value for name in values} == values


def test_the_newest_liquidations_are_kept_in_order(platform: Platform) -> None:
    recent = sentinel_counters.RecentLiquidations(platform.liquidations)
    recent.add(risks_of([(RISK_POSITION, 0, 1)]))
    assert platform.liquidations.publication() == 0

    recent.add(
        risks_of([(RISK_LIQUIDATION, 0, 1), (RISK_POSITION, 0, 2), (RISK_LIQUIDATION, 1, 3)])
    )
    assert platform.liquidations.copy()["amount"].tolist() == [1, 3]

    recent.add(risks_of([(RISK_LIQUIDATION, 0, amount) for amount in range(150)]))
    assert platform.liquidations.copy()["amount"].tolist() == list(range(50, 150))


def test_a_commit_is_counted_by_stream(blocks: Blocks) -> None:
    counters = OracleCounters(blocks["oracle"])
    counters.committed({"commands": 10, "events": 30, "risk": 2}, 4_032, 3_000_000)
    counters.durable("commands", 10)
    counters.command_durable(5_000_000)
    counters.journal_size(1 << 20)
    found = by_series(blocks, "oracle")

    assert [found["oracle_events_written", kind].value for kind in STREAMS] == [10, 30, 2]
    assert [found["oracle_durable_sequence", kind].value for kind in STREAMS] == [10, 0, 0]
    assert found["oracle_bytes_written",].value == 4_032
    assert found["oracle_journal_bytes",].value == 1 << 20
    assert (found["oracle_batch_size",].sum, found["oracle_commit_seconds",].sum) == (42, 0.003)
    assert found["oracle_latency_seconds",].sum == 0.005
