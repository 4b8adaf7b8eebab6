"""Random commands for Titan: few accounts, ids and prices, so that everything meets everything."""

from __future__ import annotations

import random

import numpy as np

from components.messages import code as c
from components.messages.command import ALL_SYMBOLS, COMMAND, UNCHANGED, UNKNOWN_SYMBOL, Commands

SYMBOLS = 3
FIELDS = tuple(COMMAND.names or ())

LISTINGS = (
    {"price": 1, "qty": 1, "stop_price": 1},
    {"price": 1, "qty": 2, "stop_price": 7, "display_qty": -100, "expires": 350_000},
    {"price": 5, "qty": 1, "stop_price": 3, "display_qty": 333, "flags": c.FLAG_STOPS_ON_MARK},
)
"""Three symbols: no fees, a maker's rebate and a high taker's fee, and stops on the mark."""


def blank(op: int, **values: int) -> dict[str, int]:
    """A command as a dict, zero where nothing is given."""
    return {**dict.fromkeys(FIELDS, 0), "op": op, **values}


def listings() -> list[dict[str, int]]:
    """The commands that list the three symbols."""
    return [
        blank(c.OP_INSTRUMENT, symbol=symbol, leverage=10, **rules)
        for symbol, rules in enumerate(LISTINGS)
    ]


def records(commands: list[dict[str, int]]) -> Commands:
    """The same commands as an array."""
    rows = [tuple(command[name] for name in FIELDS) for command in commands]
    return np.array(rows, COMMAND)


def random_command(rng: random.Random, symbols: int = SYMBOLS) -> dict[str, int]:
    """Any operation with any options; now and then something that must be refused."""
    ts = rng.randrange(1, 60) if rng.random() < 0.04 else 0
    symbol = rng.choice((0, 0, 0, *range(symbols)))
    if rng.random() < 0.02:
        symbol = rng.choice((9, UNKNOWN_SYMBOL))
    names = {"ts": ts, "symbol": symbol, "account": rng.randint(1, 4)}
    number = _number(rng)
    draw = rng.random()
    if draw < 0.55:
        return _place(rng, names, number)
    if draw < 0.61:
        old = _place(rng, names, number)
        return {**old, "op": c.OP_REPLACE, "cause": _number(rng)}
    if draw < 0.68:
        return _bracket(rng, names, number)
    if draw < 0.73:
        return blank(c.OP_CANCEL, **names, order_id=number)
    if draw < 0.86:
        price = rng.choice((UNCHANGED, _price(rng)))
        qty = rng.choice((UNCHANGED, _qty(rng)))
        return blank(c.OP_AMEND, **names, order_id=number, price=price, qty=qty)
    if draw < 0.93:
        return blank(c.OP_PRICE, **names, price=_price(rng), qty=rng.choice((0, 3)), origin_ts=ts)
    if draw < 0.94:
        rows = rng.choice((0, 1, 2, 3, 1000, 1001))
        return blank(c.OP_BOOK, **names, order_id=number, side=rng.randint(0, 2), qty=rows)
    return _seldom(rng, names)


def _number(rng: random.Random) -> int:
    return rng.randint(1, 12)


def _seldom(rng: random.Random, names: dict[str, int]) -> dict[str, int]:
    """What concerns many orders, a symbol's rules, or none of them."""
    everywhere = {**names, "symbol": rng.choice((names["symbol"], ALL_SYMBOLS))}
    kind = rng.choice((0, 1, 2, 2, 2, 3, 4, 4, 5, 6, 6, 7, 7))
    if kind == 0:
        account = rng.choice((0, names["account"]))
        side = rng.choice((0, 0, 1, 2, 3))
        return blank(c.OP_CANCEL_ALL, **{**everywhere, "account": account}, side=side)
    if kind == 1:
        return blank(c.OP_SESSION_END, **everywhere)
    if kind == 2:
        side, qty = rng.randint(0, 1), rng.randint(0, 30)
        return blank(c.OP_POSITION, **names, price=_price(rng), qty=qty, side=side, leverage=3)
    if kind == 3:
        return _limits(rng, names)
    if kind == 4:
        phase = rng.choice((0, 0, 0, 0, 0, 1, 2, 2, 2, 3, 4))
        return blank(c.OP_PHASE, **names, side=phase)
    if kind == 5:
        listing = LISTINGS[names["symbol"] % SYMBOLS]
        fees = {"display_qty": rng.randint(-9, 9), "expires": rng.choice((0, 200, 2_000_000))}
        changed = {**listing, **fees, "flags": rng.randint(0, 1), "price": rng.choice((1, 1, 5))}
        return blank(c.OP_INSTRUMENT, **names, leverage=9, **changed)
    if kind == 7:
        side, qty = rng.choice((0, 0, 1, 1, 2)), rng.randint(0, 30)
        taken = {"price": _price(rng), "qty": qty, "display_qty": rng.randint(1, 4)}
        return blank(rng.choice((c.OP_DELEVERAGE, c.OP_FUNDING)), **names, side=side, **taken)
    plain = (c.OP_VOID, c.OP_ACCOUNT, c.OP_DEPOSIT, c.OP_TIMER, c.OP_RESUME, c.OP_COUNT)
    return blank(rng.choice(plain), **names)


def _limits(rng: random.Random, names: dict[str, int]) -> dict[str, int]:
    """Often no limits, so that most runs trade."""
    limits = {
        "qty": rng.choice((0, 0, 2, 5, -1)),
        "display_qty": rng.choice((0, 0, 9, 4)),
        "price": rng.choice((0, 0, 300)),
        "stop_price": rng.choice((0, 0, 2000, 200)),
        "expires": rng.choice((0, 0, 40_000, 1_000_000, 20_000, 1_000_001)),
    }
    chosen = limits if rng.random() < 0.5 else {"expires": rng.choice((0, 0, 30_000))}
    return blank(c.OP_LIMITS, **names, **chosen)


def _bracket(rng: random.Random, names: dict[str, int], number: int) -> dict[str, int]:
    exits = {
        "origin_ts": rng.choice((0, 21, 22, 23, 24, _number(rng))),
        "cause": rng.choice((0, 25, 26, 27, 28, _number(rng))),
    }
    if exits["origin_ts"] or rng.random() < 0.05:
        exits["display_qty"] = _price(rng)
    if exits["cause"] or rng.random() < 0.05:
        exits["stop_price"] = _price(rng)
        exits["expires"] = rng.choice((0, _price(rng)))
    kind = rng.choice((0, 0, 1)) if rng.random() < 0.98 else 2
    return blank(
        c.OP_BRACKET,
        **names,
        order_id=number,
        side=rng.randint(0, 1),
        order_type=kind,
        tif=rng.choice((0, 0, 0, 1, 2, 3, 4)),
        price=_price(rng) if kind == 0 else 0,
        qty=_qty(rng),
        stp=rng.choice((0, 0, 1, 2, 3, 4)),
        flags=rng.choice((0, 0, 0, 0, 1, 9, 16, 2, 4)),
        **exits,
    )


def _price(rng: random.Random) -> int:
    draw = rng.random()
    if draw < 0.95:
        return rng.randint(96, 104)
    if draw < 0.99:
        return rng.choice((1, 30, 64, 128, 1000, 1 << 20, 1 << 39, 1 << 40))
    return rng.choice((0, -1, (1 << 40) + 1))


def _qty(rng: random.Random) -> int:
    if rng.random() < 0.96:
        return rng.randint(1, 12)
    return rng.choice((0, -1, 1 << 40, (1 << 40) + 1, 5000))


_FLAGS = (
    *(0,) * 9,
    c.FLAG_POST_ONLY,
    c.FLAG_REDUCE_ONLY,
    c.FLAG_LIQUIDATION,
    c.FLAG_POST_ONLY | c.FLAG_REDUCE_ONLY,
    c.FLAG_POST_ONLY | c.FLAG_SLIDE,
    c.FLAG_HIDDEN,
    c.FLAG_HIDDEN,
    c.FLAG_HIDDEN | c.FLAG_REDUCE_ONLY,
    c.FLAG_OCO,
    c.FLAG_OCO,
    c.FLAG_OCO | c.FLAG_HIDDEN,
    c.FLAG_OCO | c.FLAG_POST_ONLY | c.FLAG_SLIDE,
)


def _place(rng: random.Random, names: dict[str, int], number: int) -> dict[str, int]:
    kind = rng.choice((0, 0, 0, 0, 0, 1, 2, 3, 4, 5))
    tif = rng.choice((0, 0, 0, 1, 2, 3, 4))
    priced = kind in (c.TYPE_LIMIT, c.TYPE_STOP_LIMIT)
    command = blank(
        c.OP_PLACE,
        **names,
        order_id=number,
        side=rng.randint(0, 1),
        order_type=kind,
        tif=tif,
        price=_price(rng) if priced or rng.random() < 0.2 else 0,
        qty=_qty(rng),
        stp=rng.choice((0, 0, 1, 2, 3, 4)),
        flags=rng.choice(_FLAGS),
    )
    if kind in (c.TYPE_STOP, c.TYPE_STOP_LIMIT) or rng.random() < 0.02:
        command["stop_price"] = _price(rng)
    if kind >= c.TYPE_TRAILING_STOP:
        _trail(rng, command)
    if kind == c.TYPE_MARKET and rng.random() < 0.4:
        command.update(flags=c.FLAG_BY_AMOUNT, tif=rng.choice((0, 1)), qty=rng.randint(-5, 9000))
    if command["flags"] & c.FLAG_OCO:
        command["cause"] = _number(rng)
    if rng.random() < 0.2:
        command["display_qty"] = rng.randint(1, 4)
    if tif == c.TIF_GTD or rng.random() < 0.02:
        command["expires"] = rng.randint(0, 70)
    if rng.random() < 0.02:
        command[rng.choice(("side", "order_type", "tif", "stp", "flags"))] = rng.choice((9, 255))
    return command


def _trail(rng: random.Random, command: dict[str, int]) -> None:
    command["stop_price"] = rng.choice((1, 2, 3, 5, 1000, 0))
    if rng.random() < 0.4:
        command["flags"] |= c.FLAG_TRAIL_PPM
        command["stop_price"] = rng.choice((1, 10_000, 30_000, 1_000_000, 1_000_001))
    command["price"] = 0
    if command["order_type"] == c.TYPE_TRAILING_STOP_LIMIT:
        command["price"] = rng.choice((0, 1, 3, 200, -1))
