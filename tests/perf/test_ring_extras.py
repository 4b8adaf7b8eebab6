"""The other tiers, the paced runs and the bare memory do the work that they are timed for."""

from __future__ import annotations

import os

import pytest

from disruptor.memory.segment import existing
from perf.harness.crew import ACROSS, Across
from perf.harness.measurement import Options
from perf.ring.bare_memory import bare_memory_rate
from perf.ring.graph import Graph, run_graph
from perf.ring.paced import run_paced
from perf.scenarios.ring import tiers, wait_strategies


@pytest.mark.parametrize("graph", tiers.GRAPHS.values(), ids=tiers.GRAPHS.keys())
def test_every_tier_computes_the_same_sum(graph: Graph) -> None:
    run = run_graph(graph, 5_000, "adaptive", "processes")

    assert run.events == 5_000
    assert run.batches >= 1


@pytest.mark.parametrize("across", ACROSS)
def test_paced_events_are_all_seen_after_they_were_sent(across: Across) -> None:
    run = run_paced("blocking", across, 20, 1_000_000)

    assert run.delays_ns.size == 20
    assert (run.delays_ns > 0).all()
    assert run.consumer_cpus > 0
    assert existing(f"perf.{os.getpid()}.") == []


def test_a_strategy_is_measured_under_load_at_a_trickle_and_idle() -> None:
    figures = wait_strategies.run(
        Options(runs=1, quick=True, waits=("blocking",), across=("processes",))
    )

    told = {(each.variant.split(", ", 2)[2], each.metric) for each in figures}
    assert {
        ("full load", "throughput"),
        ("full load", "CPU cost"),
        ("10,000 / s", "delay p50"),
        ("10,000 / s", "consumer's CPU"),
        ("idle", "consumer's CPU"),
    } <= told
    assert all(each.value > 0 for each in figures)


def test_the_bare_memory_is_read_as_it_was_written() -> None:
    assert bare_memory_rate(200_000) > 0
