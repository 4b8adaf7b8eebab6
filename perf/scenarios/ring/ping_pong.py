"""A message there and one back (LMAX: PingPongSequencedLatencyTest): round-trip latency.

    asker ──► ping ring (1,024) ──► answerer
          ◄── pong ring (1,024) ◄──

Each round is timed alone, 1 µs after the one before; the percentiles are corrected for coordinated
omission, and the median and p99 stand there uncorrected too.  Beside it, in the same run, the least
that two cores can do: the same exchange over two bare words, and what reading the clock twice
takes.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from perf.harness.histogram import latency_figures
from perf.harness.measurement import Measurement, Options
from perf.harness.turns import Variant, take_turns
from perf.ring.rivals import channel_latencies, lmax_absence, lmax_round_trips
from perf.ring.round_trip import (
    INTERVAL_NS,
    bare_round_trips,
    clock_readings,
    ring_round_trips,
)

NAME = "ring.ping_pong"
WAITS = ("busy_spin", "yielding", "adaptive", "blocking")
ROUNDS = 300_000
_SPINS = ("busy_spin", "yielding", "adaptive", "phased_backoff")
_SLOW_PART = 20  # of strategies that go to sleep, whose rounds take some 25 µs


def run(options: Options) -> list[Measurement]:
    """The ring with each wait strategy and the machine alone, then the peers."""
    rounds = ROUNDS // 15 if options.quick else ROUNDS
    figures = []
    for number, wait in enumerate(options.waits or WAITS):
        few = rounds if wait in _SPINS else rounds // _SLOW_PART
        with ExitStack() as sessions:
            variants = _ours(wait, few, options)
            if number == 0:
                bare = partial(bare_round_trips, rounds)
                variants.append(Variant("two bare words", bare, peer="the machine"))
            if options.peers:
                variants += lmax_round_trips(few, wait, sessions)
            take_turns(variants, options.runs)
        for each in variants:
            details: dict[str, Any] = {"wait": each.wait, "rounds": few}
            figures += latency_figures(
                NAME, each.name, "round trip", each.runs, INTERVAL_NS, target=each.target,
                peer=each.peer, details=details,
            )  # fmt: skip
    clock = [clock_readings(rounds) for _ in range(options.runs)]
    figures += latency_figures(
        NAME, "two readings of the clock", "clock", clock, 0, peer="the machine"
    )
    if options.peers:
        figures += [*lmax_absence(NAME), *channel_latencies(NAME, options)]
    return figures


def _ours(wait: str, rounds: int, options: Options) -> list[Variant]:
    target = "≤ 1.2 × two bare words" if wait == "busy_spin" else ""
    return [
        Variant(
            f"{across}, {wait}",
            partial(ring_round_trips, wait, across, rounds),
            wait,
            target=target,
        )
        for across in options.across
    ]
