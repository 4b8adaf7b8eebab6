"""What a command costs as the book grows, and as the books become many; bytes an order.

    resting orders   100 … 10,000,000 in one symbol, or as many as the engine and memory allow
    symbols          1 … 10,000, with 100,000 resting orders among them

A command touches an order drawn from all of them, so from some size on each one misses the caches;
what is measured is what that costs: the median batch, and single commands.  ``bin/perf titan.growth --plots DIR`` draws both curves.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from components.messages.command import Commands
from components.titan.engine.state import LIVE, ORDERS_MAX, SYMBOLS_MAX
from perf.harness.measurement import Measurement, Options
from perf.harness.titan_replay import BATCH, fresh_state, percentiles, pinned, time_commands
from perf.workloads.steady import steady_commands

RESTING = (100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
SYMBOLS = (1, 10, 100, 1_000, 10_000)
_SHARED_ORDERS = 100_000
_BYTES_AN_ORDER = 1_200  # of commands, events and state together, to know when memory is short
_ROOM = 1_000  # orders that a steady book has too many for a moment
_COMMANDS = 200_000
_SHOWN = (50, 99, 99.9)


def run(options: Options) -> list[Measurement]:
    """Both curves; a quick run ends at a hundredth of each."""
    count = _COMMANDS // (10 if options.quick else 1)
    most = min(ORDERS_MAX - _ROOM, _free_bytes() // _BYTES_AN_ORDER)
    most = min(most, 100_000) if options.quick else most
    found: list[Measurement] = []
    for resting in (size for size in RESTING if size <= most):
        found += _measure("resting orders", resting, 1, resting, count, options)
    symbols_most = 100 if options.quick else SYMBOLS_MAX
    for symbols in (size for size in SYMBOLS if size <= symbols_most):
        found += _measure("symbols", symbols, symbols, _SHARED_ORDERS, count, options)
    return found


def _measure(
    axis: str, size: int, symbols: int, resting: int, count: int, options: Options
) -> list[Measurement]:
    opening, commands = steady_commands(resting, count, symbols)
    costs, latencies = [], []
    sizes = (_bytes_an_order(opening, count, max(64, symbols), resting),)
    for _ in range(min(options.runs, 3)):
        with pinned():
            state, outbox = fresh_state(opening, count, max(64, symbols))
            half = count // 2
            times, _ = time_commands(state, outbox, commands[:half], len(opening))
            single, _ = time_commands(state, outbox, commands[half:], len(opening) + half, 1)
        costs.append(float(np.median(times)) / BATCH)
        latencies.append(percentiles(single))
        del state, outbox
    variant = f"{size:,} {axis}"
    found = [Measurement("titan", variant, "cost", "ns/op", tuple(costs))]
    found += [
        Measurement(
            "titan", variant, f"latency p{percentile}", "ns",
            tuple(each[percentile] for each in latencies),
        )
        for percentile in _SHOWN
    ]  # fmt: skip
    if axis == "resting orders" and size >= 10_000:
        found.append(Measurement("titan", variant, "memory", "bytes/order", sizes))
    for each in found:
        each.details.update(axis=axis, size=size, commands=count)
    return found


def _bytes_an_order(opening: Commands, count: int, symbols: int, resting: int) -> float:
    """Memory of a state that was given none beforehand, once all orders rest."""
    before = _resident_bytes()
    state, _ = fresh_state(opening, count, symbols, prepared=False)
    taken = _resident_bytes() - before
    if state.totals[LIVE] != resting:
        raise RuntimeError(f"live={state.totals[LIVE]}; all {resting} orders must rest")
    return taken / resting


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _free_bytes() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def curve(figures: list[Measurement], axis: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Sizes and medians of one curve."""
    rows = [
        (int(each.details["size"]), each.value)
        for each in figures
        if each.details.get("axis") == axis and each.metric == metric
    ]
    sizes, values = zip(*sorted(rows), strict=True) if rows else ((), ())
    return np.array(sizes), np.array(values)
