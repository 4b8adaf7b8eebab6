"""The ring's scenarios compute what they should, wrong results are caught, nothing is left behind."""

from __future__ import annotations

import importlib
import os
from dataclasses import replace

import pytest

from disruptor.memory.segment import existing
from perf.harness.crew import ACROSS, Across
from perf.harness.measurement import Options
from perf.ring.graph import Graph, WrongResultError, run_graph
from perf.ring.round_trip import ring_round_trips
from perf.ring.scenario import run_scenario

NAMES = (
    "unicast",
    "unicast_batch",
    "three_to_one",
    "three_to_one_batch",
    "multicast",
    "pipeline",
    "diamond",
)
EVENTS = 20_000
OWN = f"perf.{os.getpid()}."


def graph(name: str) -> Graph:
    found: Graph = importlib.import_module(f"perf.scenarios.ring.{name}").GRAPH
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("across", ACROSS)
def test_a_graph_gives_the_expected_results_and_figures(name: str, across: Across) -> None:
    run = run_graph(graph(name), EVENTS, "yielding", across)

    assert run.events >= EVENTS
    assert run.rate > 0
    assert run.cpu_seconds > 0
    assert 1 <= run.batch_size <= graph(name).capacity
    assert existing(OWN) == []


@pytest.mark.parametrize("name", ["unicast", "three_to_one", "multicast", "pipeline", "diamond"])
def test_a_wrong_result_is_caught_and_told(name: str) -> None:
    right = graph(name)
    *others, last = right.stages
    wrong = replace(last, expected=lambda count: last.expected(count) + 1)

    with pytest.raises(WrongResultError, match=f"{name}: '{last.name}' computed"):
        run_graph(replace(right, stages=(*others, wrong)), 1_000, "yielding", "processes")
    assert existing(OWN) == []


@pytest.mark.parametrize("wait", ["busy_spin", "sleeping", "blocking", "adaptive"])
def test_every_kind_of_waiting_can_be_measured(wait: str) -> None:
    figures = run_scenario(
        replace(graph("unicast"), events=EVENTS),
        Options(runs=2, waits=(wait,), across=("processes",)),
        target="≥ 1",
    )

    assert [figure.metric for figure in figures] == ["throughput", "CPUs busy", "CPU cost"]
    assert {figure.variant for figure in figures} == {f"processes, {wait}"}
    assert all(len(figure.runs) == 2 and figure.value > 0 for figure in figures)


@pytest.mark.parametrize("across", ACROSS)
def test_every_round_trip_is_timed_and_answered_rightly(across: Across) -> None:
    times = ring_round_trips("yielding", across, 1_000)

    assert times.size == 900  # the first tenth warms up
    assert (times > 0).all()
