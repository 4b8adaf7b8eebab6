"""Three producers to one consumer: the sequencer (LMAX: ThreeToOneSequencedThroughputTest).

    P1 ──┐
    P2 ──┼──► ring (65,536 × 8 bytes, several producers) ──► addition
    P3 ──┘

LMAX lets the consumer spin; with four workers on two CPUs both sides yield by default.
"""

from __future__ import annotations

from perf.harness.measurement import Measurement, Options
from perf.ring.events import VALUE
from perf.ring.expected import sum_of_values
from perf.ring.graph import Graph, Stage
from perf.ring.handlers import add
from perf.ring.scenario import run_scenario

PRODUCERS = 3


def _sum_of_all(count: int) -> int:
    return PRODUCERS * sum_of_values(count)


GRAPH = Graph(
    "three_to_one",
    VALUE,
    65_536,
    15_000_000,
    (Stage("addition", add, _sum_of_all),),
    producers=PRODUCERS,
)


def run(options: Options) -> list[Measurement]:
    """Each producer claims, writes and publishes each event by itself."""
    return run_scenario(GRAPH, options, target="≥ 1 × LMAX Disruptor")
