"""What Sentinel decided, counted from its events and risk records after each batch.

The engine knows nothing of metrics, as Titan's does not; its totals come from the account view.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from components.instruments import InstrumentTable
from components.messages.code import (
    EVENT_PRICE,
    RISK_DELEVERAGE,
    RISK_INSURANCE_FUND,
    RISK_LIQUIDATION,
)
from components.messages.event import Events
from components.messages.risk import RISK, Risks
from components.sentinel.account_view import Totals
from disruptor.compiled import compiled
from disruptor.memory.counters import CounterBlock, Words, observe, observe_many, put
from disruptor.memory.snapshot_table import SnapshotTable

RECENT_MAX: Final = 100
"""Liquidations that the table of the newest ones keeps."""

_TOTALS: Final = (
    "sentinel_accounts_total",
    "sentinel_open_positions",
    "sentinel_accounts_at_risk",
    "sentinel_liquidation_orders_in_flight",
    "sentinel_collateral_usd",
    "sentinel_insurance_fund_usd",
    "sentinel_bad_debt_usd",
)
assert len(_TOTALS) == len(Totals._fields)


class SentinelCounters(NamedTuple):
    """First words of Sentinel's series; shape (symbols,) unless said otherwise."""

    words: Words
    marks: Words
    liquidations: Words
    losses: Words
    loss_bounds: Words  # shape (bounds,)
    deleveragings: Words
    totals: Words  # shape (7,), in the order of ``Totals``
    insurance_fund: Words  # shape (1,)
    process_time: Words  # shape (1,)
    process_time_bounds: Words  # shape (bounds,)
    latency: Words  # shape (1,)
    latency_bounds: Words  # shape (bounds,)


def sentinel_counters(block: CounterBlock, instruments: InstrumentTable) -> SentinelCounters:
    """Where everything lies in Sentinel's block; there must be at least one instrument."""
    symbols = list(instruments)
    loss = "sentinel_liquidation_loss_usd"
    return SentinelCounters(
        words=block.words,
        marks=block.offsets("sentinel_mark_price", symbol=symbols),
        liquidations=block.offsets("sentinel_liquidations", symbol=symbols),
        losses=block.offsets(loss, symbol=symbols),
        loss_bounds=block.bounds(loss, symbol=symbols[0]),
        deleveragings=block.offsets("sentinel_deleveragings", symbol=symbols),
        totals=np.array([block.offset(name) for name in _TOTALS], np.int64),
        insurance_fund=block.offsets("sentinel_insurance_fund_usd").reshape(1),
        process_time=block.offsets("sentinel_process_time_micros").reshape(1),
        process_time_bounds=block.bounds("sentinel_process_time_micros"),
        latency=block.offsets("sentinel_latency_seconds").reshape(1),
        latency_bounds=block.bounds("sentinel_latency_seconds"),
    )


@compiled
def count_events(counters: SentinelCounters, events: Events) -> None:
    """Keep the marks of a batch of events."""
    for event in events:
        if event["kind"] == EVENT_PRICE and event["symbol"] < len(counters.marks):
            counters.words[counters.marks[event["symbol"]]] = event["price"]


@compiled
def count_risks(counters: SentinelCounters, risks: Risks) -> int:
    """Count a batch of risk records; how many of them are liquidations."""
    words = counters.words
    liquidations = 0
    for risk in risks:
        kind = risk["kind"]
        symbol = np.int64(risk["symbol"])
        if kind == RISK_INSURANCE_FUND:
            words[counters.insurance_fund[0]] = risk["collateral"]
        elif symbol < len(counters.liquidations):
            if kind == RISK_LIQUIDATION:
                liquidations += 1
                words[counters.liquidations[symbol]] += 1
                observe(words, counters.losses[symbol], counters.loss_bounds, risk["amount"])
            elif kind == RISK_DELEVERAGE:
                words[counters.deleveragings[symbol]] += 1
    return liquidations


@compiled
def count_batch(counters: SentinelCounters, count: int, elapsed_ns: int, latency_ns: int) -> None:
    """A batch of ``count`` events took ``elapsed_ns``; its last was stamped ``latency_ns`` ago."""
    if count <= 0:
        return
    times, bounds = counters.process_time[0], counters.process_time_bounds
    observe_many(counters.words, times, bounds, elapsed_ns // count, count)
    observe(counters.words, counters.latency[0], counters.latency_bounds, latency_ns)


def put_totals(counters: SentinelCounters, totals: Totals) -> None:
    """Show these totals; some times a second is often enough."""
    for offset, total in zip(counters.totals, totals, strict=True):
        put(counters.words, offset, int(total))


class RecentLiquidations:
    """Keeps the newest liquidations and publishes them, oldest first; Sentinel's alone."""

    def __init__(self, table: SnapshotTable) -> None:
        self._table = table
        self._newest: Risks = np.zeros(0, RISK)

    def add(self, risks: Risks) -> None:
        """Publish the liquidations among ``risks`` with those before them, if there are any."""
        found = risks[risks["kind"] == RISK_LIQUIDATION]
        if len(found):
            kept = min(RECENT_MAX, self._table.capacity)
            self._newest = np.concatenate([self._newest, found])[-kept:]
            self._table.publish(self._newest)
