"""Three producers to one consumer, ten at a time (LMAX: ThreeToOneSequencedBatchThroughputTest).

P1 ──┐
P2 ──┼──► ring (65,536 × 8 bytes, several producers) ──► addition
P3 ──┘
"""

from __future__ import annotations

from dataclasses import replace

from perf.harness.measurement import Measurement, Options
from perf.ring.scenario import run_scenario
from perf.scenarios.ring import three_to_one

GRAPH = replace(three_to_one.GRAPH, name="three_to_one_batch", batch=10, events=60_000_000)


def run(options: Options) -> list[Measurement]:
    """Each producer claims and publishes ten events with one call."""
    return run_scenario(GRAPH, options, target="≥ 1 × LMAX Disruptor")
