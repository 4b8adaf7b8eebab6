"""What Sentinel counts, from the events that it took and the records that it published."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.instruments import InstrumentTable
from components.messages.code import EVENT_PRICE, RISK_DELEVERAGE, RISK_LIQUIDATION
from components.messages.risk import RISK
from components.sentinel.account_view import Totals
from disruptor.compiled import entry
from disruptor.memory.counters import CounterBlock, add, observe, observe_many, put

Words = NDArray[np.int64]

RECENT_LIQUIDATIONS = 64


class SentinelCounters(NamedTuple):
    """Sentinel's words, where each series begins, and the newest liquidations."""

    words: Words
    liquidations: Words  # by symbol, as are the next two
    losses: Words
    loss_bounds: Words  # shape (bounds,)
    deleveragings: Words
    mark_price: Words
    process_time: int
    process_time_bounds: Words
    latency: int
    latency_bounds: Words
    recent: NDArray[Any]  # RISK, the newest liquidation of number n at n % RECENT_LIQUIDATIONS
    recent_count: Words  # shape (1,): liquidations so far in this run


def sentinel_counters(block: CounterBlock, instruments: InstrumentTable) -> SentinelCounters:
    """Look up every series of Sentinel's block."""
    symbols = list(instruments)
    return SentinelCounters(
        words=block.words,
        liquidations=block.offsets("sentinel_liquidations", symbol=symbols),
        losses=block.offsets("sentinel_liquidation_loss_usd", symbol=symbols),
        loss_bounds=block.bounds("sentinel_liquidation_loss_usd", symbol=symbols[0]),
        deleveragings=block.offsets("sentinel_deleveragings", symbol=symbols),
        mark_price=block.offsets("sentinel_mark_price", symbol=symbols),
        process_time=block.offset("sentinel_process_time_micros"),
        process_time_bounds=block.bounds("sentinel_process_time_micros"),
        latency=block.offset("sentinel_latency_seconds"),
        latency_bounds=block.bounds("sentinel_latency_seconds"),
        recent=np.zeros(RECENT_LIQUIDATIONS, RISK),
        recent_count=np.zeros(1, np.int64),
    )


def put_totals(block: CounterBlock, totals: Totals) -> None:
    """Publish the sums over all accounts; some times a second."""
    values = {
        "sentinel_accounts_total": totals.accounts,
        "sentinel_accounts_at_risk": totals.accounts_at_risk,
        "sentinel_open_positions": totals.positions,
        "sentinel_liquidation_orders_in_flight": totals.orders_in_flight,
        "sentinel_collateral_usd": totals.collateral,
        "sentinel_insurance_fund_usd": totals.insurance_fund,
        "sentinel_bad_debt_usd": totals.bad_debt,
    }
    for metric, value in values.items():
        put(block.words, block.offset(metric), value)


def newest_liquidations(counters: SentinelCounters) -> NDArray[Any]:
    """The newest liquidations, oldest first; at most RECENT_LIQUIDATIONS."""
    count = int(counters.recent_count[0])
    numbers = np.arange(max(0, count - RECENT_LIQUIDATIONS), count) % RECENT_LIQUIDATIONS
    newest: NDArray[Any] = counters.recent[numbers]
    return newest


@entry
def count_risk(counters: SentinelCounters, risk: Any) -> None:
    """Count one published record."""
    words = counters.words
    if risk["kind"] == RISK_LIQUIDATION:
        symbol = risk["symbol"]
        add(words, counters.liquidations[symbol], 1)
        observe(words, counters.losses[symbol], counters.loss_bounds, risk["amount"])
        counters.recent[counters.recent_count[0] % RECENT_LIQUIDATIONS] = risk
        counters.recent_count[0] += 1
    elif risk["kind"] == RISK_DELEVERAGE:
        add(words, counters.deleveragings[risk["symbol"]], 1)


@entry
def count_batch(
    counters: SentinelCounters,
    events: Any,
    count: int,
    started_ns: int,
    ended_ns: int,
    wall_clock_ns: int,
) -> None:
    """Count the first ``count`` of ``events``, applied together between two monotonic times."""
    words = counters.words
    for number in range(count):
        event = events[number]
        if event["kind"] == EVENT_PRICE and event["symbol"] < counters.mark_price.size:
            put(words, counters.mark_price[event["symbol"]], event["price"])
    each = (ended_ns - started_ns) // count
    observe_many(words, counters.process_time, counters.process_time_bounds, each, count)
    latency = wall_clock_ns - events[count - 1]["ts"]
    observe_many(words, counters.latency, counters.latency_bounds, max(latency, 0), count)
