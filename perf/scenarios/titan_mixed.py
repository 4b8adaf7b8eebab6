"""Titan on a mixed workload: what one command costs, events written.

    prepared commands ──► apply_batch ──► outbox      one thread, one CPU, no ring

55 % limit orders that rest, 35 % cancels, 7 % immediate-or-cancel orders that cross, 3 % amends;
some 2,000 resting orders of 100 accounts in one symbol, the middle price on a random walk.  The
peer is the book that one would write in plain Python: dicts, a heap a side, a deque a price.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
from components.titan.engine.apply import apply_batch
from components.titan.engine.state import new_outbox, new_state
from perf.harness.measurement import Measurement, Options
from perf.peers.plain_python_book import replay

RESTING = 2_000
ACCOUNTS = 100
BATCH = 256
TARGET = "≤ 60 ns/op"


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


@contextmanager
def pinned() -> Iterator[None]:
    """Stay on one CPU, and give the others back after."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def time_titan(commands: Commands) -> tuple[float, dict[str, Any]]:
    """Nanoseconds a command after the opening, and what happened."""
    state, outbox = new_state(), new_outbox(1 << 16)
    opening = 1 + RESTING
    sequence = 1
    for begin in range(0, opening, BATCH):
        end = min(begin + BATCH, opening)
        apply_batch(state, commands[begin:end], sequence, outbox)
        sequence += end - begin
        outbox.count[0] = 0
    events = 0
    started = time.perf_counter_ns()
    for begin in range(opening, len(commands), BATCH):
        chunk = commands[begin : begin + BATCH]
        sequence += apply_batch(state, chunk, sequence, outbox)
        events += int(outbox.count[0])
        outbox.count[0] = 0
    elapsed = time.perf_counter_ns() - started
    measured = len(commands) - opening
    return elapsed / measured, {"commands": measured, "events": events}


def run(options: Options) -> list[Measurement]:
    """Cost a command, and the plain Python book's beside it if peers are wanted."""
    commands = mixed_commands(30_000 if options.quick else 300_000)
    with pinned():
        time_titan(commands[: RESTING + 2_000])
        runs = [time_titan(commands) for _ in range(options.runs)]
        found = [
            Measurement(
                scenario="titan_mixed",
                variant=f"{RESTING} resting orders",
                metric="cost",
                unit="ns/op",
                runs=tuple(cost for cost, _ in runs),
                target=TARGET,
                details=runs[0][1],
            )
        ]
        if options.peers:
            found.append(
                Measurement(
                    scenario="titan_mixed",
                    variant=f"{RESTING} resting orders",
                    metric="cost",
                    unit="ns/op",
                    runs=tuple(replay(commands, RESTING) for _ in range(options.runs)),
                    peer="plain Python book",
                )
            )
    return found
