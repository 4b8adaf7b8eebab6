"""exchange-core's named configurations: mostly orders that move, in one book or in thousands.

Each run ends with every book compared with the generator's own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from components.titan.engine import depth
from components.titan.engine.state import TitanState
from perf.harness.measurement import Measurement, Options
from perf.harness.titan_replay import cost_of, fresh_state, percentiles, pinned, time_commands
from perf.workloads.exchange_core import (
    MEDIUM,
    PEAK,
    SINGLE_PAIR,
    Configuration,
    Flow,
    generate,
)

_QUICK = 20  # times fewer commands, and symbols and orders of a book that has many


def run(options: Options) -> list[Measurement]:
    """Cost in batches and latency one command at a time, of all three configurations."""
    found: list[Measurement] = []
    for configuration in (SINGLE_PAIR, PEAK, MEDIUM):
        if options.quick:
            configuration = _smaller(configuration)
        found += _measure(generate(configuration), configuration, options)
    return found


def _smaller(configuration: Configuration) -> Configuration:
    smaller = replace(configuration, commands=configuration.commands // _QUICK)
    if configuration.symbols < 1_000:
        return smaller
    return replace(
        smaller,
        symbols=configuration.symbols // _QUICK,
        resting=configuration.resting // _QUICK,
    )


def _measure(flow: Flow, configuration: Configuration, options: Options) -> list[Measurement]:
    opening, commands = flow.opening, flow.commands
    most = max(64, configuration.symbols)
    costs, latencies = [], []
    with pinned():
        for _ in range(min(options.runs, 3)):
            state, outbox = fresh_state(opening, len(commands), most)
            costs.append(cost_of(state, outbox, commands, len(opening)))
            check_books(state, flow)
            state, outbox = fresh_state(opening, len(commands), most)
            single, _ = time_commands(state, outbox, commands, len(opening), 1)
            latencies.append(percentiles(single))
    variant = f"exchange-core {configuration.name}"
    cost = Measurement("titan", variant, "cost", "ns/op", tuple(costs))
    cost.details.update(
        commands=len(commands), resting=configuration.resting, symbols=configuration.symbols,
        trading=flow.trading, **flow.kinds,
    )  # fmt: skip
    return [
        cost,
        *(
            Measurement(
                "titan", f"{variant}, one at a time", f"latency p{percentile}", "ns",
                tuple(each[percentile] for each in latencies),
            )
            for percentile in latencies[0]
        ),
    ]  # fmt: skip


def check_books(state: TitanState, flow: Flow) -> None:
    """Every symbol's levels must be those of the generator's book."""
    for symbol, levels in enumerate(flow.books):
        bids, asks = depth(state, symbol, len(levels) + 1)
        sides = [
            np.column_stack((np.full(len(side), n), side)) for n, side in ((0, bids), (1, asks))
        ]
        if not np.array_equal(np.concatenate(sides), levels):
            raise RuntimeError(f"symbol {symbol}: Titan's book is not the generator's")
