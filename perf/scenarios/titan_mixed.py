"""Titan on a mixed workload: what one command costs, events written.

    prepared commands ──► apply_batch ──► outbox      one thread, one CPU, no ring

Cost: batches of 256, as in the live loop.  Latency: one command at a time, between two readings of
the clock.

55 % limit orders that rest, 35 % cancels, 7 % immediate-or-cancel orders that cross, 3 % amends;
some 2,000 resting orders of 100 accounts in one symbol, the middle price on a random walk.  The
peer is the book that one would write in plain Python: dicts, a heap a side, a deque a price.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

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
from components.titan.engine.state import Outbox, TitanState, new_outbox, new_state
from disruptor.compiled import entry
from disruptor.memory.libc import monotonic_ns
from perf.harness.measurement import Measurement, Options
from perf.peers.plain_python_book import replay

RESTING = 2_000
ACCOUNTS = 100
BATCH = 256
TARGET = "≤ 60 ns/op"
MIX = "55 % rest, 35 % cancel, 7 % cross, 3 % amend"
PERCENTILES = (50, 90, 99, 99.9, 99.99)


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


@entry
def replay_timed(
    state: TitanState,
    commands: Commands,
    first_sequence: int,
    outbox: Outbox,
    batch: int,
    times: NDArray[np.int64],
) -> tuple[int, int]:
    """Apply commands in batches, as the live loop does; how many were applied, and the events.

    ``times``, one a batch, takes the nanoseconds of each, the reading of the clock included.
    """
    applied = events = 0
    for number in range(len(times)):
        begin = number * batch
        started = monotonic_ns()
        chunk = commands[begin : begin + batch]
        applied += apply_batch(state, chunk, first_sequence + begin, outbox)
        times[number] = monotonic_ns() - started
        events += outbox.count[0]
        outbox.count[0] = 0
    return applied, events


def time_titan(commands: Commands, batch: int = BATCH) -> tuple[NDArray[np.int64], int]:
    """Nanoseconds of each batch after the opening, and the events written."""
    state, outbox = new_state(), new_outbox(1 << 16)
    opening = 1 + RESTING
    replay_timed(state, commands[:opening], 1, outbox, 1, np.zeros(opening, np.int64))
    measured = commands[opening:]
    times = np.zeros(-(-len(measured) // batch), np.int64)
    applied, events = replay_timed(state, measured, 1 + opening, outbox, batch, times)
    if applied != len(measured):
        raise RuntimeError(
            f"applied={applied} of {len(measured)} commands; the outbox is too small"
        )
    return times, int(events)


def run(options: Options) -> list[Measurement]:
    """Cost and latency of a command, and the plain Python book's cost if peers are wanted."""
    commands = mixed_commands(30_000 if options.quick else 300_000)
    count = len(commands) - 1 - RESTING
    with pinned():
        time_titan(commands[: RESTING + 2_000])
        runs = [time_titan(commands) for _ in range(options.runs)]
        found = [
            Measurement(
                scenario="titan_mixed",
                variant=f"{RESTING} resting orders",
                metric="cost",
                unit="ns/op",
                runs=tuple(float(times.sum()) / count for times, _ in runs),
                target=TARGET,
                details={"commands": count, "events": runs[0][1], "mix": MIX},
            )
        ]
        single = [time_titan(commands, 1)[0] for _ in range(options.runs)]
        found += [
            Measurement(
                scenario="titan_mixed",
                variant="one command at a time",
                metric=f"latency p{percentile}",
                unit="ns",
                runs=tuple(float(np.percentile(times, percentile)) for times in single),
                details={"mix": MIX, "includes": "reading the clock once"},
            )
            for percentile in PERCENTILES
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
