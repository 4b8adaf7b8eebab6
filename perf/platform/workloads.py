"""What the load generator sends: an opening, then a tile of commands that repeats.

    mixed       a busy book (perf.workloads.mixed)
    prices      nine prices to an order; a thousand accounts, each with a position
    cascades    the same accounts, highly levered, and a price that falls by a tenth and recovers:
                all of them are liquidated on its way down, the first time
    crash       400,000 accounts on 160 symbols (perf.workloads.cascade); small_crash: 8,000 on 8
    recorded    an exchange's own market, sped up (perf.platform.recorded)

Order numbers grow from tile to tile, so every one is new.  The instrument is the platform's first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from components.messages.code import (
    BUY,
    OP_ACCOUNT,
    OP_DEPOSIT,
    OP_PLACE,
    OP_POSITION,
    OP_PRICE,
    SELL,
    SOURCE_FEED,
    TIF_IOC,
)
from components.messages.command import Commands, new_commands
from components.units import MONEY_SCALE
from perf.platform.recorded import MAKER, recorded_commands
from perf.workloads import cascade
from perf.workloads.mixed import ACCOUNTS, RESTING, mixed_commands

TILE: Final = 50_000
MIDDLE: Final = 500_000
"""In ticks of the default configuration's instrument: 50,000."""
_HOLDERS: Final = 1_000
_LOTS: Final = 10
_BIDS: Final = 2_000
_FIRST_BID: Final = 1 << 40


@dataclass(frozen=True)
class Workload:
    """``opening`` is sent once and ``warm`` for a moment, both unmeasured; ``tile`` repeats."""

    opening: Commands
    warm: Commands
    tile: Commands


def workload(name: str) -> Workload:
    """One of WORKLOADS."""
    return WORKLOADS[name]()


def _mixed() -> Workload:
    commands = mixed_commands(TILE)[1:]
    opening = np.concatenate([_funded(ACCOUNTS, 10**8), commands[:RESTING]])
    tile = commands[RESTING:]
    return Workload(opening, tile, tile)


def _prices() -> Workload:
    random = np.random.default_rng(2)
    walk = MIDDLE + np.cumsum(random.integers(-3, 4, TILE)).clip(-2_000, 2_000)
    tile = _priced(walk)
    orders = tile[::10]
    orders["op"], orders["tif"], orders["qty"] = OP_PLACE, TIF_IOC, 1
    orders["order_id"] = np.arange(1, len(orders) + 1)
    orders["account"] = 1 + orders["order_id"] % _HOLDERS
    orders["side"] = np.where(orders["order_id"] % 2, BUY, SELL)
    return Workload(_holders(2, np.full(_HOLDERS, 1_000)), tile, tile)


def _cascades() -> Workload:
    """Down and up again in steps; thresholds lie all along the way down."""
    fall = np.concatenate([np.linspace(1.0, 0.9, TILE // 2), np.linspace(0.9, 1.0, TILE // 2)])
    still = _priced(np.full(TILE, MIDDLE))
    collateral = np.linspace(4, 40, _HOLDERS).astype(np.int64)
    return Workload(_holders(20, collateral), still, _priced((MIDDLE * fall).astype(np.int64)))


def _recorded() -> Workload:
    tile = recorded_commands()
    return Workload(_funded(MAKER, 10**9), tile, tile)


def _priced(ticks: np.ndarray) -> Commands:
    commands = new_commands(len(ticks))
    commands["op"], commands["source"], commands["price"] = OP_PRICE, SOURCE_FEED, ticks
    return commands


def _funded(accounts: int, amount: int | np.ndarray) -> Commands:
    commands = new_commands(2 * accounts)
    commands["account"] = np.repeat(np.arange(1, accounts + 1), 2)
    commands["op"] = np.tile((OP_ACCOUNT, OP_DEPOSIT), accounts)
    commands["price"][1::2] = np.asarray(amount) * MONEY_SCALE
    return commands


def _holders(leverage: int, collateral: np.ndarray) -> Commands:
    """Accounts with a long position each, and one that buys whatever is sold."""
    positions = new_commands(_HOLDERS)
    positions["op"], positions["account"] = OP_POSITION, np.arange(1, _HOLDERS + 1)
    positions["qty"], positions["price"], positions["leverage"] = _LOTS, MIDDLE, leverage
    buyer = _funded(1, 10**9)
    buyer["account"] = _HOLDERS + 1
    bids = new_commands(_BIDS)
    bids["op"], bids["account"], bids["side"] = OP_PLACE, _HOLDERS + 1, BUY
    bids["order_id"] = _FIRST_BID + np.arange(_BIDS)
    bids["price"], bids["qty"] = MIDDLE - 25 * (1 + np.arange(_BIDS)), 1_000
    opening: Commands = np.concatenate(
        [
            _funded(_HOLDERS, collateral),
            buyer,
            _priced(np.array([MIDDLE])),
            positions,
            bids,
        ]
    )
    return opening


def _crash(crash: cascade.Crash) -> Workload:
    """Each account's money and positions; then all of the crash."""
    prices = new_commands(crash.symbols)
    prices["op"], prices["symbol"] = OP_PRICE, np.arange(crash.symbols)
    prices["price"] = cascade.ENTRY
    return Workload(
        cascade.accounts_of(crash), prices, np.concatenate(list(cascade.steps_of(crash)))
    )


WORKLOADS: Final[dict[str, Callable[[], Workload]]] = {
    "mixed": _mixed,
    "prices": _prices,
    "cascades": _cascades,
    "crash": lambda: _crash(cascade.FULL),
    "small_crash": lambda: _crash(cascade.QUICK),
    "recorded": _recorded,
}
