"""Runs a graph as often as the options say, beside its peers, and turns the runs into figures."""

from __future__ import annotations

from perf.harness.measurement import Measurement, Options
from perf.ring.graph import Graph, graph_figures, run_graph
from perf.ring.rivals import rival_figures

_QUICK_PART = 50


def run_scenario(graph: Graph, options: Options, *, target: str = "") -> list[Measurement]:
    """Throughput and CPU cost of each wait strategy, across processes and threads."""
    events = max(1, graph.events // _QUICK_PART if options.quick else graph.events)
    waits = options.waits or (graph.wait,)
    figures = []
    for wait in waits:
        for across in options.across:
            runs = [run_graph(graph, events, wait, across) for _ in range(options.runs)]
            figures += graph_figures(graph, f"{across}, {wait}", runs, wait, target)
    return [*figures, *rival_figures(graph, options, events, waits)] if options.peers else figures
