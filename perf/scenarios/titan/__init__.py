"""Titan, the matching engine: what a command costs, on flows of its own and on those of others.

    prepared commands ──► apply_batch ──► outbox (──► events ring)      one thread, one CPU

    mixed      a busy book: cost, latency of single commands, bytes an order    (peers)
    league     the public league's five scenarios, their reports proven by SHA-256   (peers)

``--league`` runs the league alone.
"""

from __future__ import annotations

from perf.harness.measurement import Measurement, Options
from perf.scenarios.titan import league, mixed


def run(options: Options) -> list[Measurement]:
    """All parts, or the league alone."""
    if options.league:
        return league.run(options)
    return [*mixed.run(options), *league.run(options)]
