"""The public league: proven by the digest of all reports, then timed with reports written.

A figure is messages a second of CPU time on one CPU with every event published into a ring in shared memory:
message by message, as the league drives engines, and in batches, as Titan's own loop runs.  The
league's published figures are from another machine; only the digests can be compared with them.
"""

from __future__ import annotations

import time

from perf.harness.measurement import Measurement, Options
from perf.harness.titan_replay import BATCH, cost_published, fresh_state, pinned
from perf.peers.league_reference import reports
from perf.workloads.league import SCENARIOS, Messages, Scenario, messages, titan_commands
from perf.workloads.league_reports import judge_titan

_TARGET = "≥ 10 M messages/s"
_QUICK_MESSAGES = 100_000


def run(options: Options) -> list[Measurement]:
    """All five scenarios; a wrong digest is an error."""
    found: list[Measurement] = []
    for scenario in SCENARIOS:
        flow = messages(scenario)
        verdict = judge_titan(flow)
        if verdict.sha256 != scenario.sha256:
            raise RuntimeError(
                f"league {scenario.name}: reports have SHA-256 {verdict.sha256}, "
                f"the published one is {scenario.sha256}"
            )
        print(
            f"league {scenario.name}: {verdict.reports:,} reports, {verdict.trades:,} trades, "
            f"SHA-256 {verdict.sha256} as published"
        )
        timed = flow[:_QUICK_MESSAGES] if options.quick else flow
        for batch in (BATCH, 1):
            found.append(_throughput(scenario, timed, batch, options.runs))
            found[-1].details.update(
                sha256=verdict.sha256, reports=verdict.reports, trades=verdict.trades
            )
        if options.peers:
            found.append(_reference(scenario, timed))
    return found


def _throughput(scenario: Scenario, flow: Messages, batch: int, runs: int) -> Measurement:
    commands = titan_commands(flow)
    with pinned():
        taken = [
            cost_published(*fresh_state(commands[:1], len(flow)), commands[1:], 1, batch)
            for _ in range(runs)
        ]
    return Measurement(
        scenario=f"titan.league {scenario.name}",
        variant=f"league {scenario.name}, {'one at a time' if batch == 1 else f'batch {batch}'}",
        metric="throughput",
        unit="M messages/s",
        runs=tuple(1e3 / nanoseconds for nanoseconds in taken),
        target=_TARGET,
    )


def _reference(scenario: Scenario, flow: Messages) -> Measurement:
    with pinned():
        started = time.thread_time()
        for _ in reports(flow):
            pass
        taken = time.thread_time() - started
    return Measurement(
        scenario=f"titan.league {scenario.name}",
        variant=f"league {scenario.name}",
        metric="throughput",
        unit="M messages/s",
        runs=(len(flow) / taken / 1e6,),
        peer="plain Python book",
    )
