"""Titan where it may hurt: bursts, sweeps through a deep book, prices far apart, mass cancels."""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BUY,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_INSTRUMENT,
    OP_PLACE,
    SELL,
    TIF_IOC,
)
from components.messages.command import Commands, new_commands
from components.units import PRICE_TICKS_MAX
from perf.harness.measurement import Measurement, Options
from perf.harness.titan_replay import fresh_state, percentiles, pinned, time_commands

_MIDDLE = 1 << 30


def run(options: Options) -> list[Measurement]:
    """All four."""
    size = 2_000 if options.quick else 10_000
    with pinned():
        return [
            *_bursts(size, options.runs),
            *_sweeps(size, options.runs),
            *_gaps(size, options.runs),
            *_mass_cancels(size, options.runs),
        ]


def _listing() -> Commands:
    listing = new_commands(1)
    listing["op"], listing["price"], listing["qty"], listing["stop_price"] = OP_INSTRUMENT, 1, 1, 1
    return listing


def _resting(count: int, first_id: int, prices: np.ndarray, side: int) -> Commands:
    orders = new_commands(count)
    orders["op"], orders["side"], orders["qty"], orders["account"] = OP_PLACE, side, 10, 1
    orders["order_id"], orders["price"] = first_id + np.arange(count), prices
    return orders


def _bursts(size: int, runs: int) -> list[Measurement]:
    """``size`` orders at five prices arrive in one go, and are cancelled in one go, last first."""
    orders = _resting(size, 1, _MIDDLE - np.arange(size) % 5, BUY)
    cancels = orders[::-1].copy()
    cancels["op"] = OP_CANCEL
    placed, cancelled = [], []
    for _ in range(runs):
        state, outbox = fresh_state(_listing(), size)
        times, _ = time_commands(state, outbox, orders, 1)
        placed.append(float(times.sum()) / size)
        times, _ = time_commands(state, outbox, cancels, 1 + size)
        cancelled.append(float(times.sum()) / size)
    variant = f"burst of {size:,}"
    return [
        Measurement("titan", variant, "cost of a place", "ns/op", tuple(placed)),
        Measurement("titan", variant, "cost of a cancel", "ns/op", tuple(cancelled)),
    ]


def _sweeps(size: int, runs: int) -> list[Measurement]:
    """One order takes ``size`` orders, ten a price, at every second price."""
    asks = _resting(size, 1, _MIDDLE + 2 * (np.arange(size) // 10), SELL)
    sweep = _resting(1, size + 1, np.array([_MIDDLE + 2 * size]), BUY)
    sweep["qty"], sweep["tif"] = 10 * size, TIF_IOC
    taken = []
    for _ in range(runs):
        state, outbox = fresh_state(np.concatenate([_listing(), asks]), 1)
        times, events = time_commands(state, outbox, sweep, 1 + size, 1)
        if events < size:
            raise RuntimeError(f"events={events}; a sweep of {size} orders must trade each")
        taken.append(float(times[0]) / size)
    return [Measurement("titan", f"sweep of {size:,}", "cost of a trade", "ns", tuple(taken))]


def _gaps(size: int, runs: int) -> list[Measurement]:
    """Every order lies anywhere in the whole range of prices; each second command cancels one."""
    rng = np.random.default_rng(3)
    prices = rng.integers(1, PRICE_TICKS_MAX // 2, 2 * size)
    opening = np.concatenate([_listing(), _resting(size, 1, prices[:size], BUY)])
    commands = np.repeat(_resting(size, size + 1, prices[size:], BUY), 2)
    commands[1::2] = opening[1:]
    commands["op"][1::2] = OP_CANCEL
    latencies = []
    for _ in range(runs):
        state, outbox = fresh_state(opening, size)
        times, _ = time_commands(state, outbox, commands, len(opening), 1)
        latencies.append(percentiles(times))
    return [
        Measurement(
            "titan", f"prices anywhere, {size:,} orders", f"latency p{percentile}", "ns",
            tuple(each[percentile] for each in latencies),
        )
        for percentile in latencies[0]
    ]  # fmt: skip


def _mass_cancels(size: int, runs: int) -> list[Measurement]:
    """One command ends all ``size`` orders of one of two accounts."""
    prices = _MIDDLE - np.arange(2 * size) % 1_000
    orders = _resting(2 * size, 1, prices, BUY)
    orders["account"] = 1 + np.arange(2 * size) % 2
    command = new_commands(1)
    command["op"], command["account"] = OP_CANCEL_ALL, 2
    taken = []
    for _ in range(runs):
        state, outbox = fresh_state(np.concatenate([_listing(), orders]), 1)
        times, events = time_commands(state, outbox, command, 1 + 2 * size, 1)
        if events < size:
            raise RuntimeError(f"events={events}; {size} orders must be cancelled")
        taken.append(float(times[0]) / size)
    return [
        Measurement("titan", f"mass cancel of {size:,}", "cost of an order", "ns", tuple(taken))
    ]
