"""What an event costs as more consumers read it.

             ┌──► 1
P1 ──► ring ┼──► …          each adds up all events by itself; CPU time of everybody, an event and worker
             └──► n
"""

from __future__ import annotations

from dataclasses import replace

from perf.harness.measurement import Measurement, Options
from perf.ring.events import VALUE
from perf.ring.expected import sum_of_values
from perf.ring.graph import Graph, Stage, run_graph
from perf.ring.handlers import add

SCENARIO = "ring.growth"
CONSUMERS = (1, 2, 4, 8)
_EVENTS = 10_000_000
_QUICK_PART = 50
_GRAPH = Graph("growth", VALUE, 8_192, _EVENTS, ())


def run(options: Options) -> list[Measurement]:
    """Throughput and cost with so many consumers, each a process."""
    events = _EVENTS // (_QUICK_PART if options.quick else 1)
    figures = []
    for count in CONSUMERS:
        stages = tuple(Stage(f"consumer {number}", add, sum_of_values) for number in range(count))
        graph = replace(_GRAPH, stages=stages)
        runs = [run_graph(graph, events, graph.wait, "processes") for _ in range(options.runs)]
        variant = f"{count} consumer{'s' if count > 1 else ''}"
        costs = tuple(each.cpu_per_million * 1e3 / graph.workers for each in runs)
        figures += [
            Measurement(
                SCENARIO, variant, "throughput", "M events/s", tuple(each.rate for each in runs)
            ),
            Measurement(
                SCENARIO, variant, "CPU an event and worker", "ns/op", costs,
                details={"axis": "consumers on a ring", "size": count},
            ),
        ]  # fmt: skip
    return figures
