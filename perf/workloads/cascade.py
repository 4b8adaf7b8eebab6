"""A crash: every symbol falls within minutes, makers thin out, and accounts fall one upon another.

    each step, symbol by symbol:  makers cancel and quote anew below ──► the mark falls ──► Sentinel's
    orders come back as commands, hit what is quoted, and bring the next ones, until none comes

Both engines run as in a replay; the commands are recorded, so that a second derivation can be compared.
The size is that of 10 October 2025 on a venue that is public: 437,723 accounts on 162 symbols, 63,637
liquidation fills within twelve minutes.  Accounts hold one or two positions with leverages from 3 to 50,
three longs to one short; the makers have no account and bear no margin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.instruments import name_words
from components.messages.code import (
    BUY,
    OP_CANCEL_ALL,
    OP_CAPACITY,
    OP_DEPOSIT,
    OP_INSTRUMENT,
    OP_PLACE,
    OP_POSITION,
    OP_PRICE,
    OP_RISK_RULE,
    RISK_DELEVERAGE,
    RISK_LIQUIDATION,
    SELL,
)
from components.messages.command import Commands, new_commands
from components.oracle.derivation import Derivation, StateHashes
from components.sentinel.account_view import Totals, totals
from components.sentinel.engine.conservation import conservation_gap
from components.sentinel.engine.state import BLOCK_SLOTS
from components.sentinel.engine.state import new_state as new_sentinel
from components.titan.engine import new_state as new_titan
from components.units import MONEY_SCALE

MAKER: Final = 1 << 40
ENTRY: Final = 100_000
MONEY_UNIT: Final = 1_000
LEVELS: Final = 5
_STEP_TICKS: Final = 40
_ROUNDS_MAX: Final = 10_000


@dataclass(frozen=True)
class Crash:
    """How large, how long, and how deep; every figure of a run follows from these."""

    accounts: int
    symbols: int
    steps: int
    depth_lots: int  # what makers quote a level at first; it falls to a tenth
    fund: int  # money that the insurance fund starts with
    fall: float = 0.45  # of the price, at the bottom
    seed: int = 7


FULL: Final = Crash(400_000, 160, steps=60, depth_lots=4_000, fund=20_000 * MONEY_SCALE)
QUICK: Final = Crash(8_000, 8, steps=20, depth_lots=600, fund=2_000 * MONEY_SCALE)
"""In both the fund is emptied, and positions are taken over."""


@dataclass
class Course:
    """What became of it, step by step and in all."""

    liquidations: list[int] = field(default_factory=list)
    deleveragings: list[int] = field(default_factory=list)
    funds: list[int] = field(default_factory=list)
    bad_debts: list[int] = field(default_factory=list)
    commands: list[Commands] = field(default_factory=list)
    hashes: StateHashes | None = None
    totals: Totals | None = None
    events: int = 0


def fresh(crash: Crash) -> Derivation:
    """Both engines, empty, with room for the crash."""
    symbols = max(crash.symbols, 1)
    titan = new_titan(max_symbols=symbols)
    positions = 2 * crash.accounts + symbols * BLOCK_SLOTS
    return Derivation((titan,), new_sentinel(crash.accounts + 1, symbols, positions))


def run(crash: Crash) -> Course:
    """The whole crash."""
    derivation, course = fresh(crash), Course()
    _feed(derivation, course, _opening(crash))
    for step in range(crash.steps):
        for part in (course.liquidations, course.deleveragings):
            part.append(0)
        for commands in _step(crash, step):
            _settle(derivation, course, commands)
        course.funds.append(int(derivation.sentinel.summary[0]["fund"]))
        course.bad_debts.append(int(totals(derivation.sentinel).bad_debt))
    assert conservation_gap(derivation.sentinel) == 0
    course.hashes = derivation.hashes()
    course.totals = totals(derivation.sentinel)
    return course


def replayed(crash: Crash, course: Course) -> StateHashes:
    """The hashes that the recorded commands lead to."""
    derivation = fresh(crash)
    derivation.run(np.concatenate(course.commands))
    return derivation.hashes()


def _settle(derivation: Derivation, course: Course, commands: Commands) -> None:
    """Feed commands, and the orders that follow from them, until none follows."""
    for _ in range(_ROUNDS_MAX):
        commands = _feed(derivation, course, commands)
        if not len(commands):
            return
    raise AssertionError(f"a liquidation went on for {_ROUNDS_MAX} rounds at one price")


def _feed(derivation: Derivation, course: Course, commands: Commands) -> Commands:
    course.commands.append(commands)
    orders = [new_commands(0)]
    for derived in derivation.feed(commands):
        course.events += len(derived.events)
        kinds = derived.risks["kind"]
        if course.liquidations:
            course.liquidations[-1] += int((kinds == RISK_LIQUIDATION).sum())
            course.deleveragings[-1] += int((kinds == RISK_DELEVERAGE).sum())
        orders.append(derived.orders.copy())
    return np.concatenate(orders)


def _opening(crash: Crash) -> Commands:
    """Room, symbols, the rule, then the accounts."""
    rules = new_commands(2 + crash.symbols)
    rules[0]["op"], rules[0]["price"], rules[0]["qty"] = OP_CAPACITY, 1 << 18, 1 << 21
    rules[1]["op"], rules[1]["order_id"], rules[1]["qty"] = OP_RISK_RULE, 1, 800_000
    rules[1]["price"], rules[1]["stop_price"] = 5_000, crash.fund
    for symbol, row in enumerate(rules[2:]):
        row["op"], row["symbol"], row["leverage"] = OP_INSTRUMENT, symbol, 100
        row["account"], row["order_id"] = name_words(f"S{symbol}")
        row["price"], row["qty"], row["stop_price"] = 10**10, 10**9, MONEY_UNIT
    result: Commands = np.concatenate([rules, accounts_of(crash)])
    return result


def accounts_of(crash: Crash) -> Commands:
    """Each account's money and positions."""
    rng = np.random.default_rng(crash.seed)
    accounts = np.arange(1, crash.accounts + 1)
    first = _positions(rng, accounts, rng.integers(0, crash.symbols, len(accounts)))
    doubled = rng.random(len(accounts)) < 0.3
    other = (first["symbol"] + 1) % crash.symbols if crash.symbols > 1 else first["symbol"]
    second = _positions(rng, accounts, other)[doubled & (crash.symbols > 1)]
    leverage = np.exp(rng.uniform(np.log(3), np.log(50), len(accounts)))
    needed = first["qty"] * ENTRY * MONEY_UNIT / leverage
    needed[second["account"] - 1] += (
        second["qty"] * ENTRY * MONEY_UNIT / leverage[second["account"] - 1]
    )
    deposits = new_commands(len(accounts))
    deposits["op"], deposits["account"] = OP_DEPOSIT, accounts
    deposits["price"] = np.maximum(needed.astype(np.int64), 1)
    result: Commands = np.concatenate([deposits, first, second])
    return result


def _positions(
    rng: np.random.Generator, accounts: NDArray[np.int64], symbols: NDArray[np.int64]
) -> Commands:
    result = new_commands(len(accounts))
    result["op"], result["account"], result["symbol"] = OP_POSITION, accounts, symbols
    result["price"] = ENTRY
    result["qty"] = np.exp(rng.uniform(0, np.log(500), len(accounts))).astype(np.int64) + 1
    result["side"] = np.where(rng.random(len(accounts)) < 0.75, BUY, SELL)
    return result


def steps_of(crash: Crash) -> Iterator[Commands]:
    """All that makers and the feed say, in order."""
    for step in range(crash.steps):
        yield from _step(crash, step)


def _step(crash: Crash, step: int) -> Iterator[Commands]:
    """What makers and the feed say in one step, a piece for each symbol."""
    rng = np.random.default_rng((crash.seed, step))
    way = min((step + 1) / (0.7 * crash.steps), 1.0)
    back = max(0.0, (step + 1) / crash.steps - 0.7)
    depth = max(int(crash.depth_lots * (1 - 0.9 * way)), 1)
    for symbol in range(crash.symbols):
        fall = crash.fall * (0.6 + 0.4 * (symbol % 5) / 4)
        price = int(ENTRY * (1 - fall * way**2 + fall * back) * (1 + rng.normal(0, 0.002)))
        commands = new_commands(2 + 2 * LEVELS)
        commands["symbol"] = symbol
        commands["ts"] = (step + 1) * 1_000_000_000
        commands[0]["op"], commands[0]["account"] = OP_CANCEL_ALL, MAKER
        quotes = commands[1:-1]
        quotes["op"], quotes["account"], quotes["qty"] = OP_PLACE, MAKER, depth
        numbers = np.arange(2 * LEVELS)
        quotes["order_id"] = numbers + 1 + symbol * 2 * LEVELS
        quotes["side"] = np.where(numbers < LEVELS, BUY, SELL)
        away = (numbers % LEVELS + 1) * _STEP_TICKS
        quotes["price"] = np.where(numbers < LEVELS, price - away, price + away)
        commands[-1]["op"], commands[-1]["price"] = OP_PRICE, price
        yield commands
