"""The pre-trade gate against its rules said plainly, around Titan and Sentinel as they are."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.messages import code as c
from components.messages.command import UNCHANGED
from components.risk_gate import RiskGate
from components.sentinel import engine as sentinel_engine
from components.titan import engine as titan_engine
from components.titan.engine.guards import PASSED
from components.titan.engine.snapshot import live_orders
from components.titan.engine.state import LAYER_REDUCE_ONLY
from tests.models.reference_gate import (
    MARKET_TYPES,
    TRAILING,
    ReferenceGate,
    Resting,
    Wish,
)
from tests.models.reference_risk import ReferenceSentinel
from tests.strategies import blank, random_command, records

REFUSED = c.REASON_INSUFFICIENT_MARGIN
Command = dict[str, int]

UNIT = 1_000
GRID = {"price": 10**10, "qty": 10**9, "stop_price": UNIT}
SYMBOLS = 3
ACCOUNTS = 24
OPENED = (1, 2, 3)
JUDGED = (c.OP_PLACE, c.OP_REPLACE, c.OP_BRACKET, c.OP_AMEND)

TITAN_LIMITS = {"max_orders": 4096, "max_symbols": 4, "max_positions": 256}
SENTINEL_LIMITS = {"max_accounts": ACCOUNTS, "max_symbols": 4, "max_positions": 256}


class World:
    """A gate with its two engines, a Sentinel beside it, and the plain one."""

    def __init__(self) -> None:
        self.titan = titan_engine.new_state(**TITAN_LIMITS)
        self.outbox = titan_engine.new_outbox(1 << 14)
        self.gate = RiskGate(self.titan, sentinel_engine.new_state(**SENTINEL_LIMITS))
        self.beside = sentinel_engine.new_state(**SENTINEL_LIMITS)
        self.answers = sentinel_engine.new_outbox(1 << 12, 1 << 12)
        self.reference = ReferenceSentinel(ACCOUNTS)
        self.rules = ReferenceGate(self.reference)
        self.sequence = 0

    def apply(self, command: dict[str, int]) -> list[np.void]:
        """The events of one command, which all Sentinels have then seen."""
        self.sequence += 1
        assert self.gate.apply_batch(records([command]), self.sequence, self.outbox) == 1
        events = self.outbox.slots[: int(self.outbox.count[0])].copy()
        self.outbox.count[0] = 0
        for event in events:
            self.answers.risk_count[0] = self.answers.order_count[0] = 0
            sentinel_engine.apply(self.beside, event, self.answers)
            self.reference.apply(event)
        return list(events)

    def resting(self, account: int, skipped: int) -> list[Resting]:
        """The account's open orders that count, but for the one with the id ``skipped``."""
        orders = live_orders(self.titan)
        entries = set(orders["entry"].tolist()) - {0}
        found = []
        for order in orders[(orders["account"] == account) & (orders["order_id"] != skipped)]:
            if order["layers"] & LAYER_REDUCE_ONLY or order["entry"]:
                continue
            is_entry = int(order["placement"]) in entries
            found.append(
                Resting(
                    symbol=int(order["symbol"]),
                    side=int(order["side"]),
                    price=0 if order["order_type"] in TRAILING else int(order["price"]),
                    lots=int(order["qty"] + order["hidden"]),
                    placement=int(order["placement"]),
                    partner=0 if is_entry else int(order["link"]),
                )
            )
        return found

    def wish(self, command: dict[str, int]) -> Wish | None:
        """What the command asks for, if the gate has to judge it."""
        if command["op"] not in JUDGED or command["account"] not in self.reference.accounts:
            return None
        asked = dict(command)
        replaced = command["cause"] if command["op"] == c.OP_REPLACE else 0
        if command["op"] == c.OP_AMEND:
            orders = live_orders(self.titan)
            is_it = (orders["account"] == command["account"]) & (
                orders["order_id"] == command["order_id"]
            )
            if not is_it.any():
                return None
            old = orders[is_it][0]
            replaced = command["order_id"]
            before = int(old["qty"] + old["hidden"])
            for name in ("flags", "side", "order_type", "stop_price"):
                asked[name] = int(old[name])
            asked["price"] = int(old["price"]) if asked["price"] == UNCHANGED else asked["price"]
            asked["qty"] = before if asked["qty"] == UNCHANGED else asked["qty"]
            if asked["qty"] <= before and asked["price"] == old["price"]:
                return None
        book = self.titan.books[asked["symbol"]] if asked["symbol"] < 4 else None
        by_amount = bool(asked["flags"] & c.FLAG_BY_AMOUNT)
        most = 2**60 if by_amount else 2**40
        if book is None or book["money_unit"] <= 0 or not 0 < asked["qty"] <= most:
            return None
        if not 0 <= asked["price"] <= 2**40 or asked["side"] > 1:
            return None
        if asked["order_type"] > max(TRAILING):
            return None
        if asked["flags"] & (c.FLAG_REDUCE_ONLY | c.FLAG_LIQUIDATION):
            return None
        self.rules.fees[asked["symbol"]] = max(
            int(book["maker_fee_ppm"]), int(book["taker_fee_ppm"]), 0
        )
        return Wish(
            account=self.reference.accounts[asked["account"]],
            others=self.resting(asked["account"], replaced),
            symbol=asked["symbol"],
            side=asked["side"],
            order_type=asked["order_type"],
            price=asked["price"],
            qty=asked["qty"],
            trigger=max(asked["stop_price"], 0) if asked["order_type"] == c.TYPE_STOP else 0,
            by_amount=by_amount,
        )


def opening_commands(rng: random.Random) -> list[Command]:
    """Instruments, marks and accounts of different means, one of them isolated; then the gate."""
    commands = []
    for symbol, (maker, taker) in enumerate(((0, 0), (-100, 35_000), (333, 333))):
        name = int.from_bytes(b"ABC"[symbol : symbol + 1], "little")
        rules = {**GRID, "account": name, "display_qty": maker, "expires": taker}
        commands.append(blank(c.OP_INSTRUMENT, symbol=symbol, leverage=20, **rules))
        commands.append(blank(c.OP_PRICE, symbol=symbol, price=100))
    tier = {"order_id": 1, "price": 600 * UNIT, "qty": 50_000, "leverage": 7}
    commands.append(blank(c.OP_MARGIN_TIER, symbol=0, **tier))
    for account in OPENED:
        amount = rng.choice((30, 200, 3_000)) * UNIT
        commands.append(blank(c.OP_DEPOSIT, account=account, price=amount))
    isolated = {"symbol": 0, "leverage": 5, "side": c.MARGIN_ISOLATED}
    commands.append(blank(c.OP_LEVERAGE, account=3, **isolated))
    commands.append(blank(c.OP_RISK_GATE, qty=1))
    return commands


def opened_world(rng: random.Random) -> World:
    """A world after these."""
    world = World()
    for command in opening_commands(rng):
        world.apply(command)
    for symbol, worst in enumerate((0, 35_000, 333)):
        world.rules.fees[symbol] = worst
    return world


def next_command(rng: random.Random) -> dict[str, int]:
    """Mostly orders; now and then money, a price, funding."""
    draw = rng.random()
    symbol, account = rng.randrange(SYMBOLS), rng.choice(OPENED)
    if draw < 0.06:
        return blank(c.OP_PRICE, symbol=symbol, price=rng.randint(92, 108))
    if draw < 0.10:
        amount = rng.choice((5, 40, 900)) * UNIT
        return blank(c.OP_DEPOSIT, account=account, price=amount)
    if draw < 0.12:
        return blank(c.OP_WITHDRAW, account=account, price=rng.choice((5, 40)) * UNIT)
    if draw < 0.14:
        return blank(c.OP_FUNDING, symbol=symbol, price=rng.choice((-9_000, 100, 9_000)))
    command = random_command(rng)
    if command["op"] in (c.OP_PHASE, c.OP_INSTRUMENT, c.OP_LIMITS) and rng.random() < 0.8:
        return blank(c.OP_TIMER)
    return command


class Tally:
    """What the judged orders came to, so that a test can tell that it met all of it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def check(self, world: World, command: dict[str, int]) -> None:
        """Apply one command, with what must be true of its verdict."""
        wish = world.wish(command)
        expected = None if wish is None else self._judge(world, wish)
        world.apply(command)
        stamped = world.gate.last_command
        verdict = int(stamped["reserved"])
        if wish is None:
            assert verdict == PASSED
            return
        assert expected is not None
        limits = expected(int(stamped["price"]), verdict)
        assert limits, (command, wish)

    def _judge(self, world: World, wish: Wish) -> Callable[[int, int], bool]:
        """A test of the verdict, with everything looked up that the command will change."""
        rules = world.rules
        if rules.only_reduces(wish):
            return self._told("reduces", lambda price, verdict: verdict == PASSED)
        if wish.order_type in TRAILING:
            return self._told("trails", lambda price, verdict: verdict == REFUSED)
        if wish.order_type not in MARKET_TYPES:
            bears = rules.bears(wish, wish.price)
            if bears:
                assert all(has >= needs for has, needs in rules.outcomes(wish, wish.price))
            name = "bears" if bears else "lacks"
            return self._told(
                name, lambda price, verdict: verdict == (PASSED if bears else REFUSED)
            )
        best, worst = rules.range_of(wish)
        mark = world.reference.symbols[wish.symbol].mark
        if mark == 0 or not rules.bears(wish, best):
            return self._told("lacks", lambda price, verdict: verdict == REFUSED)
        frozen = copy.deepcopy((rules, wish))

        def is_worst(price: int, verdict: int) -> bool:
            then, asked = frozen
            further = price + (1 if asked.side == c.BUY else -1)
            assert all(has >= needs for has, needs in then.outcomes(asked, price))
            is_last = price == worst or not then.bears(asked, further)
            return verdict == PASSED and then.bears(asked, price) and is_last

        return self._told("capped", is_worst)

    def _told(self, name: str, test: Callable[[int, int], bool]) -> Callable[[int, int], bool]:
        self.counts[name] += 1
        return test


def run(seed: int, steps: int) -> tuple[World, Tally]:
    """Random commands, each judged twice."""
    rng = random.Random(seed)
    world, tally = opened_world(rng), Tally()
    for number in range(steps):
        tally.check(world, next_command(rng))
        if number % 50 == 49:
            same = sentinel_engine.canonical_bytes(world.gate.sentinel)
            assert same == sentinel_engine.canonical_bytes(world.beside)
    titan_engine.check_invariants(world.titan)
    return world, tally


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_every_verdict_is_the_plain_rules_and_no_outcome_of_an_accepted_order_lacks_margin(
    seed: int,
) -> None:
    run(seed, 60)


def test_random_orders_meet_every_kind_of_verdict() -> None:
    counts: Counter[str] = Counter()
    for seed in range(4):
        counts += run(seed, 250)[1].counts

    assert set(counts) == {"reduces", "trails", "bears", "lacks", "capped"}


@pytest.mark.soak
def test_verdicts_in_a_long_run() -> None:
    for seed in range(100, 160):
        run(seed, 1_500)


def limit(account: int, order_id: int, side: int, price: int, qty: int, **more: int) -> Command:
    return blank(
        c.OP_PLACE, account=account, order_id=order_id, side=side, price=price, qty=qty, **more
    )


def plain_world(collateral: int = 1_000) -> World:
    """One symbol at 100, leverage 10, no fees; account 1 with this collateral, 9 a market maker."""
    world = World()
    world.apply(blank(c.OP_INSTRUMENT, symbol=0, leverage=10, **GRID))
    world.apply(blank(c.OP_PRICE, symbol=0, price=100))
    world.apply(blank(c.OP_DEPOSIT, account=1, price=collateral * UNIT))
    world.apply(blank(c.OP_RISK_GATE, qty=1))
    return world


def answer(world: World, command: Command) -> tuple[int, int]:
    """Kind and reason of the command's first event."""
    first = world.apply(command)[0]
    return int(first["kind"]), int(first["reason"])


ACCEPTED = (c.EVENT_ACCEPTED, c.REASON_NONE)
NO_MARGIN = (c.EVENT_REJECTED, c.REASON_INSUFFICIENT_MARGIN)


def test_open_orders_of_one_side_need_margin_together_and_those_of_both_only_the_larger() -> None:
    world = plain_world()

    assert answer(world, limit(1, 1, c.BUY, 99, 60)) == ACCEPTED
    assert answer(world, limit(1, 2, c.SELL, 101, 100)) == ACCEPTED
    assert answer(world, limit(1, 3, c.BUY, 98, 41)) == NO_MARGIN
    assert answer(world, limit(1, 3, c.BUY, 98, 40)) == ACCEPTED


def test_a_price_worse_than_the_mark_costs_the_difference() -> None:
    world = plain_world()

    assert answer(world, limit(1, 1, c.BUY, 111, 50)) == NO_MARGIN
    assert answer(world, limit(1, 1, c.BUY, 110, 50)) == ACCEPTED


def test_a_market_order_takes_no_further_than_its_account_can_bear() -> None:
    world = plain_world()
    world.apply(limit(9, 1, c.SELL, 110, 30))
    world.apply(limit(9, 2, c.SELL, 111, 30))

    events = world.apply(limit(1, 1, c.BUY, 0, 50, order_type=c.TYPE_MARKET))

    assert [(int(e["kind"]), int(e["qty"])) for e in events[:3]] == [
        (c.EVENT_ACCEPTED, 50),
        (c.EVENT_TRADE, 30),
        (c.EVENT_CANCELLED, 20),
    ]


def test_under_margin_an_account_may_only_reduce() -> None:
    world = plain_world()
    world.apply(limit(9, 1, c.SELL, 100, 100))
    assert answer(world, limit(1, 1, c.BUY, 100, 100)) == ACCEPTED
    world.apply(blank(c.OP_PRICE, symbol=0, price=95))

    assert answer(world, limit(1, 2, c.BUY, 90, 1)) == NO_MARGIN
    assert answer(world, limit(1, 2, c.SELL, 80, 60)) == ACCEPTED
    assert answer(world, limit(1, 3, c.SELL, 96, 41)) == NO_MARGIN
    assert answer(world, limit(1, 3, c.SELL, 1, 400, flags=c.FLAG_REDUCE_ONLY)) == ACCEPTED


def test_an_amended_or_replaced_order_is_judged_in_place_of_the_old_one() -> None:
    world = plain_world()
    world.apply(limit(1, 1, c.BUY, 99, 100))

    more = blank(c.OP_AMEND, account=1, order_id=1, price=UNCHANGED, qty=101)
    assert answer(world, more) == NO_MARGIN
    assert answer(world, {**more, "price": 98, "qty": 100})[0] == c.EVENT_AMENDED
    replaced = limit(1, 2, c.BUY, 97, 101, cause=1) | {"op": c.OP_REPLACE}
    assert answer(world, replaced) == NO_MARGIN
    assert answer(world, {**replaced, "qty": 100})[0] == c.EVENT_CANCELLED


def test_an_order_of_a_pair_is_amended_beside_its_partner() -> None:
    world = plain_world()
    world.apply(limit(1, 1, c.BUY, 99, 50))
    pair = limit(1, 2, c.BUY, 98, 50, cause=1, flags=c.FLAG_OCO)
    assert answer(world, pair) == ACCEPTED

    more = blank(c.OP_AMEND, account=1, order_id=1, price=UNCHANGED, qty=51)
    assert answer(world, more) == NO_MARGIN
    assert answer(world, {**more, "price": 97, "qty": 50})[0] == c.EVENT_AMENDED


def test_the_gate_goes_on_from_snapshots_of_titan_and_sentinel() -> None:
    rng = random.Random(7)
    world, _ = run(7, 200)
    restored = World()
    restored.titan = titan_engine.restore(titan_engine.canonical_bytes(world.titan), **TITAN_LIMITS)
    saved = sentinel_engine.canonical_bytes(world.beside)
    restored.gate = RiskGate(restored.titan, sentinel_engine.restore(saved))
    restored.beside = sentinel_engine.restore(saved)
    restored.reference = copy.deepcopy(world.reference)
    restored.sequence = world.sequence

    for _ in range(150):
        command = next_command(rng)
        assert [e.tobytes() for e in world.apply(command)] == [
            e.tobytes() for e in restored.apply(command)
        ]
    assert titan_engine.state_hash(world.titan) == titan_engine.state_hash(restored.titan)


def test_an_order_that_never_met_the_gate_stops_titan_loudly() -> None:
    world = plain_world()

    with pytest.raises(AssertionError, match="risk gate is on"):
        titan_engine.apply_batch(
            world.titan, records([limit(1, 1, c.BUY, 99, 1)]), world.sequence + 1, world.outbox
        )


def test_with_the_gate_off_the_loop_changes_nothing() -> None:
    rng = random.Random(3)
    world, alone = World(), titan_engine.new_state(**TITAN_LIMITS)
    box = titan_engine.new_outbox(1 << 14)
    for sequence in range(1, 400):
        command = next_command(rng)
        events = world.apply(command)
        titan_engine.apply_batch(alone, records([command]), sequence, box)
        assert [e.tobytes() for e in box.slots[: box.count[0]]] == [e.tobytes() for e in events]
        box.count[0] = 0
    assert titan_engine.canonical_bytes(alone) == titan_engine.canonical_bytes(world.titan)
