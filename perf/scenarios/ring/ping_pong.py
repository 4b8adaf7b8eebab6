"""A message there and one back (LMAX: PingPongSequencedLatencyTest): round-trip latency.

    asker ──► ping ring (1,024) ──► answerer
          ◄── pong ring (1,024) ◄──

Each round is timed alone, 1 µs after the one before, and the histogram is corrected for coordinated
omission.  Beside it, in the same run, the least that two cores can do: the same exchange over two
bare words, and what reading the clock twice takes.
"""

from __future__ import annotations

from perf.harness.histogram import latency_figures
from perf.harness.measurement import Measurement, Options
from perf.ring.round_trip import bare_round_trips, clock_readings, ring_round_trips
from perf.ring.scenario import variants

ROUNDS = 300_000
_SLOW_PART = 20  # of strategies that go to sleep, whose rounds take some 25 µs


def run(options: Options) -> list[Measurement]:
    """The ring with each wait strategy, then the machine alone."""
    rounds = ROUNDS // 15 if options.quick else ROUNDS
    figures = []
    for wait in options.waits or ("busy_spin", "yielding", "adaptive", "blocking"):
        for _, across in variants(wait, Options(waits=(wait,), across=options.across)):
            few = rounds // _SLOW_PART if wait in ("blocking", "sleeping") else rounds
            runs = [ring_round_trips(wait, across, few) for _ in range(options.runs)]
            figures += latency_figures(
                "ring.ping_pong",
                f"{across}, {wait}",
                "round trip",
                runs,
                target="≤ 1.2 × two bare words" if wait == "busy_spin" else "",
                details={"wait": wait, "rounds": few},
            )
    bare = [bare_round_trips(rounds) for _ in range(options.runs)]
    figures += latency_figures(
        "ring.ping_pong", "two bare words", "round trip", bare, peer="the machine"
    )
    clock = [clock_readings(rounds) for _ in range(options.runs)]
    figures += latency_figures(
        "ring.ping_pong", "two readings of the clock", "round trip", clock, peer="the machine"
    )
    return figures
