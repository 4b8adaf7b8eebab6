"""Handlers and producers in Python, beside compiled ones, on the unicast graph.

    P1 ──► ring (65,536 × 8 bytes) ──► addition

One side at a time leaves the compiled tier, so that each figure is the price of one choice.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from perf.harness.measurement import Measurement, Options
from perf.harness.turns import Variant, take_turns
from perf.ring.graph import Graph, graph_figures, run_graph
from perf.ring.tiers import per_batch_tier, per_event_tier, produce_in_batches, produce_in_python
from perf.scenarios.ring import unicast

_QUICK_PART = 50
_COMPILED = replace(unicast.GRAPH, name="tiers")
(_ADDITION,) = _COMPILED.stages

GRAPHS = {
    "all compiled": _COMPILED,
    "Python handler, once a batch": replace(
        _COMPILED, stages=(replace(_ADDITION, tier=per_batch_tier),)
    ),
    "Python handler, once an event": replace(
        _COMPILED, stages=(replace(_ADDITION, tier=per_event_tier),), events=1_000_000
    ),
    "Python producer, 4,096 at a time": replace(_COMPILED, python_produce=produce_in_batches),
    "Python producer, one at a time": replace(
        _COMPILED, python_produce=produce_in_python, events=300_000
    ),
}
_TARGETS = {
    "Python handler, once a batch": "≥ 50 M events/s",
    "Python handler, once an event": "≥ 1.5 M events/s",
}


def run(options: Options) -> list[Measurement]:
    """Each choice, across processes."""
    wait = (options.waits or (_COMPILED.wait,))[0]
    variants = [
        Variant(name, partial(_once, graph, wait, options.quick), wait, "", _TARGETS.get(name, ""))
        for name, graph in GRAPHS.items()
    ]
    take_turns(variants, options.runs)
    return [
        figure
        for each in variants
        for figure in graph_figures(_COMPILED, each.name, each.runs, wait, each.target)
    ]


def _once(graph: Graph, wait: str, quick: bool) -> object:
    events = graph.events // _QUICK_PART if quick else graph.events
    return run_graph(graph, events, wait, "processes")
