"""One moment of the platform in plain values, for whoever shows it: terminal, JSON, web.

Two looks make a rate.  Everything is read through ``PlatformView``; nothing here formats.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from numpy.typing import NDArray

from components.messages.code import SIDE_NAMES
from components.monitor.account_sample import worst
from components.monitor.market import BookState, Grid, PositionState, books, grids, positions
from components.monitor.platform_view import PlatformView
from components.monitor.process_usage import ProcessUsage
from components.monitor.readings import merged, since
from components.units import MONEY_SCALE, PPM
from disruptor.memory.counters import COUNTER, HISTOGRAM, Reading

ACCOUNTS_SHOWN: Final = 50
LIQUIDATIONS_SHOWN: Final = 50


@dataclass(frozen=True)
class ProcessState:
    """One process; ``cpu`` is a fraction of one CPU since the look before."""

    name: str
    state: str
    pid: int
    restarts: int
    cpu: float | None
    resident_bytes: int | None


@dataclass(frozen=True)
class ConsumerState:
    """Where one consumer of a ring is."""

    name: str
    sequence: int
    lag: int


@dataclass(frozen=True)
class RingState:
    """One ring; ``per_second`` is the rate of publishing."""

    name: str
    capacity: int
    cursor: int
    remaining_capacity: int
    stalls: int
    per_second: float | None
    consumers: tuple[ConsumerState, ...]


@dataclass(frozen=True)
class SymbolState:
    """One symbol's market; None where there is no such price now."""

    symbol: str
    last: float | None
    bid: float | None
    ask: float | None
    spread: float | None
    trades: int
    updates: int
    trades_per_second: float | None
    updates_per_second: float | None


@dataclass(frozen=True)
class AccountState:
    """One account, in the quote currency."""

    account: int
    margin_ratio: float
    collateral: float
    equity: float
    maintenance: float
    at_risk: bool
    in_liquidation: bool


@dataclass(frozen=True)
class LiquidationState:
    """One liquidation, in the symbol's units."""

    sequence: int
    ts: int
    account: int
    symbol: str
    side: str
    qty: float
    price: float
    loss: float


@dataclass(frozen=True)
class Latency:
    """Quantiles since the look before, or since the start while nothing came since: upper bounds of
    their buckets, in seconds.  ``count`` is since the start."""

    name: str
    count: int
    p50: float | None
    p99: float | None
    p999: float | None


@dataclass(frozen=True)
class LiveState:
    """Everything that a view shows."""

    platform: str
    at_ns: int
    processes: tuple[ProcessState, ...]
    rings: tuple[RingState, ...]
    symbols: tuple[SymbolState, ...]
    accounts: tuple[AccountState, ...]
    positions: tuple[PositionState, ...]  # of those nearest to liquidation
    books: tuple[BookState, ...]
    liquidations: tuple[LiquidationState, ...]
    latencies: tuple[Latency, ...]
    totals: Mapping[str, float]  # counters and gauges without labels, and sums over labels
    per_second: Mapping[str, float]  # of the counters among them
    durable: Mapping[str, int]  # newest durable sequence of each stream
    cpu_seconds: Mapping[str, float]
    histograms: Mapping[str, Reading]  # those of the latencies, for the next look


_LATENCIES: Final = (
    ("titan", "titan_process_time_micros", 1e-6),
    ("sentinel", "sentinel_process_time_micros", 1e-6),
    ("→titan", "titan_latency_seconds", 1.0),
    ("→sentinel", "sentinel_latency_seconds", 1.0),
    ("→durable", "oracle_latency_seconds", 1.0),
    ("commit", "oracle_commit_seconds", 1.0),
)
_LATENCY_METRICS: Final = frozenset(metric for _, metric, _ in _LATENCIES)
_USAGE: Final = ProcessUsage()


def look(
    view: PlatformView, platform: str, at_ns: int, before: LiveState | None = None
) -> LiveState:
    """The platform at ``at_ns``, a monotonic time; rates are since ``before``."""
    readings = merged(view.counters())
    seconds = (at_ns - before.at_ns) / 1e9 if before else 0.0
    totals = _totals(readings)
    counted = {each.spec.name for each in readings if each.spec.kind == COUNTER}
    known = grids(readings)
    usage = {each.name: _USAGE.of(each.pid) for each in view.processes() if each.pid}
    cpu_seconds = {name: used.cpu_seconds for name, used in usage.items() if used}
    histograms = {each.spec.name: each for each in readings if each.spec.name in _LATENCY_METRICS}
    cpu_before = before.cpu_seconds if before else {}
    totals_before = before.totals if before else {}
    return LiveState(
        platform=platform,
        at_ns=at_ns,
        processes=tuple(
            ProcessState(
                each.name,
                each.state,
                each.pid,
                each.restarts,
                _rate(cpu_seconds.get(each.name), cpu_before.get(each.name), seconds),
                used.resident_bytes if (used := usage.get(each.name)) else None,
            )
            for each in view.processes()
        ),
        rings=_rings(view, before, seconds),
        symbols=_symbols(readings, before, seconds),
        accounts=_accounts(view.accounts()),
        positions=positions(view.exposures(), known),
        books=books(view.depth(), known),
        liquidations=_liquidations(view.liquidations(), known),
        latencies=_latencies(histograms, before.histograms if before else {}),
        totals=totals,
        per_second={
            name: rate
            for name in sorted(counted)
            if (rate := _rate(totals[name], totals_before.get(name), seconds)) is not None
        },
        durable={
            dict(each.spec.labels)["kind"]: each.words[0]
            for each in readings
            if each.spec.name == "oracle_durable_sequence"
        },
        cpu_seconds=cpu_seconds,
        histograms=histograms,
    )


def told(state: LiveState) -> dict[str, Any]:
    """The fields that are for whoever is shown the state, not for the next look."""
    return {
        each.name: getattr(state, each.name) for each in fields(state) if each.name != "histograms"
    }


def _rate(now: float | None, before: float | None, seconds: float) -> float | None:
    if now is None or before is None or seconds <= 0:
        return None
    return max(0.0, now - before) / seconds


def _totals(readings: Iterable[Reading]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for each in readings:
        if each.spec.kind != HISTOGRAM and not each.is_absent:
            totals[each.spec.name] = totals.get(each.spec.name, 0.0) + each.value
    return totals


def _rings(view: PlatformView, before: LiveState | None, seconds: float) -> tuple[RingState, ...]:
    cursors = {ring.name: ring.cursor for ring in before.rings} if before else {}
    return tuple(
        RingState(
            ring.name,
            ring.capacity,
            ring.cursor,
            ring.remaining_capacity,
            ring.stalls,
            _rate(ring.cursor, cursors.get(ring.name), seconds),
            tuple(
                ConsumerState(each.name, each.sequence, max(0, ring.cursor - each.sequence))
                for each in ring.consumers
            ),
        )
        for ring in view.rings()
    )


def _by_symbol(readings: Iterable[Reading], metric: str) -> dict[str, Reading]:
    return {dict(each.spec.labels)["symbol"]: each for each in readings if each.spec.name == metric}


def _symbols(
    readings: Sequence[Reading], before: LiveState | None, seconds: float
) -> tuple[SymbolState, ...]:
    gauges = {
        name: _by_symbol(readings, f"titan_{name}")
        for name in ("last_price", "best_bid", "best_ask", "spread")
    }
    trades = _by_symbol(readings, "titan_executions")
    updates = _by_symbol(readings, "price_feed_updates")
    earlier = {each.symbol: each for each in before.symbols} if before else {}

    def gauge(name: str, symbol: str) -> float | None:
        reading = gauges[name].get(symbol)
        return None if reading is None or reading.is_absent else reading.value

    states = []
    for symbol in trades:
        trade_count = int(trades[symbol].value)
        update_count = int(updates[symbol].value) if symbol in updates else 0
        then = earlier.get(symbol)
        states.append(
            SymbolState(
                symbol,
                gauge("last_price", symbol),
                gauge("best_bid", symbol),
                gauge("best_ask", symbol),
                gauge("spread", symbol),
                trade_count,
                update_count,
                _rate(trade_count, then.trades if then else None, seconds),
                _rate(update_count, then.updates if then else None, seconds),
            )
        )
    return tuple(states)


def _accounts(views: NDArray[Any]) -> tuple[AccountState, ...]:
    if not len(views):
        return ()
    exposed = views[views["positions"] > 0]
    return tuple(
        AccountState(
            int(row["account"]),
            int(row["margin_ratio_ppm"]) / PPM,
            int(row["collateral"]) / MONEY_SCALE,
            int(row["equity"]) / MONEY_SCALE,
            int(row["maintenance"]) / MONEY_SCALE,
            bool(row["at_risk"]),
            bool(row["in_liquidation"]),
        )
        for row in exposed[worst(exposed["margin_ratio_ppm"], ACCOUNTS_SHOWN)]
    )


def _liquidations(records: NDArray[Any], known: Sequence[Grid]) -> tuple[LiquidationState, ...]:
    """The newest first."""
    return tuple(
        LiquidationState(
            int(row["seq"]),
            int(row["ts"]),
            int(row["account"]),
            known[int(row["symbol"])].symbol,
            SIDE_NAMES.get(int(row["side"]), "?"),
            known[int(row["symbol"])].qty(row["qty"]),
            known[int(row["symbol"])].price(row["price"]),
            int(row["amount"]) / MONEY_SCALE,
        )
        for row in records[::-1][:LIQUIDATIONS_SHOWN]
        if row["symbol"] < len(known)
    )


def _latencies(
    histograms: Mapping[str, Reading], before: Mapping[str, Reading]
) -> tuple[Latency, ...]:
    def seconds(value: float, unit: float) -> float | None:
        return value * unit if math.isfinite(value) else None

    shown = []
    for name, metric, unit in _LATENCIES:
        if metric in histograms:
            recent = since(histograms[metric], before.get(metric))
            quantiles = (seconds(recent.quantile(each), unit) for each in (0.5, 0.99, 0.999))
            shown.append(Latency(name, histograms[metric].count, *quantiles))
    return tuple(shown)
