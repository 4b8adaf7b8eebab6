"""Runs a graph as often as the options say, beside its peers, and turns the runs into figures."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from perf.harness.measurement import Measurement, Options
from perf.harness.turns import Variant, take_turns
from perf.ring.graph import Graph, graph_figures, run_graph
from perf.ring.rivals import channel_figures, lmax_absence, lmax_graphs

_QUICK_PART = 50


def run_scenario(graph: Graph, options: Options, *, target: str = "") -> list[Measurement]:
    """Throughput and CPU cost of each wait strategy, across processes and threads."""
    events = max(1, graph.events // _QUICK_PART if options.quick else graph.events)
    figures = []
    for wait in options.waits or (graph.wait,):
        with ExitStack() as sessions:
            variants = [
                Variant(
                    f"{across}, {wait}",
                    partial(run_graph, graph, events, wait, across),
                    wait,
                    target=target,
                )
                for across in options.across
            ]
            if options.peers:
                variants += lmax_graphs(graph, events, wait, sessions)
            take_turns(variants, options.runs)
        for each in variants:
            figures += graph_figures(graph, each.name, each.runs, each.wait, each.target, each.peer)
    if options.peers:
        figures += lmax_absence(f"ring.{graph.name}")
        figures += channel_figures(graph, options)
    return figures
