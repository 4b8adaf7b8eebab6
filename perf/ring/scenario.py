"""Runs a graph as often as the options say and turns the runs into figures."""

from __future__ import annotations

from collections.abc import Iterator

from perf.harness.crew import Across
from perf.harness.measurement import Measurement, Options
from perf.ring.graph import Graph, GraphRun, run_graph

_QUICK_PART = 50


def run_scenario(graph: Graph, options: Options, *, target: str = "") -> list[Measurement]:
    """Throughput and CPU cost of each wait strategy, across processes and threads."""
    events = max(1, graph.events // _QUICK_PART if options.quick else graph.events)
    figures = []
    for wait, across in variants(graph.wait, options):
        runs = [run_graph(graph, events, wait, across) for _ in range(options.runs)]
        figures += graph_figures(graph, f"{across}, {wait}", runs, wait, target)
    return figures


def variants(own_wait: str, options: Options) -> Iterator[tuple[str, Across]]:
    """Every combination that was asked for."""
    for wait in options.waits or (own_wait,):
        for across in options.across:
            yield wait, across


def graph_figures(
    graph: Graph, variant: str, runs: list[GraphRun], wait: str, target: str
) -> list[Measurement]:
    """What several runs of one variant say."""
    sizes = sorted(run.batch_size for run in runs)
    details: dict[str, float | int | str] = {
        "wait": wait,
        "events": runs[0].events,
        "average batch": round(sizes[len(sizes) // 2], 1),
    }
    told = (
        ("throughput", "M events/s", [run.rate for run in runs], target),
        ("CPUs busy", "CPU s/s", [run.cpus for run in runs], ""),
        ("CPU cost", "CPU s/M events", [run.cpu_per_million for run in runs], ""),
    )
    return [
        Measurement(f"ring.{graph.name}", variant, metric, unit, tuple(values), aim, "", details)
        for metric, unit, values, aim in told
    ]
