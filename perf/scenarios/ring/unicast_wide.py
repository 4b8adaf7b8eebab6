"""One producer to one consumer, each event a whole cache line of 64 bytes.

    P1 ──► ring (65,536 × 64 bytes) ──► addition

LMAX's events of one long lie eight to two cache lines and less; here each event moves a line from
one core to the other, and the machine's memory is the limit.  Beside it, in the same run: the same
lines handed over half a ring at a time by two bare words, with no ring at all.
"""

from __future__ import annotations

from dataclasses import replace

from perf.harness.measurement import Measurement, Options
from perf.ring.bare_memory import bare_memory_rate
from perf.ring.events import WIDE
from perf.ring.scenario import run_scenario
from perf.scenarios.ring import unicast

GRAPH = replace(unicast.GRAPH, name="unicast_wide", event=WIDE)


def run(options: Options) -> list[Measurement]:
    """The ring, then the bare memory; no peer sends events of this kind any differently."""
    figures = run_scenario(GRAPH, replace(options, peers=False))
    events = GRAPH.events // 50 if options.quick else GRAPH.events
    rates = tuple(bare_memory_rate(events) for _ in range(options.runs))
    bare = Measurement(
        "ring.unicast_wide", "bare memory, half a ring at a time", "throughput", "M events/s", rates,
        peer="the machine",
    )  # fmt: skip
    return [*figures, bare]
