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
    ts = rng.choice((0, 0, rng.randrange(1, 60)))
    symbol = rng.randrange(symbols) if rng.random() < 0.98 else rng.choice((9, UNKNOWN_SYMBOL))
    names = {"ts": ts, "symbol": symbol, "account": rng.randint(1, 4)}
    number = rng.randint(1, 25)
    draw = rng.random()
    if draw < 0.62:
        return _place(rng, names, number)
    if draw < 0.74:
        return blank(c.OP_CANCEL, **names, order_id=number)
    if draw < 0.88:
        price = rng.choice((UNCHANGED, _price(rng)))
        qty = rng.choice((UNCHANGED, _qty(rng)))
        return blank(c.OP_AMEND, **names, order_id=number, price=price, qty=qty)
    if draw < 0.91:
        return blank(c.OP_CANCEL_ALL, **{**names, "symbol": rng.choice((symbol, ALL_SYMBOLS))})
    if draw < 0.96:
        return blank(c.OP_PRICE, **names, price=_price(rng), qty=rng.choice((0, 3)), origin_ts=ts)
    if draw < 0.98:
        side, qty = rng.randint(0, 1), rng.randint(0, 30)
        return blank(c.OP_POSITION, **names, price=_price(rng), qty=qty, side=side, leverage=3)
    return blank(rng.choice((c.OP_VOID, c.OP_ACCOUNT, c.OP_DEPOSIT, c.OP_TIMER)), **names)


def _price(rng: random.Random) -> int:
    draw = rng.random()
    if draw < 0.9:
        return rng.randint(95, 105)
    if draw < 0.97:
        return rng.choice((1, 30, 64, 128, 1000, 1 << 20, 1 << 39, 1 << 40))
    return rng.choice((0, -1, (1 << 40) + 1))


def _qty(rng: random.Random) -> int:
    if rng.random() < 0.96:
        return rng.randint(1, 12)
    return rng.choice((0, -1, 1 << 40, (1 << 40) + 1, 5000))


def _place(rng: random.Random, names: dict[str, int], number: int) -> dict[str, int]:
    kind = rng.choice((0, 0, 0, 0, 1, 2, 3))
    tif = rng.choice((0, 0, 0, 1, 2, 3))
    command = blank(
        c.OP_PLACE,
        **names,
        order_id=number,
        side=rng.randint(0, 1),
        order_type=kind,
        tif=tif,
        price=_price(rng) if kind in (0, 3) or rng.random() < 0.2 else 0,
        qty=_qty(rng),
        stp=rng.choice((0, 0, 1, 2, 3, 4)),
        flags=rng.choice((0, 0, 0, c.FLAG_POST_ONLY, c.FLAG_REDUCE_ONLY, c.FLAG_LIQUIDATION, 3)),
    )
    if kind >= c.TYPE_STOP or rng.random() < 0.02:
        command["stop_price"] = _price(rng)
    if rng.random() < 0.3:
        command["display_qty"] = rng.randint(1, 4)
    if tif == c.TIF_GTD or rng.random() < 0.02:
        command["expires"] = rng.randint(0, 70)
    if rng.random() < 0.01:
        command[rng.choice(("side", "order_type", "tif", "stp", "flags"))] = 9
    return command
