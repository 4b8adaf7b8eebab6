"""Two consumers, then one behind both (LMAX: OneToThreeDiamondSequencedThroughputTest).

                              ┌──► fizz ──┐
P1 ──► ring (8,192 × 16 bytes)┤           ├──► fizz buzz
                              └──► buzz ──┘
"""

from __future__ import annotations

from perf.harness.measurement import Measurement, Options
from perf.ring.events import FIZZ_BUZZ
from perf.ring.expected import multiples_of_fifteen, nothing
from perf.ring.graph import Graph, Stage
from perf.ring.handlers import buzz, fizz, fizz_buzz
from perf.ring.producers import produce_fizz_buzz
from perf.ring.scenario import run_scenario

GRAPH = Graph(
    "diamond",
    FIZZ_BUZZ,
    8_192,
    30_000_000,
    (
        Stage("fizz", fizz, nothing),
        Stage("buzz", buzz, nothing),
        Stage("fizz buzz", fizz_buzz, multiples_of_fifteen, after=("fizz", "buzz")),
    ),
    produce=produce_fizz_buzz,
)


def run(options: Options) -> list[Measurement]:
    """The last consumer counts the events that both others marked."""
    return run_scenario(GRAPH, options, target="≥ 1 × LMAX Disruptor")
