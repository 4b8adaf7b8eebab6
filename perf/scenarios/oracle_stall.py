"""What the pipeline feels of a snapshot: nothing but the machine's time and the disk's.

::

    this process     Titan in batches, then an append to the journal, synced      (the pipeline)
    another process  at the lowest priority: both states to bytes, hash, write, sync   (a snapshot)

The live engines are never asked and never wait.  Each figure is taken twice in the same run: with
snapshots of so many resting orders being written one after the other, and with none.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.messages.code import BUY, OP_INSTRUMENT, OP_PLACE, SELL
from components.messages.command import COMMAND, Commands, new_commands
from components.oracle.store import Journal, snapshot_file
from components.sentinel import engine as sentinel_engine
from components.titan import engine as titan_engine
from components.titan.engine import TitanState
from perf.harness.measurement import Measurement, Options

SCENARIO = "oracle_stall"
ORDERS = 1_000_000
QUICK_ORDERS = 20_000
BATCH = 256
SECONDS = 4.0
_ROOM = 1 << 14


def run(options: Options) -> list[Measurement]:
    """Longest and 99.9th percentile of a batch and of a durable append, without and with."""
    orders = QUICK_ORDERS if options.quick else ORDERS
    seconds = 0.5 if options.quick else SECONDS
    state = _full_book(orders)
    results: list[Measurement] = []
    root = os.environ.get("PERF_DIRECTORY", ".")
    with tempfile.TemporaryDirectory(prefix="oracle-perf-", dir=root) as directory:
        for label in ("no snapshot", f"snapshots of {orders:,} resting orders"):
            matching, appends, taken = [], [], 0
            for turn in range(options.runs):
                path = Path(directory) / f"{label.replace(' ', '-')}-{turn}"
                if label == "no snapshot":
                    batches, durable = _pipeline(path, seconds, None)
                else:
                    batches, durable, taken = _beside_snapshots(state, path, seconds)
                matching.append(batches)
                appends.append(durable)
            results += _told(label, f"matching {BATCH} commands", matching, "≤ 1,000 µs", taken)
            results += _told(label, "durable append", appends, "", taken)
    return results


def _told(
    variant: str, what: str, runs: list[NDArray[np.float64]], target: str, snapshots: int
) -> list[Measurement]:
    figures = (("p99", 99.0), ("p99.9", 99.9), ("longest", 100.0))
    return [
        Measurement(
            SCENARIO,
            variant,
            f"{what}, {name}",
            "µs",
            tuple(float(np.percentile(each, percentile)) * 1e6 for each in runs),
            target if name == "longest" and snapshots else "",
            details={"snapshots in the last run": snapshots} if snapshots else {},
        )
        for name, percentile in figures
    ]


def _beside_snapshots(
    state: TitanState, path: Path, seconds: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    context = multiprocessing.get_context("fork")
    is_over = context.Event()
    has_begun = context.Event()
    taken = context.Value("q", 0)
    folder = path.with_name(path.name + "-snapshots")

    def write_snapshots() -> None:
        os.setpriority(os.PRIO_PROCESS, 0, 19)
        while not is_over.is_set():
            has_begun.set()
            _snapshot(state, folder, int(taken.value))
            taken.value += 1

    child = context.Process(target=write_snapshots)
    child.start()
    try:
        has_begun.wait()
        batches, durable = _pipeline(path, seconds, is_over)
    finally:
        is_over.set()
        child.join()
    return batches, durable, int(taken.value)


def _snapshot(state: TitanState, folder: Path, number: int) -> None:
    parts = {
        "titan": titan_engine.canonical_bytes(state),
        "sentinel": sentinel_engine.canonical_bytes(sentinel_engine.new_state()),
    }
    snapshot_file.write(folder, number, {"sequences": {}}, parts)
    snapshot_file.retire(folder, 2, 1e9)


def _pipeline(
    path: Path, seconds: float, is_over: Event | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Match and journal for so long; the seconds that each batch and each append took."""
    state = _full_book(2_000)
    outbox = titan_engine.new_outbox(1 << 18)
    matching, appends = [], []
    number = 10_000
    with Journal.open_writer(path, {"commands": COMMAND}) as journal:
        ends = time.perf_counter() + seconds
        while (started := time.perf_counter()) < ends:
            commands = _churn(number, BATCH)
            ready = time.perf_counter()
            titan_engine.apply_batch(state, commands, number + 1, outbox)
            outbox.count[0] = 0
            matched = time.perf_counter()
            journal.append([("commands", journal.last_sequence("commands") + 1, [commands])])
            matching.append(matched - ready)
            appends.append(time.perf_counter() - matched)
            number += BATCH
            assert ready >= started
    return np.array(matching), np.array(appends)


def _full_book(orders: int) -> TitanState:
    """A book in which so many orders rest, half a side, on a thousand prices each."""
    state = titan_engine.new_state(max_orders=max(1 << 17, orders + _ROOM))
    listing = new_commands(1)
    listing["op"], listing["price"], listing["qty"], listing["stop_price"] = OP_INSTRUMENT, 1, 1, 1
    outbox = titan_engine.new_outbox(1 << 24)
    titan_engine.apply_batch(state, listing, 1, outbox)
    done = 0
    while done < orders:
        count = min(BATCH, orders - done)
        outbox.count[0] = 0
        commands = _orders(done, count)
        applied = titan_engine.apply_batch(state, commands, 2 + done, outbox)
        assert applied == count, "the outbox holds what a batch gives"
        done += count
    return state


def _orders(first: int, count: int) -> Commands:
    numbers = np.arange(first + 1, first + count + 1)
    commands = new_commands(count)
    commands["op"] = OP_PLACE
    commands["order_id"] = numbers
    commands["account"] = numbers % 100 + 1
    commands["side"] = np.where(numbers % 2, BUY, SELL)
    away = 1 + numbers // 2 % 1_000
    commands["price"] = 1_000_000 + np.where(numbers % 2, -away, away)
    commands["qty"] = 10
    return commands


def _churn(first: int, count: int) -> Commands:
    """Orders at the touch that trade with each other and leave the book as it was."""
    commands = _orders(first, count)
    commands["price"] = 1_000_000
    return commands
