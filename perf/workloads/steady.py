"""A book, or many, of a given size, and commands that keep it at that size.

Of 21 commands ten place an order, ten cancel one, and one takes a lot at the touch.  Cancelled are
the orders that were there first, drawn without order, so that memory is met as it lies; when all
of them are gone, those placed since, the oldest first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    BUY,
    OP_CANCEL,
    OP_INSTRUMENT,
    OP_PLACE,
    SELL,
    TIF_IOC,
)
from components.messages.command import Commands, new_commands

MIDDLE = 1 << 30
_ORDERS_A_LEVEL = 20
_LEVELS_MAX = 20_000
_ROUND = 21


def steady_commands(
    resting: int, count: int, symbols: int = 1, seed: int = 1
) -> tuple[Commands, Commands]:
    """What fills the books, listings first, and ``count`` commands after it."""
    rng = np.random.default_rng(seed)
    levels = int(np.clip(resting // symbols // _ORDERS_A_LEVEL, 10, _LEVELS_MAX))
    listings = new_commands(symbols)
    listings["op"], listings["symbol"] = OP_INSTRUMENT, np.arange(symbols)
    listings["price"] = listings["qty"] = listings["stop_price"] = 1
    ids = np.arange(1, resting + 1)
    filling = _orders(ids, symbols, levels, rng)
    commands = _orders(resting + np.arange(1, count + 1), symbols, levels, rng)
    turn = np.arange(count) % _ROUND
    takers, cancels, places = turn == 0, turn % 2 == 0, turn % 2 == 1
    cancels &= ~takers
    ends = np.concatenate([filling[rng.permutation(resting)], commands[places]])
    ends = ends[: int(cancels.sum())]
    commands["op"][cancels] = OP_CANCEL
    for name in ("order_id", "account", "symbol"):
        commands[name][cancels] = ends[name]
    for name in ("side", "price", "qty"):
        commands[name][cancels] = 0
    commands["tif"][takers], commands["qty"][takers] = TIF_IOC, 1
    far = np.where(commands["side"] == BUY, MIDDLE + levels, MIDDLE - levels)
    commands["price"][takers] = far[takers]
    return np.concatenate([listings, filling]), commands


def _orders(
    ids: NDArray[np.int64], symbols: int, levels: int, rng: np.random.Generator
) -> Commands:
    orders = new_commands(len(ids))
    orders["op"] = OP_PLACE
    orders["order_id"], orders["account"] = ids, 1 + ids % 1_000
    orders["symbol"] = rng.integers(0, symbols, len(ids))
    orders["side"] = rng.integers(BUY, SELL + 1, len(ids))
    away = 1 + rng.integers(0, levels, len(ids))
    orders["price"] = MIDDLE + np.where(orders["side"] == BUY, -away, away)
    orders["qty"] = rng.integers(10, 100, len(ids))
    return orders
