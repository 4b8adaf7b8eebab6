"""The public league's order flow: five scenarios, one symbol, 1,996,097 messages each.

The matching-engine-benchmark of Flash One Technologies runs engines on this flow and compares the
SHA-256 of what they report.  The middle price is a geometric random walk; an order lies some
levels behind it, lives for a while, may be modified once and cancelled once or twice; the orders
live in a shuffled order, one after another, so what accumulates are those never cancelled.

    u          the next number of std::mt19937's 53-bit stream, which numpy's RandomState(23) gives
    prices     whole ticks; ids from 1; a modify carries the new price and quantity
    messages   in the order in which the engine gets them; a message's number is its ``seq``

Everything is computed in the order that the description gives, because one number drawn too many
changes all that follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    BUY,
    OP_AMEND,
    OP_CANCEL,
    OP_INSTRUMENT,
    OP_PLACE,
    SELL,
    TIF_GTC,
    TIF_IOC,
)
from components.messages.command import Commands, new_commands
from disruptor.compiled import compiled

NEW: Final = 0
CANCEL: Final = 1
MODIFY: Final = 2

MESSAGE: Final = np.dtype(
    [
        ("id", np.int64),
        ("price", np.int64),
        ("qty", np.int64),
        ("kind", np.uint8),
        ("side", np.uint8),
        ("ioc", np.uint8),
    ],
    align=True,
)
Messages = NDArray[Any]
"""An array of dtype MESSAGE."""

ORDERS: Final = 1_000_000
_SEED: Final = 23
_DRAWS_PER_ORDER: Final = 14
_TICK: Final = 0.005
_START: Final = 167.52
_DEPTH: Final = 800


@dataclass(frozen=True)
class Scenario:
    """One of the five: how wild the middle price is, and what its reports are known to be."""

    name: str
    volatility: float
    swing: float
    trades: int
    reports: int
    sha256: str  # as the league publishes it

    @property
    def step(self) -> float:
        """The standard deviation of the middle price's logarithm from order to order."""
        if self.volatility == 0:
            return 0.0
        elapsed = (self.swing / self.volatility) ** 2 / ORDERS
        return self.volatility * math.sqrt(elapsed)


SCENARIOS: Final = (
    Scenario(
        "static", 0.0, 0.0, 827, 2_147_158,
        "9803843ee404fc29c9a0aa5614f8f0d5a58b5c44fcac9ef89067886fcaaa30d1",
    ),
    Scenario(
        "normal", 0.15, 0.02, 62_474, 2_204_643,
        "e9b2e3926854410b01a035aeb25dd05f1e597c233be8263de9eb49b6713d367e",
    ),
    Scenario(
        "swing-25", 0.5, 0.25, 66_908, 2_208_868,
        "61a84be9469661bd039e00dbc9a7c011e70b6ace37aadfe60045ea083b05f4df",
    ),
    Scenario(
        "swing-40", 0.5, 0.40, 68_803, 2_210_662,
        "3cb0175e7982ff09ea220d1feaee3844cf9116a5ce455757879dea1d880b9b9f",
    ),
    Scenario(
        "flash-crash", 0.5, 0.60, 70_178, 2_211_931,
        "cff8d3f94b709fc64a8b2058a6ca4fb6920364904796e46906895e362d2bb16b",
    ),
)  # fmt: skip


def messages(scenario: Scenario, orders: int = ORDERS) -> Messages:
    """The scenario's messages; with fewer ``orders``, a smaller flow of the same kind."""
    draws = np.random.RandomState(_SEED).random_sample(_DRAWS_PER_ORDER * orders)
    book = np.zeros(orders, MESSAGE)
    levels = np.zeros(orders, np.int64)
    weights = np.array(
        [(k + 1) ** -2.23 + 5.0 * math.exp(-0.5 * (k - 8) ** 2) for k in range(_DEPTH)]
    )
    used = _make_orders(book, levels, draws, np.cumsum(weights), scenario.step)
    used = _shuffle(book, levels, draws, used)
    found = np.zeros(5 * orders, MESSAGE)
    return found[: _live(found, book, levels, draws, used)]


@compiled
def _make_orders(
    book: Messages,
    levels: NDArray[np.int64],
    draws: NDArray[np.float64],
    cumulative: NDArray[np.float64],
    step: float,
) -> int:
    middle = _START
    used = 0
    for number in range(len(book)):
        normal = math.sqrt(-2.0 * math.log(draws[used]))
        normal *= math.cos(2.0 * math.pi * draws[used + 1])
        middle *= math.exp(-0.5 * step * step + step * normal)
        nearest = math.floor(middle / _TICK + 0.5)
        wanted = draws[used + 2] * cumulative[-1]
        level = min(np.searchsorted(cumulative, wanted, side="left"), len(cumulative) - 1)
        buys = number < len(book) // 2
        price = nearest - (level + 1) if buys else nearest + (level + 1)
        order = book[number]
        order["id"] = number + 1
        order["side"] = BUY if buys else SELL
        order["price"] = max(price, 1)
        order["qty"] = 1 + int(100.0 * draws[used + 3])
        levels[number] = level
        used += 4
    return used


@compiled
def _shuffle(
    book: Messages, levels: NDArray[np.int64], draws: NDArray[np.float64], used: int
) -> int:
    order = np.arange(len(book))
    for last in range(len(book) - 1, 0, -1):
        other = int(draws[used] * (last + 1))
        used += 1
        order[last], order[other] = order[other], order[last]
    book[:] = book[order].copy()
    levels[:] = levels[order].copy()
    return used


@compiled
def _live(
    found: Messages,
    book: Messages,
    levels: NDArray[np.int64],
    draws: NDArray[np.float64],
    used: int,
) -> int:
    """Each order's life; the times need no sorting, because one ends before the next begins."""
    count = 0
    for number in range(len(book)):
        order = book[number]
        found[count] = order
        is_ioc = draws[used] < 0.15
        used += 1
        found[count]["ioc"] = is_ioc
        count += 1
        if is_ioc:
            continue
        modified = count
        is_modified = draws[used] < 0.20
        used += 1
        if is_modified:
            used += 1  # how long after
            found[count] = order
            found[count]["kind"] = MODIFY
            found[count]["qty"] += 1
            if draws[used] < 0.80:
                found[count]["price"] += 1 if order["side"] == BUY else -1
            used += 1
            count += 1
        is_cancelled = draws[used] < 0.95
        used += 1
        if is_cancelled:
            used += 1  # how long it lived
            found[count] = order
            found[count]["kind"] = CANCEL
            count += 1
            again = draws[used] < 0.02
            used += 1
            if again:
                used += 1
                found[count] = found[count - 1]
                count += 1
            if is_modified:
                again = draws[used] < 0.02
                used += 1
                if again:
                    used += 1
                    found[count] = found[modified]
                    count += 1
    return count


def titan_commands(flow: Messages) -> Commands:
    """One listing, then a command a message: a modify always raises the quantity, so it goes to
    the back of its level, as the league's cancel and new order would."""
    commands = new_commands(1 + len(flow))
    listing = commands[0]
    listing["op"], listing["price"], listing["qty"], listing["stop_price"] = OP_INSTRUMENT, 1, 1, 1
    rows = commands[1:]
    rows["op"] = np.array([OP_PLACE, OP_CANCEL, OP_AMEND], np.uint8)[flow["kind"]]
    rows["account"] = 1
    rows["order_id"] = flow["id"]
    has_terms = flow["kind"] != CANCEL
    for name in ("side", "price", "qty"):
        rows[name] = np.where(has_terms, flow[name], 0)
    rows["tif"] = np.where(flow["ioc"], TIF_IOC, TIF_GTC)
    return commands
