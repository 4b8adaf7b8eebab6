"""What each wait strategy costs and gives, under load, at a trickle, and with nothing to do.

full load     unicast as fast as it goes: throughput, CPU time of both sides
10,000 / s    an event every 100 µs: how soon the consumer sees it, and its CPU time
idle          one event in a third of a second: the CPU time of waiting alone
"""

from __future__ import annotations

from functools import partial

from disruptor.ring.wait_strategy import STRATEGIES
from perf.harness.crew import Across
from perf.harness.histogram import latency_figures
from perf.harness.measurement import Measurement, Options
from perf.harness.turns import Variant, take_turns
from perf.ring.graph import graph_figures, run_graph
from perf.ring.paced import PacedRun, run_paced
from perf.scenarios.ring import unicast

NAME = "ring.wait_strategies"
_QUICK_PART = 50
_TRICKLE = 3_000
_TRICKLE_NS = 100_000
_IDLE_NS = 333_000_000


def run(options: Options) -> list[Measurement]:
    """Every strategy, or those that are asked for."""
    figures = []
    for across in options.across:
        for wait in options.waits or tuple(STRATEGIES):
            figures += _strategy(wait, across, options)
    return figures


def _strategy(wait: str, across: Across, options: Options) -> list[Measurement]:
    part = _QUICK_PART if options.quick else 1
    graph = unicast.GRAPH
    loaded = Variant(
        f"{across}, {wait}, full load",
        partial(run_graph, graph, graph.events // part, wait, across),
    )
    trickle = Variant(
        f"{across}, {wait}, 10,000 / s",
        partial(run_paced, wait, across, _TRICKLE // part, _TRICKLE_NS),
    )
    idle = Variant(f"{across}, {wait}, idle", partial(run_paced, wait, across, 1, _IDLE_NS // part))
    take_turns([loaded, trickle, idle], options.runs)
    return [
        *graph_figures(graph, loaded.name, loaded.runs, wait, scenario=NAME),
        *latency_figures(
            NAME, trickle.name, "delay", [each.delays_ns for each in trickle.runs], 0,
            details={"wait": wait},
        ),
        _consumer_cpus(trickle.name, trickle.runs, wait),
        _consumer_cpus(idle.name, idle.runs, wait),
    ]  # fmt: skip


def _consumer_cpus(variant: str, runs: list[PacedRun], wait: str) -> Measurement:
    values = tuple(run.consumer_cpus for run in runs)
    details: dict[str, float | int | str] = {"wait": wait}
    return Measurement(NAME, variant, "consumer's CPU", "CPU s/s", values, details=details)
