"""Drives the engine and the plain reference side by side with small, readable steps.

A step is a tuple: its name, then small integers that are mapped onto accounts, symbols, prices
and amounts here, so that Hypothesis shrinks towards the simplest case and a seeded generator can
make millions of them.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np

from components.messages import code
from components.messages.event import EVENT
from components.sentinel.engine import (
    SentinelOutbox,
    SentinelState,
    apply,
    canonical_bytes,
    check_invariants,
    new_outbox,
    new_state,
    outbox_bound,
    restore,
)
from components.sentinel.engine.valuation import measure
from tests.models.reference_risk import ReferenceSentinel

MONEY = 10**8
MAX_ACCOUNTS = 9
LIMITS = {"max_accounts": MAX_ACCOUNTS, "max_symbols": 4, "max_positions": 256}
EXTERNAL = 90

# Money unit, then tiers as (floor, ppm): flat, steep and low, and one with odd remainders.
SYMBOLS: tuple[tuple[int, tuple[tuple[int, int], ...]], ...] = (
    (1_000, ((0, 5_000),)),
    (7, ((0, 4_000), (40_001, 10_000), (90_007, 250_000), (400_003, 500_000))),
    (1, ((0, 0), (33_333, 333_333), (77_777, 999_999))),
)

Step = tuple[Any, ...]


def event(kind: int, seq: int = 0, **fields: int) -> np.void:
    """One EVENT record."""
    record: np.void = np.zeros(1, EVENT)[0]
    record["kind"] = kind
    record["seq"] = seq
    record["ts"] = 1_000 * seq
    for name, value in fields.items():
        record[name] = value
    return record


def set_up(
    symbol: int, unit: int, tiers: tuple[tuple[int, int], ...], leverage: int = 100
) -> list[np.void]:
    """The events that define a symbol."""
    events = [event(code.EVENT_INSTRUMENT, symbol=symbol, maker_account=unit, leverage=leverage)]
    for index, (floor, ppm) in enumerate(tiers):
        fields = {"symbol": symbol, "order_id": index, "price": floor, "qty": ppm}
        events.append(event(code.EVENT_MARGIN_TIER, **fields))
    return events


class Engine:
    """The engine with an outbox of its own; ``risks`` and ``orders`` collect what it said."""

    def __init__(self, state: SentinelState | None = None) -> None:
        self.state = state if state is not None else new_state(**LIMITS)
        self.outbox: SentinelOutbox = new_outbox(16, 16)
        self.risks: list[np.void] = []
        self.orders: list[np.void] = []

    def apply(self, record: np.void) -> None:
        bound = outbox_bound(self.state)
        if bound > self.outbox.risks.size:
            self.outbox = new_outbox(bound, bound)
        self.outbox.risk_count[0] = self.outbox.order_count[0] = 0
        apply(self.state, record, self.outbox)
        self.risks = list(self.outbox.risks[: self.outbox.risk_count[0]].copy())
        self.orders = list(self.outbox.orders[: self.outbox.order_count[0]].copy())


def fields_of(record: np.void) -> dict[str, int]:
    """The record's fields that are not zero."""
    return {name: int(record[name]) for name in record.dtype.names or () if record[name]}


class Driver:
    """Applies steps to both and requires every record, order and balance to agree."""

    def __init__(self, *, thorough: bool = True) -> None:
        self.engine = Engine()
        self.reference = ReferenceSentinel(MAX_ACCOUNTS)
        self.seq = 0
        self.thorough = thorough
        self.in_flight: list[dict[str, int]] = []
        self.digest = hashlib.sha256()
        self.liquidations = 0
        self.deleveragings = 0
        for symbol, (unit, tiers) in enumerate(SYMBOLS):
            for record in set_up(symbol, unit, tiers):
                self.apply(record)
        rule = {"order_id": 3, "price": 12_345, "qty": 800_000, "maker_account": 50_000}
        rule |= {"taker_fee": 900_000, "maker_fee": 1_000_000, "maker_order_id": 300_000}
        self.apply(event(code.EVENT_RISK_RULE, **rule))

    def do(self, step: Step) -> None:
        """Perform one step; AssertionError when the two differ."""
        name, *arguments = step
        if name == "snapshot":
            self.engine.state = restore(canonical_bytes(self.engine.state))
            check_invariants(self.engine.state)
            return
        self.seq += 1
        record = getattr(self, f"_{name}")(*arguments)
        if record is not None:
            record["seq"] = self.seq
            record["ts"] = 1_000 * self.seq
            self.apply(record)

    def apply(self, record: np.void) -> None:
        self.reference.risks.clear()
        self.reference.orders.clear()
        self.engine.apply(record)
        self.reference.apply(record)

        assert self.reference.risks == [fields_of(each) for each in self.engine.risks]
        assert self.reference.orders == [fields_of(each) for each in self.engine.orders]
        self.in_flight += [each for each in self.reference.orders if "order_id" in each]
        self.deleveragings += sum(
            each["op"] == code.OP_DELEVERAGE for each in self.reference.orders
        )
        for each in self.engine.risks:
            self.digest.update(each.tobytes())
            self.liquidations += int(each["kind"] == code.RISK_LIQUIDATION)
        for each in self.engine.orders:
            self.digest.update(each.tobytes())
        if self.thorough:
            self.compare_balances()
            check_invariants(self.engine.state)

    def compare_balances(self) -> None:
        """Every account, in order of opening, and the fund."""
        state, reference = self.engine.state, self.reference
        count = int(state.summary[0]["account_count"])
        measures = [measure(state, row) for row in range(count)]
        found = {
            (
                int(each["account"]),
                int(each["scope"]) - 1,
                int(each["collateral"]),
                measures[row].equity,
                measures[row].maintenance,
                int(each["position_count"]),
                int(each["at_risk"]),
                bool(each["is_liquidated"]),
            )
            for row, each in enumerate(state.accounts[:count])
        }
        expected = {
            (
                each.account,
                -1 if each.isolated_in is None else each.isolated_in,
                each.collateral,
                reference.equity(each),
                reference.maintenance(each),
                len(each.positions),
                each.level,
                each.is_liquidated,
            )
            for each in reference.wallets
        }

        assert expected == found
        assert reference.fund == int(state.summary[0]["fund"])

    # Steps: each gives the event to apply, or None

    def _open(self, account: int) -> np.void:
        return event(code.EVENT_ACCOUNT, account=account)

    def _deposit(self, account: int, amount: int) -> np.void:
        return event(code.EVENT_DEPOSIT, account=account, price=amount)

    def _withdraw(self, account: int, amount: int) -> np.void:
        return event(code.EVENT_WITHDRAW, account=account, price=amount)

    def _position(
        self, account: int, symbol: int, side: int, lots: int, price: int, leverage: int
    ) -> np.void:
        fields = {"account": account, "symbol": symbol, "side": side, "qty": lots}
        return event(code.EVENT_POSITION, price=price, leverage=leverage, **fields)

    def _price(self, symbol: int, price: int, flags: int = 0) -> np.void:
        return event(code.EVENT_PRICE, symbol=symbol, price=price, flags=flags)

    def _funding(self, symbol: int, rate: int) -> np.void:
        return event(code.EVENT_FUNDING, symbol=symbol, price=rate)

    def _leverage(self, account: int, symbol: int, leverage: int, mode: int) -> np.void:
        fields = {"account": account, "symbol": symbol, "leverage": leverage, "side": mode}
        return event(code.EVENT_LEVERAGE, **fields)

    def _margin(self, account: int, symbol: int, amount: int) -> np.void:
        return event(code.EVENT_MARGIN, account=account, symbol=symbol, price=amount)

    def _resume(self) -> np.void:
        return event(code.EVENT_RESUME)

    def _capacity(self, accounts: int) -> np.void:
        fields = {"price": accounts, "maker_account": 4, "qty": 256}
        return event(code.EVENT_RISK_CAPACITY, **fields)

    def _rule(self, first: int, second: int) -> np.void:
        version = 2 if second == 0 else 3
        fields = {"order_id": version, "price": 20_000, "qty": first, "taker_fee": second}
        return event(code.EVENT_RISK_RULE, maker_order_id=300_000, **fields)

    def _tier(self, ppm: int, leverage: int) -> np.void:
        """A rate for large positions in the second symbol, and a cap on their leverage."""
        fields = {"symbol": 1, "order_id": 3, "price": 400_003, "qty": ppm, "leverage": leverage}
        return event(code.EVENT_MARGIN_TIER, **fields)

    def _trade(
        self, taker: int, maker: int, symbol: int, side: int, lots: int, price: int, fee: int
    ) -> np.void:
        fields = {"account": taker, "maker_account": maker, "symbol": symbol, "side": side}
        fields |= {"order_id": 5, "maker_order_id": 6, "taker_fee": fee, "maker_fee": -fee // 3}
        return event(code.EVENT_TRADE, qty=lots, price=price, **fields)

    def _fill(self, which: int, maker: int, lots: int, price: int) -> np.void | None:
        """Some order in flight trades, at most its open lots."""
        if not self.in_flight:
            return None
        order = self.in_flight[which % len(self.in_flight)]
        if order["op"] == code.OP_DELEVERAGE:
            self.in_flight.remove(order)
            fields = {name: order.get(name, 0) for name in ("account", "order_id", "qty", "price")}
            fields |= {"symbol": order.get("symbol", 0), "side": order.get("side", 0)}
            fields |= {"maker_order_id": order["display_qty"], "flags": order["flags"]}
            return event(code.EVENT_DELEVERAGE, **fields)
        lots = min(lots, order["qty"])
        order["qty"] -= lots
        if order["qty"] == 0:
            self.in_flight.remove(order)
        fields = {"account": order["account"], "order_id": order["order_id"]}
        fields |= {"maker_account": maker, "maker_order_id": 6, "flags": order["flags"]}
        fields |= {"symbol": order.get("symbol", 0), "side": order.get("side", 0)}
        return event(code.EVENT_TRADE, qty=lots, price=price, taker_fee=lots // 3, **fields)

    def _end(self, which: int, kind: int) -> np.void | None:
        """Some order in flight is cancelled or rejected."""
        if not self.in_flight:
            return None
        order = self.in_flight.pop(which % len(self.in_flight))
        fields = {name: order[name] for name in ("account", "order_id", "qty")}
        return event(kind, reason=code.REASON_IOC, symbol=order.get("symbol", 0), **fields)


def random_step(rng: random.Random) -> Step:
    """One step of a long run: an active market with jumps, and now and then something absurd."""
    symbol = rng.randrange(3)
    account = rng.randrange(1, MAX_ACCOUNTS + 2)
    other = rng.choice([EXTERNAL, rng.randrange(1, MAX_ACCOUNTS + 2)])
    side = rng.randrange(2)
    absurd = rng.random() < 0.03
    lots = rng.randrange(1, 2**40) if absurd else rng.randrange(1, 60)
    price = rng.choice([1, 2**20, 2**40]) if absurd else rng.randrange(80, 121)
    amount = rng.randrange(1, 2**60) if absurd else rng.randrange(1, 400_000)
    steps: list[tuple[int, Step]] = [
        (1, ("open", account)),
        (6, ("deposit", account, amount)),
        (4, ("withdraw", account, amount)),
        (2, ("position", account, symbol, side, lots, price, rng.randrange(0, 102))),
        (30, ("price", symbol, price, rng.choice([0] * 9 + [1, 2]))),
        (6, ("funding", symbol, rng.choice([rng.randrange(-500, 500), 50_000, 50_001]))),
        (3, ("leverage", account, symbol, rng.choice([0, 2, 20, 101]), rng.randrange(2))),
        (3, ("margin", account, symbol, rng.choice([1, -1]) * amount // 8)),
        (1, ("resume",)),
        (1, ("rule", rng.choice([500_000, 700_000]), rng.choice([0, 800_000]))),
        (1, ("tier", rng.choice([500_000, 600_000]), rng.choice([0, 5]))),
        (25, ("trade", account, other, symbol, side, lots, price, rng.randrange(-9, 30))),
        (20, ("fill", rng.randrange(8), other, lots, price)),
        (6, ("end", rng.randrange(8), rng.choice([code.EVENT_CANCELLED, code.EVENT_REJECTED]))),
        (1, ("capacity", rng.randrange(MAX_ACCOUNTS - 3, MAX_ACCOUNTS + 1))),
        (1, ("snapshot",)),
    ]
    return rng.choices([each for _, each in steps], [weight for weight, _ in steps])[0]


def run_random(seed: int, count: int, *, thorough: bool = True) -> Driver:
    """A driver after ``count`` seeded steps, all of which agreed."""
    rng = random.Random(seed)
    driver = Driver(thorough=thorough)
    for _ in range(count):
        driver.do(random_step(rng))
    driver.compare_balances()
    check_invariants(driver.engine.state)
    return driver
