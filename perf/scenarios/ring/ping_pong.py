"""A message there and one back (LMAX: PingPongSequencedLatencyTest): round-trip latency.

    asker ──► ping ring (1,024) ──► answerer
          ◄── pong ring (1,024) ◄──

Each round is timed alone, 1 µs after the one before; the percentiles are corrected for coordinated
omission, and the median and p99 stand there uncorrected too.  Beside it, in the same run, the least that two cores can do: the same exchange over two
bare words, and what reading the clock twice takes.
"""

from __future__ import annotations

from perf.harness.histogram import latency_figures
from perf.harness.measurement import Measurement, Options
from perf.ring.rivals import rival_round_trips
from perf.ring.round_trip import (
    INTERVAL_NS,
    bare_round_trips,
    clock_readings,
    ring_round_trips,
)

ROUNDS = 300_000
_SLOW_PART = 20  # of strategies that go to sleep, whose rounds take some 25 µs


def run(options: Options) -> list[Measurement]:
    """The ring with each wait strategy, then the machine alone."""
    rounds = ROUNDS // 15 if options.quick else ROUNDS
    waits = options.waits or ("busy_spin", "yielding", "adaptive", "blocking")
    figures = []
    for wait in waits:
        for across in options.across:
            few = rounds // _SLOW_PART if wait in ("blocking", "sleeping") else rounds
            runs = [ring_round_trips(wait, across, few) for _ in range(options.runs)]
            figures += latency_figures(
                "ring.ping_pong",
                f"{across}, {wait}",
                "round trip",
                runs,
                INTERVAL_NS,
                target="≤ 1.2 × two bare words" if wait == "busy_spin" else "",
                details={"wait": wait, "rounds": few},
            )
    bare = [bare_round_trips(rounds) for _ in range(options.runs)]
    figures += latency_figures(
        "ring.ping_pong", "two bare words", "round trip", bare, INTERVAL_NS, peer="the machine"
    )
    clock = [clock_readings(rounds) for _ in range(options.runs)]
    figures += latency_figures(
        "ring.ping_pong", "two readings of the clock", "clock", clock, 0, peer="the machine"
    )
    if options.peers:
        figures += rival_round_trips("ring.ping_pong", options, rounds // _SLOW_PART, waits)
    return figures
