"""One producer to one consumer, ten at a time (LMAX: OneToOneSequencedBatchThroughputTest).

P1 ──► ring (65,536 × 8 bytes) ──► addition
"""

from __future__ import annotations

from dataclasses import replace

from perf.harness.measurement import Measurement, Options
from perf.ring.scenario import run_scenario
from perf.scenarios.ring import unicast

GRAPH = replace(unicast.GRAPH, name="unicast_batch", batch=10, events=100_000_000)


def run(options: Options) -> list[Measurement]:
    """Claim and publish ten events with one call."""
    return run_scenario(GRAPH, options, target="≥ 1 × LMAX Disruptor")
