"""The mixed flow: cost in batches as in the live loop, and latency one command at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.messages.command import Commands
from perf.harness.measurement import Measurement, Options, absent
from perf.harness.titan_replay import (
    cost_of,
    cost_published,
    fresh_state,
    percentiles,
    pinned,
    time_commands,
    time_nothing,
)
from perf.peers import nautilus_engine, order_matching_engine, plain_python_book, sorted_book
from perf.workloads.mixed import MIX, RESTING, mixed_commands

_OPENING = 1 + RESTING
_VARIANT = f"mixed, {RESTING} resting orders"
_TARGET = "≤ 30 ns/op"


def run(options: Options) -> list[Measurement]:
    """Cost and latency of a command, and the peers' costs if they are wanted."""
    commands = mixed_commands(30_000 if options.quick else 300_000)
    opening, measured = commands[:_OPENING], commands[_OPENING:]
    count = len(measured)
    with pinned():
        time_commands(*fresh_state(opening, count), measured[:2_000], _OPENING)
        cost_published(*fresh_state(opening, count), measured[:2_000], _OPENING)
        costs, singles, published = [], [], []
        for _ in range(options.runs):
            costs.append(cost_of(*fresh_state(opening, count), measured, _OPENING))
            published.append(cost_published(*fresh_state(opening, count), measured, _OPENING))
            single, _ = time_commands(*fresh_state(opening, count), measured, _OPENING, 1)
            singles.append(single)
        found = [
            _cost("cost", tuple(costs), _TARGET),
            _cost("cost, events published", tuple(published)),
        ]
        found[0].details.update(commands=count, mix=MIX)
        for variant, times in (
            ("mixed, one command at a time", singles),
            ("mixed, each command's best run", [np.min(singles, axis=0)]),
            ("nothing, as often", [time_nothing(count) for _ in range(options.runs)]),
        ):
            found += _latencies(variant, times)
        if options.peers:
            found += _peers(commands, options)
    return found


def _latencies(variant: str, times: list[NDArray[np.int64]]) -> list[Measurement]:
    """Percentiles of single commands; what the machine takes from whoever runs, is in them."""
    latencies = [percentiles(each) for each in times]
    return [
        Measurement(
            scenario="titan",
            variant=variant,
            metric=f"latency p{percentile}",
            unit="ns",
            runs=tuple(each[percentile] for each in latencies),
            target="≤ 1,000 ns" if percentile == 99.9 else "",
            details={"includes": "reading the clock once"},
        )
        for percentile in latencies[0]
    ]


def _peers(commands: Commands, options: Options) -> list[Measurement]:
    """The same flow through each of them, as much of it as their speed allows."""
    found = []
    for peer, count in (
        (plain_python_book, len(commands)),
        (sorted_book, len(commands)),
        (nautilus_engine, 20_000),
        (order_matching_engine, 500),
    ):
        most = commands[: _OPENING + (count // 10 if options.quick else count)]
        try:
            costs = tuple(peer.replay(most, RESTING) for _ in range(min(options.runs, 3)))
        except ImportError as error:
            found.append(absent("titan", peer.NAME, str(error)))
        else:
            found.append(_cost("cost", costs, peer=peer.label()))
    return found


def _cost(metric: str, runs: tuple[float, ...], target: str = "", peer: str = "") -> Measurement:
    return Measurement("titan", _VARIANT, metric, "ns/op", runs, target, peer)
