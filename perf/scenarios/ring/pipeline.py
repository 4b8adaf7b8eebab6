"""A chain of three consumers (LMAX: OneToThreePipelineSequencedThroughputTest).

P1 ──► ring (8,192 × 32 bytes) ──► step one ──► step two ──► step three
"""

from __future__ import annotations

from perf.harness.measurement import Measurement, Options
from perf.ring.events import FUNCTION
from perf.ring.expected import nothing, with_bit_two_set
from perf.ring.graph import Graph, Stage
from perf.ring.handlers import step_one, step_three, step_two
from perf.ring.producers import produce_operands
from perf.ring.scenario import run_scenario

GRAPH = Graph(
    "pipeline",
    FUNCTION,
    8_192,
    30_000_000,
    (
        Stage("step one", step_one, nothing),
        Stage("step two", step_two, nothing, after=("step one",)),
        Stage("step three", step_three, with_bit_two_set, after=("step two",)),
    ),
    produce=produce_operands,
)


def run(options: Options) -> list[Measurement]:
    """Each step needs what the one before wrote into the event."""
    return run_scenario(GRAPH, options, target="≥ 1 × LMAX Disruptor")
