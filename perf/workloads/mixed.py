"""A mixed flow around a moving middle: what a busy book of one symbol sees.

55 % limit orders that rest, 35 % cancels, 7 % immediate-or-cancel orders that cross, 3 % amends;
some 2,000 resting orders of 100 accounts, the middle price on a random walk.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BUY,
    OP_AMEND,
    OP_CANCEL,
    OP_INSTRUMENT,
    OP_PLACE,
    SELL,
    TIF_IOC,
)
from components.messages.command import UNCHANGED, Commands, new_commands

RESTING = 2_000
ACCOUNTS = 100
MIX = "55 % rest, 35 % cancel, 7 % cross, 3 % amend"


def mixed_commands(count: int, seed: int = 1) -> Commands:
    """``count`` commands after an instrument command and ``RESTING`` opening orders."""
    random = np.random.default_rng(seed)
    commands = new_commands(1 + RESTING + count)
    listing = commands[0]
    listing["op"], listing["price"], listing["qty"], listing["stop_price"] = OP_INSTRUMENT, 1, 1, 1
    body = commands[1:]
    total = len(body)
    middle = 1_000_000 + np.cumsum(random.integers(-1, 2, total))
    away = 1 + random.geometric(0.05, total)
    quantity = random.integers(1, 100, total)
    draw = random.random(total)
    live: list[tuple[int, int, int]] = []
    for number in range(total):
        row = body[number]
        kind = draw[number] if number >= RESTING else 0.0
        if kind >= 0.62 and live:
            _touch_live(row, live, random, is_amend=kind >= 0.97)
            continue
        side = BUY if random.random() < 0.5 else SELL
        _place(row, number + 1, side, int(quantity[number]))
        passive = -1 if side == BUY else 1
        if kind < 0.55:
            row["price"] = middle[number] + passive * away[number]
            live.append((number + 1, int(row["account"]), int(row["price"])))
        else:
            row["tif"] = TIF_IOC
            row["price"] = middle[number] - passive * 20
        if len(live) > RESTING + 500:
            live = live[500:]
    return commands


def _place(row: np.void, order_id: int, side: int, qty: int) -> None:
    row["op"], row["order_id"], row["account"] = OP_PLACE, order_id, order_id % ACCOUNTS + 1
    row["side"], row["qty"] = side, qty


def _touch_live(
    row: np.void,
    live: list[tuple[int, int, int]],
    random: np.random.Generator,
    *,
    is_amend: bool,
) -> None:
    place = int(random.integers(len(live)))
    order_id, account, _ = live[place]
    row["order_id"], row["account"] = order_id, account
    if is_amend:
        row["op"], row["price"], row["qty"] = OP_AMEND, UNCHANGED, int(random.integers(1, 50))
    else:
        row["op"] = OP_CANCEL
        live[place] = live[-1]
        live.pop()
