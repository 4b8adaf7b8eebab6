"""What Titan counts of its own events, against a plain count of the same records."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.messages.code import (
    EVENT_COUNT,
    EVENT_NAMES,
    EVENT_REJECTED,
    EVENT_TOUCH,
    EVENT_TRADE,
    REASON_NAMES,
)
from components.messages.event import EVENT, Events
from components.monitor.catalogue import ORDER_RESULTS
from components.titan.instrumentation import TitanCounters, count_event, titan_counters
from disruptor.memory.counters import CounterBlock, Reading
from tests.components.monitor.conftest import INSTRUMENTS, SYMBOLS

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
        st.integers(0, 3),  # symbol; 2 and 3 are unknown, and never trade
        st.integers(1, 10**7),  # price
        st.integers(1, 10**5),  # qty
        st.integers(0, len(REASON_NAMES) - 1),
    ),
    max_size=60,
).map(lambda rows: [row for row in rows if row[1] < 2 or row[0] not in (EVENT_TRADE, EVENT_TOUCH)])


def events_of(rows: list[tuple[int, int, int, int, int]]) -> Events:
    events = np.zeros(len(rows), EVENT)
    for event, (kind, symbol, price, qty, reason) in zip(events, rows, strict=True):
        event["kind"], event["symbol"], event["reason"] = kind, symbol, reason
        event["price"], event["qty"] = price, qty
        event["maker_account"], event["maker_order_id"] = price + 5, qty
    return events


def count_events(counters: TitanCounters, events: Events) -> None:
    for event in events:
        count_event(counters, event)


@given(event_rows)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
def test_titan_s_events_are_counted_as_a_plain_count_would(
    blocks: Blocks, rows: list[tuple[int, int, int, int, int]]
) -> None:
    blocks["titan"].words[:] = 0
    counters = titan_counters(blocks["titan"], INSTRUMENTS)
    count_events(counters, events_of(rows))
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
    counters = titan_counters(blocks["titan"], INSTRUMENTS)
    rows = [(EVENT_TRADE, 0, 500_001, 1_000, 0), (EVENT_TRADE, 1, 500_001, 1_000, 0)]
    count_events(counters, events_of(rows))

    found = by_series(blocks, "titan")
    first = {symbol: next(bound for bound, count in found["titan_execution_price", symbol]
             .cumulative_buckets if count) for symbol in SYMBOLS}  # fmt: skip
    assert first == {"BTCUSDT": 100_000, "ETHUSDT": 10_000}
    assert found["titan_execution_quantity", "ETHUSDT"].sum == 10


def test_a_symbol_that_was_listed_since_the_start_is_counted_nowhere_else(
    blocks: Blocks,
) -> None:
    blocks["titan"].words[:] = 0
    counters = titan_counters(blocks["titan"], INSTRUMENTS)
    count_events(counters, events_of([(EVENT_TRADE, 2, 5, 1, 0), (EVENT_TOUCH, 3, 5, 1, 0)]))

    assert not blocks["titan"].words.any()


def test_the_touch_sets_bid_ask_and_spread_and_an_empty_side_takes_them_away(
    blocks: Blocks,
) -> None:
    counters = titan_counters(blocks["titan"], INSTRUMENTS)
    events = events_of([(EVENT_TOUCH, 0, 1_000, 3, 0)])
    count_events(counters, events)
    found = by_series(blocks, "titan")

    assert found["titan_best_bid", "BTCUSDT"].value == 100
    assert found["titan_best_ask", "BTCUSDT"].value == 100.5
    assert found["titan_spread", "BTCUSDT"].value == 0.5
    assert found["titan_spread", "ETHUSDT"].is_absent

    events["qty"] = 0
    count_events(counters, events)
    found = by_series(blocks, "titan")
    assert found["titan_best_bid", "BTCUSDT"].is_absent
    assert found["titan_best_ask", "BTCUSDT"].value == 100.5
    assert found["titan_spread", "BTCUSDT"].is_absent
