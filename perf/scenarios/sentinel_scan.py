"""What a price costs Sentinel: a look at two heaps while no wallet's band is reached.

::

    price ──► is a band reached? ──no──► done                         the cost of a price update
                    └──yes──► measure, rank, judge, order             the cost of an account that falls
    in doubt: measure every wallet of the table                       the rate of a full scan

Each account holds one position in each of one or three symbols; prices move a little, so that nothing
fires; cross, then isolated.  In a last variant one price liquidates every account.  One peer does the full
scan's arithmetic in plain numpy, whole columns at a time: gathers and scatters by row, ``where`` for the
tiers.  Its sums are compared with the engine's before anything is timed.  The other is nautilus_trader's
account model, which values positions one by one, with one flat rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    EVENT_DEPOSIT,
    EVENT_INSTRUMENT,
    EVENT_LEVERAGE,
    EVENT_MARGIN_TIER,
    EVENT_POSITION,
    EVENT_PRICE,
    EVENT_RISK_RULE,
    MARGIN_ISOLATED,
)
from components.messages.event import EVENT, Events
from components.sentinel.account_view import ACCOUNT_VIEW, fill_account_view
from components.sentinel.engine import (
    SentinelOutbox,
    SentinelState,
    apply_batch,
    new_outbox,
    new_state,
    outbox_bound,
)
from components.sentinel.engine.full_scan import touched_wallets
from components.units import PPM
from perf.harness.measurement import Measurement, Options
from perf.peers.nautilus_account import nautilus_scan

SCENARIO: Final = "sentinel_scan"
ACCOUNTS: Final = (100, 10_000, 100_000, 1_000_000)
PRICES_A_RUN: Final = 200_000
POSITIONS_A_RUN: Final = 20_000_000
MONEY_UNIT: Final = 1_000
ENTRY: Final = 5_000_000
TIERS: Final = ((0, 4_000), (50_000 * 10**8, 5_000), (250_000 * 10**8, 10_000))
TARGET: Final = "≥ 50 M positions/s"
AT_RISK_PPM: Final = 800_000


def run(options: Options) -> list[Measurement]:
    """Prices and scans by number of accounts, one and three symbols, then liquidations."""
    results: list[Measurement] = []
    for accounts in ACCOUNTS[: 3 if options.quick else None]:
        for symbols in (1, 3):
            results += _measure_prices(accounts, symbols, options)
        results += _measure_isolated(accounts, options)
    if options.peers:
        results += nautilus_scan(SCENARIO, options)
    results += _measure_liquidations(10_000, options)
    return results


def _measure_prices(accounts: int, symbols: int, options: Options) -> list[Measurement]:
    state = populated(accounts, symbols, deposit=100_000)
    prices = prices_around(PRICES_A_RUN // (10 if options.quick else 1), symbols)
    update = engine_of(state)
    update(prices)
    subjects: dict[str, Callable[[], None]] = {"": lambda: _scan(state)}
    if options.peers:
        peer = NumpyScan(state, symbols)
        last = prices[-symbols:]
        peer.scan(last)
        peer.compare(state)
        subjects["numpy"] = lambda: peer.scan(last)
    costs, rates = [], {name: [] for name in subjects}  # type: tuple[list[float], dict[str, list[float]]]
    repeats = max(POSITIONS_A_RUN // (10 if options.quick else 1) // (accounts * symbols), 3)
    for _ in range(options.runs):
        costs.append(_seconds(lambda: update(prices)) / len(prices) * 1e6)
        for name, scan in subjects.items():
            took = _seconds(lambda scan=scan: [scan() for _ in range(repeats)])  # type: ignore[misc]
            rates[name].append(accounts * symbols * repeats / took / 1e6)
    variant = f"{accounts:,} accounts, {symbols} position{'s' if symbols > 1 else ''} each"
    found = [Measurement(SCENARIO, variant, "price update", "µs", tuple(costs), "≤ 1 µs")]
    if symbols == 1:
        found[0].details.update(axis="accounts", size=accounts)
    return found + [
        Measurement(
            SCENARIO,
            variant,
            "full scan",
            "M positions/s",
            tuple(each),
            "" if name else TARGET,
            name,
        )
        for name, each in rates.items()
    ]


def _measure_isolated(accounts: int, options: Options) -> list[Measurement]:
    """One isolated position an account, and what an account takes of memory."""
    state = populated(accounts, 1, deposit=100_000, isolated=True)
    prices = prices_around(PRICES_A_RUN // (10 if options.quick else 1), 1)
    update = engine_of(state)
    update(prices)
    costs = [_seconds(lambda: update(prices)) / len(prices) * 1e6 for _ in range(options.runs)]
    variant = f"{accounts:,} accounts, 1 isolated position each"
    return [
        Measurement(SCENARIO, variant, "price update", "µs", tuple(costs), "≤ 1 µs"),
        Measurement(SCENARIO, variant, "memory", "bytes/account", (_used_bytes(state) / accounts,)),
    ]


def _used_bytes(state: SentinelState) -> int:
    """Of the records in use, if all accounts were reached at once; the rest is never touched."""
    summary = state.summary[0]
    wallet = state.accounts.itemsize + state.candidates.itemsize
    slot = state.positions.itemsize + 2 * state.triggers.itemsize
    index = (int(summary["index_mask"]) + 1) * state.account_index.itemsize
    return index + int(summary["account_count"]) * wallet + int(summary["slot_count"]) * slot


def _scan(state: SentinelState) -> None:
    assert not touched_wallets(state).size


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _measure_liquidations(accounts: int, options: Options) -> list[Measurement]:
    """All accounts fall at one price: ranked, paid by the fund, reported, ordered."""
    price = prices_around(1, 1)
    price["price"] = ENTRY * 8 // 10
    fund = np.zeros(1, EVENT)
    fund["kind"], fund["qty"], fund["maker_account"] = EVENT_RISK_RULE, 800_000, 10**17
    costs = []
    for _ in range(options.runs):
        state = populated(accounts, 1, deposit=5_000)
        outbox = new_outbox(outbox_bound(state), outbox_bound(state))
        apply_batch(state, fund, 0, outbox)
        outbox.risk_count[0] = 0
        started = time.perf_counter()
        apply_batch(state, price, 0, outbox)
        costs.append((time.perf_counter() - started) / accounts * 1e6)
        assert outbox.order_count[0] == 2 * accounts  # a mass cancel and a closing order each
    variant = f"{accounts:,} accounts fall at one price"
    target = "≤ 2 µs"
    return [Measurement(SCENARIO, variant, "liquidation", "µs/account", tuple(costs), target)]


def populated(
    accounts: int, symbols: int, deposit: int, *, isolated: bool = False
) -> SentinelState:
    """Accounts with ``deposit`` each and one position in each symbol, of varied size and side."""
    wallets = accounts * (1 + symbols) if isolated else accounts
    state = new_state(wallets, symbols, accounts * symbols)
    chosen = accounts * symbols if isolated else 0
    events = np.zeros(symbols * (1 + len(TIERS)) + accounts * (1 + symbols) + chosen, EVENT)
    place = 0
    for symbol in range(symbols):
        first = events[place]
        first["kind"], first["symbol"] = EVENT_INSTRUMENT, symbol
        first["maker_account"], first["leverage"] = MONEY_UNIT, 100
        for index, (floor, ppm) in enumerate(TIERS):
            tier = events[place + 1 + index]
            tier["kind"], tier["symbol"] = EVENT_MARGIN_TIER, symbol
            tier["order_id"], tier["price"], tier["qty"] = index, floor, ppm
        place += 1 + len(TIERS)
    ids = np.arange(1, accounts + 1)
    deposits = events[place : place + accounts]
    deposits["kind"], deposits["account"], deposits["price"] = EVENT_DEPOSIT, ids, deposit * 10**8
    place += accounts
    for symbol in range(symbols if isolated else 0):
        choices = events[place : place + accounts]
        choices["kind"], choices["symbol"], choices["account"] = EVENT_LEVERAGE, symbol, ids
        choices["leverage"], choices["side"] = 10, MARGIN_ISOLATED
        place += accounts
    for symbol in range(symbols):
        positions = events[place : place + accounts]
        positions["kind"], positions["symbol"], positions["account"] = EVENT_POSITION, symbol, ids
        positions["qty"], positions["price"] = 500 + 10 * (ids % 50), ENTRY
        positions["side"] = 0 if deposit < 10_000 else (ids + symbol) % 2
        place += accounts
    _drain(state, events, new_outbox(outbox_bound(state) + 4 * len(events), 64 + 4 * len(events)))
    assert state.summary[0]["position_count"] == accounts * symbols
    return state


def prices_around(count: int, symbols: int) -> Events:
    """Prices that reach nobody's band, whose deposit is not small."""
    prices = np.zeros(count, EVENT)
    prices["kind"] = EVENT_PRICE
    prices["symbol"] = np.arange(count) % symbols
    prices["price"] = ENTRY + np.random.default_rng(1).integers(-1_000, 1_000, count)
    return prices


def _drain(state: SentinelState, events: Events, outbox: SentinelOutbox) -> None:
    place = 0
    while place < events.size:
        outbox.risk_count[0] = outbox.order_count[0] = 0
        place = apply_batch(state, events, place, outbox)


def engine_of(state: SentinelState) -> Callable[[Events], None]:
    """Applies events to it, and drops what follows."""
    outbox = new_outbox(outbox_bound(state), outbox_bound(state))
    return lambda events: _drain(state, events, outbox)


class NumpyScan:
    """The same scan over columns, with sums of its own beside the engine's."""

    def __init__(self, state: SentinelState, symbols: int) -> None:
        count = int(state.summary[0]["account_count"])
        held = state.positions[state.positions["qty"] != 0]
        columns = [held[held["symbol"] == symbol] for symbol in range(symbols)]
        self.qty = [each["qty"].copy() for each in columns]
        self.entry = [each["entry_value"].copy() for each in columns]
        self.rows = [each["row"].astype(np.int64) for each in columns]
        self.unrealised = [np.zeros(len(each), np.int64) for each in columns]
        self.maintenance = [np.zeros(len(each), np.int64) for each in columns]
        self.collateral = state.accounts["collateral"][:count].copy()
        self.profit_sums = np.zeros(count, np.int64)
        self.margin_sums = np.zeros(count, np.int64)

    def scan(self, prices: Events) -> None:
        """Value, carry, judge, at each price."""
        for symbol, price in zip(prices["symbol"], prices["price"], strict=True):
            value = self.qty[symbol] * (price * MONEY_UNIT)
            profit = value - self.entry[symbol]
            margin = _margins(np.abs(value))
            rows = self.rows[symbol]
            self.profit_sums[rows] += profit - self.unrealised[symbol]
            self.margin_sums[rows] += margin - self.maintenance[symbol]
            self.unrealised[symbol], self.maintenance[symbol] = profit, margin
            equity = self.collateral + self.profit_sums
            limit = equity // PPM * AT_RISK_PPM + equity % PPM * AT_RISK_PPM // PPM
            touched = (equity < self.margin_sums) | (self.margin_sums > limit)
            assert not touched.any()

    def compare(self, state: SentinelState) -> None:
        """AssertionError unless the engine's sums are these."""
        rows = np.zeros(len(self.collateral), ACCOUNT_VIEW)
        assert fill_account_view(state, rows) == len(rows)
        assert np.array_equal(rows["unrealised"], self.profit_sums)
        assert np.array_equal(rows["maintenance"], self.margin_sums)


def _margins(notional: NDArray[np.int64]) -> NDArray[np.int64]:
    """Maintenance margin of each notional under TIERS; exact while notional × rate fits 63 bits."""
    margin = -(-notional * TIERS[0][1] // PPM)
    deduction = 0
    for (_, below), (floor, ppm) in pairwise(TIERS):
        deduction += floor * (ppm - below)
        margin = np.where(notional > floor, -((deduction - notional * ppm) // PPM), margin)
    return margin
