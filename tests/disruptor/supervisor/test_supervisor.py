"""Supervision of real processes: start, drain, failure, restart, and what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from disruptor.errors import ProcessFailedError, SegmentInUseError
from disruptor.memory.process_identity import start_time_of
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY, existing
from disruptor.supervisor.control_block import ControlBlock, ProcessSnapshot
from disruptor.supervisor.supervisor import Supervisor
from disruptor.topology.model import Topology
from disruptor.topology.placement import plan

pytestmark = pytest.mark.stress

HERE = "tests.disruptor.supervisor.components"


def topology(name: str, producer: str = "count_up", **of_producer: Any) -> Topology:
    ring = {"capacity": 64, "event": f"{HERE}:NUMBER"}
    multi = {**ring, "producers": "multi"}
    return Topology.model_validate(
        {
            "name": name,
            "rings": {"numbers": multi, "doubled": ring},
            "processes": {
                "source": {"run": f"{HERE}:{producer}", "writes": ["numbers"], **of_producer},
                "double": {"run": f"{HERE}:double", "reads": ["numbers"], "writes": ["doubled"]},
                "check": {"run": f"{HERE}:check_doubled", "reads": ["doubled"]},
            },
        }
    )


def one_ring(name: str, producer: str, **of_producer: Any) -> Topology:
    """A source and one who reads whatever comes, void events too."""
    patient = {"restart": "on-failure", "max_restarts": 1_000_000, **of_producer}
    return Topology.model_validate(
        {
            "name": name,
            "rings": {"numbers": {"capacity": 64, "event": f"{HERE}:NUMBER", "producers": "multi"}},
            "processes": {
                "source": {"run": f"{HERE}:{producer}", "writes": ["numbers"], **patient},
                "sink": {"run": f"{HERE}:drop", "reads": ["numbers"]},
            },
        }
    )


@pytest.fixture
def name(segment_prefix: str) -> str:
    return segment_prefix.rstrip(".")


@contextmanager
def supervised(wanted: Topology, said: list[str] | None = None) -> Iterator[Supervisor]:
    heard = [] if said is None else said
    supervisor = Supervisor(wanted, plan(wanted), None, {}, heard.append)
    try:
        yield supervisor
    finally:
        supervisor.kill()
        supervisor.unlink()


def start_all(supervisor: Supervisor) -> None:
    for process in supervisor.graph.start_order():
        supervisor.start(process)


def wait_until(condition: Callable[[], bool], supervisor: Supervisor) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        supervisor.poll()
        time.sleep(0.002)


def test_a_drain_loses_nothing_and_every_process_ends_by_itself(name: str) -> None:
    with supervised(topology(name)) as supervisor:
        start_all(supervisor)
        wait_until(lambda: supervisor.rings["doubled"].cursor > 200, supervisor)
        supervisor.stop_producers()
        assert supervisor.wait_until_quiet(10)
        published = supervisor.rings["numbers"].cursor
        supervisor.stop_rest()

        states = {each.name: each.state for each in supervisor.control.snapshots()}
        assert states == {"source": "stopped", "double": "stopped", "check": "stopped"}
        assert int.from_bytes(supervisor.result_of("double"), "big") == published
        assert int.from_bytes(supervisor.result_of("check"), "big") == published
    assert existing(f"{name}.") == []


def test_a_process_that_cannot_start_is_named_with_its_reason(name: str) -> None:
    refused = pytest.raises(ProcessFailedError, match="source failed: the moon is not full")
    with supervised(topology(name, "refuse")) as supervisor, refused:
        start_all(supervisor)


def test_a_killed_process_that_may_not_restart_ends_the_run(name: str) -> None:
    with supervised(topology(name)) as supervisor:
        start_all(supervisor)
        victim = supervisor.control.snapshots()[1].owner.pid
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(ProcessFailedError, match="process double failed: killed by SIGKILL"):
            wait_until(lambda: False, supervisor)


def test_a_process_that_ends_unasked_ends_the_run(name: str) -> None:
    ended = pytest.raises(ProcessFailedError, match="ended without being asked to")
    with supervised(topology(name, "end_by_itself")) as supervisor, ended:
        start_all(supervisor)
        wait_until(lambda: False, supervisor)


def test_a_killed_producer_is_restarted_and_its_claim_voided(name: str) -> None:
    wanted = topology(name, "die_once", restart="on-failure")
    said: list[str] = []
    with supervised(wanted, said) as supervisor:
        # The checker would stumble over void events; only the ring matters here.
        supervisor.start("double")
        supervisor.rings["doubled"].remove_consumer("check")
        supervisor.start("source")
        numbers = supervisor.rings["numbers"]
        wait_until(lambda: numbers.cursor == 4 and numbers.statistics().voided == 2, supervisor)
        wait_until(lambda: supervisor.rings["doubled"].cursor == 4, supervisor)

        assert supervisor.rings["doubled"].events(1, 4)["value"].tolist() == [2, 0, 0, 4]
        assert supervisor.control.snapshots()[0].restarts == 1
        told = "killed by SIGKILL; restarting now; meanwhile double get nothing from it"
        assert any(told in line for line in said)
        assert any("voided 2 events of a dead producer" in line for line in said)


def test_a_second_supervisor_of_one_name_is_refused(name: str) -> None:
    with supervised(topology(name)), pytest.raises(SegmentInUseError, match="running process"):
        Supervisor(topology(name), plan(topology(name)), None, {}, lambda line: None)


@pytest.mark.fault
def test_children_die_with_a_killed_supervisor_and_its_segments_are_reclaimed(name: str) -> None:
    program = (
        "import sys, time\n"
        "from tests.disruptor.supervisor.test_supervisor import plan, start_all, topology\n"
        "from disruptor.supervisor.supervisor import Supervisor\n"
        f"wanted = topology({name!r})\n"
        "supervisor = Supervisor(wanted, plan(wanted), None, {}, print)\n"
        "start_all(supervisor)\n"
        "print('started', flush=True)\n"
        "time.sleep(100)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    children = [each.owner.pid for each in ControlBlock.attach(name).snapshots()]
    process.kill()
    process.wait(30)
    process.stdout.close()
    deadline = time.monotonic() + 30
    while any(start_time_of(pid) for pid in children):
        assert time.monotonic() < deadline, "children outlived their supervisor"
        time.sleep(0.002)

    assert len(children) == 3
    assert existing(f"{name}.") != []
    with supervised(topology(name)) as supervisor:
        start_all(supervisor)
    assert [each for each in os.listdir(SHARED_MEMORY_DIRECTORY) if each.startswith(name)] == []


def test_what_is_published_behind_the_supervisors_eye_is_not_rest(name: str) -> None:
    """A cycle: while the last ring is looked at, its reader writes to the first."""
    with supervised(topology(name)) as supervisor:
        numbers, doubled = supervisor.rings["numbers"], supervisor.rings["doubled"]
        look, looks = doubled.statistics, iter(range(100))
        producer = numbers.producer()

        def publish_and_look() -> object:
            if next(looks) == 1:
                producer.write(np.zeros(1, numbers.event))
            return look()

        assert supervisor.rests()
        doubled.statistics = publish_and_look  # type: ignore[method-assign,assignment]
        assert supervisor.rests()
        assert not supervisor.rests()
        doubled.statistics = look  # type: ignore[method-assign]


@pytest.mark.fault
def test_a_producer_that_must_be_killed_to_stop_leaves_no_hole(name: str) -> None:
    with supervised(topology(name, "hold_a_claim")) as supervisor:
        supervisor.start("source")
        supervisor._stop(["source"], 0.01)

        assert supervisor.rings["numbers"].statistics().voided == 2


def test_a_process_that_does_not_move_is_killed_and_comes_back(name: str) -> None:
    said: list[str] = []
    with supervised(one_ring(name, "count_up", hang_after_s=2.0), said) as supervisor:
        start_all(supervisor)
        hung = supervisor.control.snapshots()[0].owner.pid
        os.kill(hung, signal.SIGSTOP)
        wait_until(lambda: supervisor.control.snapshots()[0].owner.pid != hung, supervisor)
        wait_until(lambda: supervisor.control.snapshots()[0].state == "running", supervisor)

        assert any("it gave no sign of life for" in line for line in said)
        assert start_time_of(hung) == 0


def test_a_process_that_stands_still_while_it_restores_is_killed_and_comes_back(name: str) -> None:
    said: list[str] = []
    wanted = one_ring(name, "stop_while_restoring_once", hang_after_s=1.0)
    with supervised(wanted, said) as supervisor:
        supervisor.start("sink")
        source = supervisor._children["source"]
        supervisor._fork("source", source)
        wait_until(lambda: supervisor.control.snapshots()[0].restarts == 1, supervisor)
        wait_until(lambda: supervisor.control.snapshots()[0].state == "running", supervisor)

        assert any("source failed: it gave no sign of life for" in line for line in said)


def test_a_process_that_is_held_up_by_another_is_not_taken_for_hung(name: str) -> None:
    """The source waits for room while its reader stands still."""
    with supervised(one_ring(name, "count_up", hang_after_s=3_600.0)) as supervisor:
        start_all(supervisor)
        reader = supervisor.control.snapshots()[1].owner.pid
        os.kill(reader, signal.SIGSTOP)
        numbers = supervisor.rings["numbers"]
        wait_until(lambda: numbers.statistics().remaining_capacity == 0, supervisor)
        pulse = supervisor._children["source"].pulse
        looks = iter(range(400))
        wait_until(lambda: next(looks) == 399, supervisor)
        os.kill(reader, signal.SIGCONT)

        assert pulse.silent_s == 0.0
        assert supervisor.control.snapshots()[0].restarts == 0


def test_who_dies_too_often_ends_the_run_with_the_reason(name: str) -> None:
    wanted = one_ring(name, "count_up", max_restarts=2, restart_window_s=3_600)
    given_up = (
        r"source failed: killed by SIGKILL; it was restarted 2 times within 3600 s, which is "
        "max_restarts"
    )

    def source() -> ProcessSnapshot:
        return supervisor.control.snapshots()[0]

    with supervised(wanted) as supervisor:
        start_all(supervisor)
        for restarts in range(1, 3):
            os.kill(source().owner.pid, signal.SIGKILL)
            wait_until(
                lambda restarts=restarts: (  # type: ignore[misc]
                    source().restarts == restarts and source().state == "running"
                ),
                supervisor,
            )
        os.kill(source().owner.pid, signal.SIGKILL)
        with pytest.raises(ProcessFailedError, match=given_up):
            wait_until(lambda: False, supervisor)


def test_who_reads_from_a_dead_process_is_told(name: str) -> None:
    wanted = one_ring(
        name, "count_up", restart_window_s=3_600, restart_delay_s=3_600, restart_delay_max_s=3_600
    )

    def source() -> ProcessSnapshot:
        return supervisor.control.snapshots()[0]

    with supervised(wanted) as supervisor:
        start_all(supervisor)
        os.kill(source().owner.pid, signal.SIGKILL)  # the first time it comes back at once
        wait_until(lambda: source().restarts == 1 and source().state == "running", supervisor)
        os.kill(source().owner.pid, signal.SIGKILL)
        wait_until(lambda: source().state == "backoff", supervisor)
        missing = {each.name: each.missing for each in supervisor.control.snapshots()}

        assert missing == {"source": (), "sink": ("source",)}


def test_a_slow_reader_that_may_be_detached_holds_up_nobody_and_joins_again(name: str) -> None:
    wanted = topology(name, "count_up_gently")
    slow = {
        "run": f"{HERE}:stand_still_once", "reads": ["numbers"], "lag_max": 1_000,
        "restart": "on-failure", "max_restarts": 1_000_000, "restart_delay_max_s": 0.05,
    }  # fmt: skip
    told = wanted.model_dump(exclude_unset=True)
    told["rings"]["numbers"]["capacity"] = 2_048
    told["processes"]["slow"] = slow
    wanted = Topology.model_validate(told)
    said: list[str] = []
    with supervised(wanted, said) as supervisor:
        start_all(supervisor)
        wait_until(lambda: supervisor.rings["doubled"].cursor > 3_000, supervisor)
        os.kill(supervisor.control.snapshots()[3].owner.pid, signal.SIGUSR1)
        wait_until(lambda: supervisor.control.snapshots()[3].restarts >= 1, supervisor)
        wait_until(lambda: supervisor.control.snapshots()[3].state == "running", supervisor)
        ring = supervisor.rings["numbers"]
        at = ring.cursor
        wait_until(lambda: ring.cursor > at + 500, supervisor)

        assert any("slow was more than 1,000 events behind and was detached at" in s for s in said)
        assert ring.statistics().evicted >= 1
