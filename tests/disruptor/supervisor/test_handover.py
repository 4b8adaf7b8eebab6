"""A process is given a successor with the code of now, while its ring stands and its reader reads on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from disruptor.kernel_cache import cache_directory
from disruptor.memory.process_identity import start_time_of
from disruptor.memory.segment import existing
from disruptor.supervisor import handover
from disruptor.supervisor.control_block import ProcessSnapshot
from disruptor.supervisor.handover import Proposal, Recipe
from disruptor.supervisor.supervisor import Supervisor
from disruptor.topology.model import Topology
from disruptor.topology.placement import plan

pytestmark = [pytest.mark.stress, pytest.mark.timeout(300)]

CODE = """
import numpy as np

NUMBER = np.dtype([("value", np.{kind})])
{broken}

def write(context):
    producer = context.producer("numbers")
    {before_ready}
    context.ready()
    while not context.should_stop():
        producer.write(np.full(1, {value}, NUMBER))
        context.beat()
"""


def made(given: Mapping[str, Any]) -> tuple[Topology, Any]:
    """The recipe: the topology is handed over, and that is where the settings are."""
    topology = Topology.model_validate(given)
    return topology, topology.processes["source"].options.get("value")


class Bench:
    """A writer whose code is a file of the test's, and a reader that forgets."""

    def __init__(self, name: str, folder: Path) -> None:
        self.file = folder / f"code_{name.replace('-', '_')}.py"
        self.said: list[str] = []
        self.taken: list[int] = []
        self.write(value=1)
        ring = {
            "capacity": 64, "event": f"{self.file.stem}:NUMBER", "producers": "multi",
        }  # fmt: skip
        self._told: dict[str, Any] = {
            "name": name,
            "rings": {"numbers": ring},
            "processes": {
                "source": {
                    "run": f"{self.file.stem}:write", "writes": ["numbers"],
                    "restart": "on-failure", "max_restarts": 1_000_000,
                },
                "sink": {
                    "run": "tests.disruptor.supervisor.components:drop", "reads": ["numbers"],
                },
            },
        }  # fmt: skip
        wanted = Topology.model_validate(self._told)
        self.supervisor = Supervisor(
            wanted,
            plan(wanted),
            None,
            {},
            self.said.append,
            recipe=Recipe(f"{__name__}:made", self._told),
        )

    def write(
        self, value: int | str, kind: str = "int64", broken: str = "", before_ready: str = "pass"
    ) -> None:
        """Change the code on disk."""
        text = CODE.format(value=value, kind=kind, broken=broken, before_ready=before_ready)
        self.file.write_text(text, "utf-8")

    @property
    def source(self) -> ProcessSnapshot:
        """The writer as its control line tells."""
        return self.supervisor.control.snapshots()[0]

    def until(self, condition: Callable[[], bool]) -> None:
        """Look after the processes until it is so."""
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline, f"it never happened: {self.source}; {self.said}"
            self.supervisor.poll()
            self.supervisor.wait(0.01)

    def until_it_writes(self, value: int) -> None:
        """Until the newest event has this value."""
        ring = self.supervisor.rings["numbers"]

        def writes() -> bool:
            return ring.cursor > 0 and ring.events(ring.cursor, ring.cursor)["value"][0] == value

        self.until(writes)

    def proposal(self, value: int) -> Proposal:
        """The parameter that ``context.settings`` shall have."""
        options = {"options": {"value": value}}
        source = {**self._told["processes"]["source"], **options}
        told = {**self._told, "processes": {**self._told["processes"], "source": source}}
        wanted = Topology.model_validate(told)
        handed = Recipe(f"{__name__}:made", told)

        def taken() -> None:
            self.taken.append(value)
            self.supervisor.reconfigure(wanted, plan(wanted), value, handed)

        return Proposal(plan(wanted), handed, taken)

    def restart(self, proposal: Proposal | None = None) -> None:
        """Give the writer a successor; until it runs or was refused."""
        before = self.source.restarts
        self.supervisor.restart("source", proposal)
        self.until(
            lambda: bool(
                self.supervisor.refusal("source")
                or (self.source.restarts > before and self.source.state == "running")
            )
        )


@contextmanager
def bench(name: str, folder: Path) -> Iterator[Bench]:
    at = Bench(name, folder)
    try:
        for process in at.supervisor.graph.start_order():
            at.supervisor.start(process)
        yield at
    finally:
        at.supervisor.kill()
        at.supervisor.unlink()


@pytest.fixture
def at(segment_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    with bench(segment_prefix.rstrip("."), tmp_path) as found:
        yield found
    assert existing(segment_prefix) == []


def test_a_successor_has_the_code_of_now_and_so_has_the_next_after_a_death(at: Bench) -> None:
    at.until_it_writes(1)
    first = at.source.owner
    at.write(value=2)
    at.restart()
    at.until_it_writes(2)
    second = at.source.owner
    at.write(value=3)
    os.kill(second.pid, signal.SIGKILL)
    at.until(lambda: at.source.restarts == 2 and at.source.state == "running")
    at.until_it_writes(3)

    assert at.supervisor.refusal("source") == ""
    assert not first.is_alive()
    assert not second.is_alive()
    assert any("was ended; its successor takes over" in line for line in at.said)
    at.supervisor.stop_producers()
    assert at.supervisor.wait_until_quiet(60)
    at.supervisor.stop_rest()
    assert [each.state for each in at.supervisor.control.snapshots()] == ["stopped", "stopped"]


def test_a_successor_that_cannot_get_ready_changes_nothing(at: Bench) -> None:
    at.until_it_writes(1)
    before = at.source
    refusals = []
    for change in ({"broken": "import no_such_thing"}, {"kind": "int32"}):
        at.write(value=2, **change)
        at.restart()
        refusals.append(at.supervisor.refusal("source"))

    assert refusals[0].endswith("ModuleNotFoundError: No module named 'no_such_thing'")
    assert "numbers' holds events" in refusals[1]
    assert all(each.startswith("no successor of source with the code of now:") for each in refusals)
    assert at.source.owner == before.owner
    assert at.source.restarts == 0
    assert sum("the process in place works on" in line for line in at.said) == 2
    at.until_it_writes(1)


def test_a_successor_that_fails_before_it_runs_gives_the_place_to_the_code_of_the_start(
    at: Bench,
) -> None:
    at.write(value=2, before_ready="raise ValueError('the tide is out')")
    at.restart()
    refusal = at.supervisor.refusal("source")
    at.until(lambda: at.source.restarts == 2 and at.source.state == "running")
    at.until_it_writes(1)

    assert refusal == "process source failed: ValueError: the tide is out"
    assert any("the code with which this run began takes its place" in line for line in at.said)


def test_a_successor_that_was_asked_for_comes_even_if_the_process_dies_before_its_turn(
    at: Bench,
) -> None:
    at.until_it_writes(1)
    at.write(value=2)
    at.supervisor.restart("sink")
    at.until(lambda: at.supervisor._children["sink"].candidate is not None)
    at.supervisor.restart("source")
    os.kill(at.source.owner.pid, signal.SIGKILL)
    at.until_it_writes(2)

    assert at.supervisor.refusal("source") == ""


def test_parameters_hold_for_the_next_start_once_a_successor_has_run_with_them(at: Bench) -> None:
    at.write(value="context.settings")
    at.restart(at.proposal(5))
    at.until_it_writes(5)
    at.supervisor.accept()
    assert at.taken == [5]
    os.kill(at.source.owner.pid, signal.SIGKILL)
    at.until(lambda: at.source.restarts == 2 and at.source.state == "running")
    at.until_it_writes(5)
    at.restart(at.proposal(6))
    at.until_it_writes(6)
    at.supervisor.poll()

    assert at.taken == [5, 6]


def test_parameters_that_no_successor_ran_with_hold_for_nobody(at: Bench) -> None:
    at.write(value="context.settings")
    at.restart(at.proposal(5))
    at.until_it_writes(5)
    at.supervisor.poll()
    at.write(value=2, broken="import no_such_thing")
    at.restart(at.proposal(6))
    assert "no_such_thing" in at.supervisor.refusal("source")
    at.write(value="context.settings")
    os.kill(at.source.owner.pid, signal.SIGKILL)
    at.until(lambda: at.source.restarts == 2 and at.source.state == "running")
    at.until_it_writes(5)
    at.write(value=2, before_ready="raise ValueError('the tide is out')")
    at.restart(at.proposal(7))
    at.until(lambda: at.source.restarts == 4 and at.source.state == "running")
    at.until_it_writes(1)

    assert at.taken == [5]


def test_a_successor_looks_for_kernels_of_what_is_installed_now(
    at: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    of_the_supervisor = cache_directory().parent / "0123456789abcdef"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(of_the_supervisor))
    tell = f"import os, pathlib; pathlib.Path('{told}').write_text(os.environ['NUMBA_CACHE_DIR'])"
    at.write(value=2, before_ready=tell)
    at.restart()

    assert at.supervisor.refusal("source") == ""
    found = Path(told.read_text("utf-8"))
    assert found.parent == of_the_supervisor.parent
    assert found != of_the_supervisor


def test_a_successor_that_gets_ready_while_the_run_ends_is_withdrawn(at: Bench) -> None:
    at.supervisor.restart("source")
    at.until(lambda: at.supervisor._children["source"].candidate is not None)
    candidate = at.supervisor._children["source"].candidate
    assert candidate is not None
    at.supervisor.stop_producers()

    assert start_time_of(candidate.pid) == 0
    assert at.source.state == "stopped"
    assert at.source.restarts == 0


def test_a_directory_of_kernels_that_a_person_chose_is_the_successors_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = tmp_path / "kernels"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(chosen))

    assert handover._environment()["NUMBA_CACHE_DIR"] == str(chosen)
