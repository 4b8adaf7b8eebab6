"""exchange-core's order flow, as its TestOrdersGenerator makes it, with the book that it keeps.

The generator matches its own orders, so that it knows what may still be touched.  A book too small
is filled, one that is full mostly sees orders moved: each touch takes an order one hundredth of the
way to the last price.

    side not full   20 % new, 10 % cancel, 10 % reduce, 60 % move (only new while it fills fast)
    side full       5 % at once, 2.5 % cancel, 2.5 % reduce, 90 % move

    new       rests mostly: up to 5 % of the price behind the last one, 1 to 126 lots
    at once   31 of 32 immediate-or-cancel at the edge of the price range, 1 of 32 fill-or-kill
    touched   one of the 512 oldest orders

The side of a new order is drawn apart from the side that lacks orders, so one side often holds more
than its half.  Differences from exchange-core: its budget for a fill-or-kill is size times limit, which here is a
limit (``budget_differs`` counts where that would matter: nowhere, so far), a reserve price means
nothing, and an order moved to the price that it has keeps its place.

The book is this generator's own, an array of prices without any cleverness, so it also judges
Titan's: both must end in the same levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    BUY,
    OP_AMEND,
    OP_CANCEL,
    OP_INSTRUMENT,
    OP_PLACE,
    SELL,
    TIF_FOK,
    TIF_GTC,
    TIF_IOC,
)
from components.messages.command import UNCHANGED, Commands, new_commands
from disruptor.compiled import compiled

NEW, AT_ONCE, FILL_OR_KILL, CANCEL, REDUCE, MOVE = range(6)
KINDS: Final = ("new", "immediate-or-cancel", "fill-or-kill", "cancel", "reduce", "move")

_STEP: Final = np.dtype(
    [
        ("id", np.int64),
        ("price", np.int64),
        ("qty", np.int64),
        ("user", np.int64),
        ("kind", np.uint8),
        ("side", np.uint8),
    ],
    align=True,
)

_DEVIATION_MAX: Final = 10_000
_BOUND: Final = 5  # deviations from the first price to the edges of the range
_PRICES_MAX: Final = 2 * (_BOUND + 1) * _DEVIATION_MAX + 16
_TOUCHED: Final = 512
_CHECK_EVERY: Final = 512

# Places in ``Book.now``.
BASE, BEST_BID, BEST_ASK, LAST, LOW, HIGH, OLDEST, NEWEST, KNOWN, BIDS, ASKS = range(11)
TRADING, REJECTED, BUDGET_DIFFERS = range(11, 14)  # commands that traded; FOK and IOC rests
WIDTH: Final = 14  # prices that an order can have
_NOW_COUNT: Final = 15


class Book(NamedTuple):
    """Orders by id, prices by their distance from ``now[BASE]``; 0 is no order."""

    price: NDArray[np.int64]
    qty: NDArray[np.int64]
    user: NDArray[np.int64]
    side: NDArray[np.int64]
    next: NDArray[np.int64]  # in the queue of its price
    prev: NDArray[np.int64]
    newer: NDArray[np.int64]  # among the orders that may be touched
    older: NDArray[np.int64]
    head: NDArray[np.int64]
    tail: NDArray[np.int64]
    now: NDArray[np.int64]


@dataclass(frozen=True)
class Configuration:
    """One of exchange-core's named configurations."""

    name: str
    commands: int
    resting: int
    symbols: int
    users: int


SINGLE_PAIR: Final = Configuration("single pair", 3_000_000, 1_000, 1, 1_000)
PEAK: Final = Configuration("peak", 3_000_000, 10_000, 100, 3_800)
MEDIUM: Final = Configuration("medium", 3_000_000, 1_000_000, 10_000, 1_200_000)


@dataclass
class Flow:
    """Commands for Titan, and what the generator knows of them."""

    opening: Commands  # listings, then the orders that fill the books
    commands: Commands
    books: list[NDArray[np.int64]]  # by symbol: rows of side, price, quantity; best first
    kinds: dict[str, int]
    trading: int  # commands that traded at once
    budget_differs: int


def generate(configuration: Configuration, seed: int = 1) -> Flow:
    """The whole flow: each symbol's by itself, then merged at random."""
    rng = np.random.default_rng(seed)
    shares = 0.001 * (1.0 + rng.pareto(1.5, configuration.symbols))
    shares /= shares.sum()
    resting = np.maximum(2, np.floor(shares * configuration.resting)).astype(np.int64)
    counts = np.floor(shares * configuration.commands).astype(np.int64)
    counts[np.argmax(shares)] += configuration.commands - counts.sum()
    book = _new_book(int((resting + counts).max()))
    openings, flows, books = [], [], []
    totals = np.zeros(_NOW_COUNT, np.int64)
    for target, count in zip(resting.tolist(), counts.tolist(), strict=True):
        steps = np.zeros(target + count, _STEP)
        _generate(book, steps, target, configuration.users, rng)
        openings.append(steps[:target])
        flows.append(steps[target:])
        books.append(_levels(book))
        totals += book.now
    opening = _merged(openings, rng)
    listings = new_commands(configuration.symbols)
    listings["op"], listings["symbol"] = OP_INSTRUMENT, np.arange(configuration.symbols)
    listings["price"] = listings["qty"] = listings["stop_price"] = 1
    kinds = np.bincount(np.concatenate([each["kind"] for each in flows]), minlength=len(KINDS))
    return Flow(
        np.concatenate([listings, opening]),
        _merged(flows, rng),
        books,
        dict(zip(KINDS, kinds.tolist(), strict=True)),
        int(totals[TRADING]),
        int(totals[BUDGET_DIFFERS]),
    )


def _new_book(orders: int) -> Book:
    sizes = [orders + 1] * 8 + [_PRICES_MAX] * 2 + [_NOW_COUNT]
    return Book(*(np.zeros(size, np.int64) for size in sizes))


def _merged(flows: list[NDArray[Any]], rng: np.random.Generator) -> Commands:
    """All symbols' commands, each symbol's in their order, mixed as what is left of each."""
    symbols = np.repeat(np.arange(len(flows)), [len(flow) for flow in flows])
    mixed = rng.permutation(symbols)
    places = np.argsort(mixed, kind="stable")
    steps = np.empty(len(mixed), _STEP)
    steps[places] = np.concatenate(flows)
    kind = steps["kind"]
    commands = new_commands(len(steps))
    ops = np.array([OP_PLACE, OP_PLACE, OP_PLACE, OP_CANCEL, OP_AMEND, OP_AMEND], np.uint8)
    commands["op"] = ops[kind]
    commands["op"][(kind == REDUCE) & (steps["qty"] == 0)] = OP_CANCEL
    commands["symbol"] = mixed
    commands["order_id"] = (mixed << 32) + steps["id"]
    commands["account"] = steps["user"]
    commands["side"] = np.where(kind <= FILL_OR_KILL, steps["side"], 0)
    commands["tif"] = np.array([TIF_GTC, TIF_IOC, TIF_FOK, 0, 0, 0], np.uint8)[kind]
    amends = commands["op"] == OP_AMEND
    commands["price"] = np.where(amends & (kind == REDUCE), UNCHANGED, steps["price"])
    commands["qty"] = np.where(amends & (kind == MOVE), UNCHANGED, steps["qty"])
    cancels = commands["op"] == OP_CANCEL
    commands["price"][cancels] = commands["qty"][cancels] = 0
    return commands


def _levels(book: Book) -> NDArray[np.int64]:
    """Rows of side, price and quantity: bids and asks, the best first."""
    used = np.flatnonzero(book.head[: int(book.now[WIDTH])])
    rows = []
    for index in used.tolist():
        number, qty = int(book.head[index]), 0
        side = int(book.side[number])
        while number:
            qty += int(book.qty[number])
            number = int(book.next[number])
        rows.append((side, index + int(book.now[BASE]), qty))
    rows.sort(key=lambda row: (row[0], -row[1] if row[0] == BUY else row[1]))
    return np.array(rows, np.int64).reshape(-1, 3)


@compiled
def _below(rng: np.random.Generator, bound: int) -> int:
    return int(rng.random() * bound)


@compiled
def _generate(
    book: Book, steps: NDArray[Any], target: int, users: int, rng: np.random.Generator
) -> None:
    now = book.now
    now[:] = 0
    price = int(10.0 ** (3.3 + 1.5 * rng.random() + 1.5 * rng.random()))
    deviation = min(int(0.05 * price), _DEVIATION_MAX)
    now[LAST] = price
    now[LOW], now[HIGH] = price - _BOUND * deviation, price + _BOUND * deviation
    now[BASE] = price - (_BOUND + 1) * deviation - 4
    now[WIDTH] = 2 * (_BOUND + 1) * deviation + 9
    book.head[: now[WIDTH]] = 0
    now[BEST_BID], now[BEST_ASK] = -1, now[WIDTH]
    half = target // 2
    fast = min(512, half * 3 // 4)
    sizes = (0, 0)
    check_at = 0
    was_full = False
    rejected = 0
    for number in range(len(steps)):
        if number >= check_at or now[REJECTED] != rejected:
            sizes = (now[BIDS], now[ASKS])
            rejected = now[REJECTED]
            if number >= check_at:
                check_at += min(_CHECK_EVERY, target + 1)
        step = steps[number]
        step["id"] = number + 1
        side = BUY if _below(rng, 4) >= 2 else SELL
        if number < target:
            _new(book, step, deviation, users, rng)
            continue
        was_full = was_full or (sizes[0] >= half and sizes[1] >= half)
        lack = half - (sizes[0] if side == BUY else sizes[1])
        grows = lack > 0
        fills_fast = not was_full or lack > fast
        draw = _below(rng, (2 if fills_fast else 10) if grows else 40)
        if draw < 2 or now[KNOWN] == 0:
            if grows:
                _new(book, step, deviation, users, rng)
            else:
                _at_once(book, step, side, users, rng)
        else:
            _touch(book, step, draw, rng)


@compiled
def _new(book: Book, step: np.void, deviation: int, users: int, rng: np.random.Generator) -> None:
    now = book.now
    side = BUY if _below(rng, 4) >= 2 else SELL
    reach = 1 + int(rng.random() ** 2 * deviation)
    away = 0
    for _ in range(4):
        away += _below(rng, reach)
    away = away // 4 * 2 - reach
    if (away > 0) != (side == SELL):
        away = -away
    step["kind"], step["side"] = NEW, side
    step["price"] = now[LAST] + away
    step["qty"] = 1 + _below(rng, 6) * _below(rng, 6) * _below(rng, 6)
    step["user"] = 1 + _below(rng, users)
    number = step["id"]
    book.price[number], book.qty[number] = step["price"], step["qty"]
    book.side[number], book.user[number] = side, step["user"]
    _know(book, number)
    _arrive(book, number)


@compiled
def _at_once(book: Book, step: np.void, side: int, users: int, rng: np.random.Generator) -> None:
    now = book.now
    limit = now[HIGH] if side == BUY else now[LOW]
    step["side"], step["price"], step["user"] = side, limit, 1 + _below(rng, users)
    if _below(rng, 32) == 0:
        step["kind"] = FILL_OR_KILL
        qty = 1 + _below(rng, 8) * _below(rng, 8) * _below(rng, 8)
        fits = _available(book, side, limit, qty)
        now[BUDGET_DIFFERS] += fits != _fits_budget(book, side, limit * qty, qty)
    else:
        step["kind"] = AT_ONCE
        qty = 1 + _below(rng, 6) * _below(rng, 6) * _below(rng, 6)
        fits = True
    step["qty"] = qty
    left = _take(book, side, limit, qty) if fits else qty
    now[REJECTED] += left > 0


@compiled
def _touch(book: Book, step: np.void, draw: int, rng: np.random.Generator) -> None:
    now = book.now
    number = now[OLDEST]
    for _ in range(_below(rng, min(_TOUCHED, now[KNOWN]))):
        number = book.newer[number]
    step["id"], step["user"] = number, book.user[number]
    if draw == 2:
        step["kind"] = CANCEL
        _quit(book, number)
        _forget(book, number)
    elif draw == 3:
        step["kind"] = REDUCE
        book.qty[number] -= 1 + _below(rng, book.qty[number])
        step["qty"] = book.qty[number]
        if book.qty[number] == 0:
            _quit(book, number)
            _forget(book, number)
    else:
        step["kind"] = MOVE
        old = book.price[number]
        exact = (now[LAST] - old) * 0.01
        move = int(np.ceil(exact) if exact > 0 else np.floor(exact))
        if move == 0:
            move = 1 if _below(rng, 2) else -1
        step["price"] = min(old + move, now[HIGH])
        if step["price"] != old:
            _quit(book, number)
            book.price[number] = step["price"]
            _arrive(book, number)


@compiled
def _arrive(book: Book, number: int) -> None:
    """Take what the price allows, then rest."""
    left = _take(book, book.side[number], book.price[number], book.qty[number])
    book.qty[number] = left
    if left == 0:
        _forget(book, number)
        return
    index = book.price[number] - book.now[BASE]
    side = book.side[number]
    book.next[number] = 0
    book.prev[number] = book.tail[index] if book.head[index] else 0
    if book.head[index]:
        book.next[book.tail[index]] = number
    else:
        book.head[index] = number
    book.tail[index] = number
    if side == BUY:
        book.now[BIDS] += 1
        book.now[BEST_BID] = max(book.now[BEST_BID], index)
    else:
        book.now[ASKS] += 1
        book.now[BEST_ASK] = min(book.now[BEST_ASK], index)


@compiled
def _quit(book: Book, number: int) -> None:
    """Leave the queue; the best price moves on when its last order left."""
    now = book.now
    index = book.price[number] - now[BASE]
    before, behind = book.prev[number], book.next[number]
    if before:
        book.next[before] = behind
    else:
        book.head[index] = behind
    if behind:
        book.prev[behind] = before
    else:
        book.tail[index] = before
    if book.side[number] == BUY:
        now[BIDS] -= 1
        while now[BEST_BID] >= 0 and book.head[now[BEST_BID]] == 0:
            now[BEST_BID] -= 1
    else:
        now[ASKS] -= 1
        while now[BEST_ASK] < now[WIDTH] and book.head[now[BEST_ASK]] == 0:
            now[BEST_ASK] += 1


@compiled
def _best(book: Book, side: int, limit: int) -> int:
    """The best order that an order of ``side`` would meet within its limit, or 0."""
    now = book.now
    index = now[BEST_ASK] if side == BUY else now[BEST_BID]
    if index < 0 or index >= now[WIDTH]:
        return 0
    price = index + now[BASE]
    if (price > limit) if side == BUY else (price < limit):
        return 0
    return book.head[index]


@compiled
def _take(book: Book, side: int, limit: int, qty: int) -> int:
    """What is left of ``qty``."""
    now = book.now
    wanted = qty
    maker = _best(book, side, limit)
    while maker and qty:
        traded = min(qty, book.qty[maker])
        qty -= traded
        book.qty[maker] -= traded
        now[LAST] = min(max(book.price[maker], now[LOW]), now[HIGH])
        if book.qty[maker] == 0:
            _quit(book, maker)
            _forget(book, maker)
            maker = _best(book, side, limit)
    now[TRADING] += qty < wanted
    return qty


@compiled
def _available(book: Book, side: int, limit: int, qty: int) -> bool:
    """Whether ``qty`` could trade within the limit."""
    index = book.now[BEST_ASK] if side == BUY else book.now[BEST_BID]
    step = 1 if side == BUY else -1
    while 0 <= index < book.now[WIDTH] and qty > 0:
        price = index + book.now[BASE]
        if (price > limit) if side == BUY else (price < limit):
            break
        number = book.head[index]
        while number:
            qty -= book.qty[number]
            number = book.next[number]
        index += step
    return qty <= 0


@compiled
def _fits_budget(book: Book, side: int, budget: int, qty: int) -> bool:
    """exchange-core's own rule: what ``qty`` would cost (or bring) is within the budget."""
    index = book.now[BEST_ASK] if side == BUY else book.now[BEST_BID]
    step = 1 if side == BUY else -1
    cost = 0
    while 0 <= index < book.now[WIDTH] and qty > 0:
        number = book.head[index]
        while number and qty > 0:
            taken = min(qty, book.qty[number])
            cost += taken * (index + book.now[BASE])
            qty -= taken
            number = book.next[number]
        index += step
    return qty == 0 and (cost <= budget if side == BUY else cost >= budget)


@compiled
def _know(book: Book, number: int) -> None:
    now = book.now
    book.newer[number] = 0
    book.older[number] = now[NEWEST]
    if now[NEWEST]:
        book.newer[now[NEWEST]] = number
    else:
        now[OLDEST] = number
    now[NEWEST] = number
    now[KNOWN] += 1


@compiled
def _forget(book: Book, number: int) -> None:
    now = book.now
    newer, older = book.newer[number], book.older[number]
    if older:
        book.newer[older] = newer
    else:
        now[OLDEST] = newer
    if newer:
        book.older[newer] = older
    else:
        now[NEWEST] = older
    now[KNOWN] -= 1
