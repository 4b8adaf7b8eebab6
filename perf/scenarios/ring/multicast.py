"""Every event to three consumers (LMAX: OneToThreeSequencedThroughputTest).

                              ┌──► addition
P1 ──► ring (8,192 × 8 bytes)┼──► subtraction
                              └──► and
"""

from __future__ import annotations

from perf.harness.measurement import Measurement, Options
from perf.ring.events import VALUE
from perf.ring.expected import minus_sum_of_values, nothing, sum_of_values
from perf.ring.graph import Graph, Stage
from perf.ring.handlers import add, bitwise_and, subtract
from perf.ring.scenario import run_scenario

GRAPH = Graph(
    "multicast",
    VALUE,
    8_192,
    30_000_000,
    (
        Stage("addition", add, sum_of_values),
        Stage("subtraction", subtract, minus_sum_of_values),
        Stage("and", bitwise_and, nothing),
    ),
)


def run(options: Options) -> list[Measurement]:
    """Each consumer computes something else of the same values."""
    return run_scenario(GRAPH, options, target="≥ 1 × LMAX Disruptor")
