"""One producer to one consumer, one event at a time (LMAX: OneToOneSequencedThroughputTest).

P1 ──► ring (65,536 × 8 bytes) ──► addition
"""

from __future__ import annotations

from perf.harness.measurement import Measurement, Options
from perf.ring.events import VALUE
from perf.ring.expected import sum_of_values
from perf.ring.graph import Graph, Stage
from perf.ring.handlers import add
from perf.ring.scenario import run_scenario

GRAPH = Graph("unicast", VALUE, 65_536, 50_000_000, (Stage("addition", add, sum_of_values),))


def run(options: Options) -> list[Measurement]:
    """Claim, write and publish each event by itself."""
    return run_scenario(GRAPH, options, target="≥ 2 × LMAX Disruptor")
