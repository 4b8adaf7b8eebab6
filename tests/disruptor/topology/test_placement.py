"""One topology fits machines of any size, and what had to change is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disruptor.topology.model import Process, Ring, Topology
from disruptor.topology.placement import plan, strategy_of
from tests.disruptor.topology.topologies import PIPELINE, topology

GROUPS = tuple(
    f"processes.{name}.group={group}"
    for name, group in (
        ("feed", "edge"),
        ("titan", "engines"),
        ("sentinel", "engines"),
        ("oracle", "edge"),
    )
)


def test_on_two_cpus_a_group_shares_one(tmp_path: Path) -> None:
    placed = plan(topology(tmp_path, PIPELINE, *GROUPS), [0, 1])

    assert placed.cpus == {"feed": 0, "titan": 1, "sentinel": 1, "oracle": 0}
    assert placed.warnings == ()


def test_whoever_shares_a_cpu_spins_for_a_moment_only(tmp_path: Path) -> None:
    shared, own = (plan(topology(tmp_path, PIPELINE, *GROUPS), range(cpus)) for cpus in (2, 8))

    assert all(map(shared.shares_cpu, shared.cpus))
    assert not any(map(own.shares_cpu, own.cpus))
    alone, beside = strategy_of("adaptive", False), strategy_of("adaptive", True)
    assert beside.spins < alone.spins
    assert beside.yields > alone.yields
    assert beside.then == alone.then
    assert strategy_of("blocking", True) == strategy_of("blocking", False)


def test_without_groups_processes_take_turns(tmp_path: Path) -> None:
    placed = plan(topology(tmp_path), [4, 6])

    assert placed.cpus == {"feed": 4, "titan": 6, "sentinel": 4, "oracle": 6}


def test_a_spare_cpu_goes_to_the_fullest_group(tmp_path: Path) -> None:
    placed = plan(topology(tmp_path, PIPELINE, *GROUPS), [0, 1, 2])

    assert placed.cpus == {"feed": 0, "oracle": 1, "titan": 2, "sentinel": 2}


def test_with_a_cpu_for_each_nobody_shares_and_the_lowest_is_left_to_the_system(
    tmp_path: Path,
) -> None:
    placed = plan(topology(tmp_path, PIPELINE, *GROUPS), range(16))

    assert placed.cpus == {"feed": 1, "titan": 2, "sentinel": 3, "oracle": 4}


def test_a_cpu_that_the_machine_lacks_is_folded_back_with_a_warning(tmp_path: Path) -> None:
    placed = plan(topology(tmp_path, PIPELINE, "processes.titan.cpu=5"), [0, 1])

    assert placed.cpus["titan"] == 1
    assert placed.warnings == (
        "processes.titan.cpu: CPU 5 is not among the allowed (0, 1); using 1",
    )


def test_a_process_can_stay_unpinned(tmp_path: Path) -> None:
    assert plan(topology(tmp_path, PIPELINE, "processes.feed.cpu=none"), [0]).cpus["feed"] is None


def test_named_cpus_are_kept_free_of_the_others(tmp_path: Path) -> None:
    placed = plan(topology(tmp_path, PIPELINE, "processes.titan.cpu=1"), [0, 1])

    assert [name for name, cpu in placed.cpus.items() if cpu == 1] == ["titan"]


def test_spinning_on_a_shared_cpu_becomes_adaptive_with_a_warning(tmp_path: Path) -> None:
    spinning = topology(tmp_path, PIPELINE, "processes.titan.wait=busy_spin")

    shared, alone = plan(spinning, [0]), plan(spinning, range(4))

    assert shared.waits["titan"] == "adaptive"
    assert shared.warnings == (
        (
            "processes.titan.wait: CPU 0 is shared with feed, sentinel, oracle; using adaptive "
            "instead of busy_spin"
        ),
    )
    assert alone.waits["titan"] == "busy_spin"
    assert alone.warnings == ()


@pytest.mark.parametrize(("cpu_count", "wait"), [(1, "adaptive"), (2, "busy_spin")])
def test_unpinned_spinning_needs_a_cpu_over(tmp_path: Path, cpu_count: int, wait: str) -> None:
    read = topology(tmp_path, PIPELINE, "processes.feed.cpu=none", "processes.feed.wait=busy_spin")

    assert plan(read, range(cpu_count)).waits["feed"] == wait


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["auto", "none", 0, 1, 7]),
            st.sampled_from([None, "a", "b"]),
            st.sampled_from(["busy_spin", "blocking"]),
        ),
        min_size=1,
        max_size=8,
    ),
    st.sets(st.integers(0, 9), min_size=1),
)
def test_every_process_is_placed_on_an_allowed_cpu_and_no_spinner_shares(
    wishes: list[tuple[int | str, str | None, str]], allowed: set[int]
) -> None:
    processes = {
        f"p{number}": Process.model_validate(
            {"run": "m:f", "cpu": cpu, "group": group, "wait": wait}
        )
        for number, (cpu, group, wait) in enumerate(wishes)
    }
    ring = Ring(capacity=2, event="m:d")
    made = Topology(name="t", rings={"r": ring}, processes=processes)

    placed = plan(made, sorted(allowed))

    assert placed == plan(made, sorted(allowed, reverse=True))
    for name, process in processes.items():
        assert (placed.cpus[name] is None) == (process.cpu == "none")
        assert placed.cpus[name] in allowed | {None}
        if placed.waits[name] == "busy_spin" and placed.cpus[name] is not None:
            assert list(placed.cpus.values()).count(placed.cpus[name]) == 1
    pinned = [cpu for cpu in placed.cpus.values() if cpu is not None]
    autos = [name for name, each in processes.items() if each.cpu == "auto"]
    if len(autos) == len(processes) <= len(allowed):
        assert len(set(pinned)) == len(pinned)
