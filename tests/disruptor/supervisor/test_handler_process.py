"""Handlers named in a topology: run, configured, and refused in one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from disruptor.errors import ConfigurationError, GraphError, ProcessFailedError
from disruptor.memory.segment import existing
from disruptor.supervisor.run import load_runnable, run_topology
from disruptor.supervisor.supervisor import Supervisor
from disruptor.topology.model import Topology

pytestmark = pytest.mark.stress

HERE = "tests.disruptor.supervisor.handlers"
EXAMPLE = Path(__file__).resolve().parents[3] / "disruptor" / "examples" / "pipeline.yaml"


@pytest.fixture
def name(segment_prefix: str) -> str:
    return segment_prefix.rstrip(".")


def topology(name: str, **readers: dict[str, Any]) -> Topology:
    return Topology.model_validate(
        {
            "name": name,
            "rings": {"numbers": {"capacity": 16, "event": f"{HERE}:NUMBER"}},
            "processes": {
                "source": {
                    "run": f"{HERE}:produce",
                    "writes": ["numbers"],
                    "restart": "on-failure",
                },
                **{each: {"reads": ["numbers"], **how} for each, how in readers.items()},
            },
        }
    )


def results(wanted: Topology, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What each reader left when the run was over."""
    left: dict[str, int] = {}
    unlink = Supervisor.unlink

    def keep(supervisor: Supervisor) -> None:
        for each in wanted.processes:
            left[each] = int.from_bytes(supervisor.result_of(each), "big")
        unlink(supervisor)

    monkeypatch.setattr(Supervisor, "unlink", keep)
    run_topology(wanted, lambda line: None)
    return left


def test_a_run_ends_with_its_producers_after_everything_is_handled(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = topology(
        name,
        all={"make_handler": f"{HERE}:make_sum"},
        even={
            "make_handler": f"{HERE}:make_sum",
            "processor": {"partition": {"index": 0, "count": 2}},
            "after": ["all"],
        },
    )
    left = results(wanted, monkeypatch)

    assert left["all"] == sum(range(1, 101))
    assert left["even"] == sum(range(2, 101, 2))
    assert existing(name) == []


def test_a_processor_is_configured_by_its_mapping(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = topology(
        name,
        failing={
            "make_handler": f"{HERE}:make_failing",
            "processor": {
                "exceptions": f"{HERE}:SkipTens",
                "batch_size_max": 1,
                "rewind": {"attempts_max": 3, "pause_s": 0.001},
            },
        },
    )

    assert results(wanted, monkeypatch)["failing"] == sum(n for n in range(101) if n % 10)


def test_a_handler_that_fails_fails_the_run_and_leaves_nothing(name: str) -> None:
    wanted = topology(name, failing={"make_handler": f"{HERE}:make_failing"})
    with pytest.raises(ProcessFailedError, match="process failing failed: ValueError: no 10"):
        run_topology(wanted, lambda line: None)

    assert existing(name) == []


def test_what_is_no_handler_fails_its_process(name: str) -> None:
    wanted = topology(name, none={"handler": f"{HERE}:NO_HANDLER"})
    with pytest.raises(ProcessFailedError, match="NO_HANDLER: found no handler; name a function"):
        run_topology(wanted, lambda line: None)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({}, "processes.c.run: missing; write the function to run"),
        (
            {"run": f"{HERE}:produce", "handler": f"{HERE}:produce"},
            "processes.c.handler: found beside run; write one of the two",
        ),
        (
            {"handler": f"{HERE}:halt_at_fifty", "reads": []},
            "found 0 rings to read; a handler reads",
        ),
        (
            {"run": f"{HERE}:produce", "processor": {"exceptions": "log"}},
            "processes.c.processor: found beside run",
        ),
        (
            {
                "handler": f"{HERE}:halt_at_fifty",
                "processor": {"partition": {"index": 2, "count": 2}},
            },
            "partition.index: found 2 of 2; write a number from 0 to count - 1",
        ),
    ],
)
def test_a_process_with_the_wrong_code_is_refused(
    name: str, how: dict[str, Any], text: str
) -> None:
    with pytest.raises(GraphError, match=text):
        run_topology(topology(name, c=how, d={"run": f"{HERE}:produce"}), lambda line: None)


def test_a_name_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    text = EXAMPLE.read_text("utf-8").replace("pipeline:mark_side", "pipeline:mark_sides")
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=r'has no mark_sides .did you mean "mark_side"'):
        load_runnable(path)


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "disruptor.supervisor", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=EXAMPLE.parents[2],
    )


def test_the_example_runs_from_the_command_line(name: str) -> None:
    program = started(str(EXAMPLE), "--set", f"name={name}")
    out, told = program.communicate(timeout=110)

    assert (program.returncode, out) == (0, "1000 trades, bought 333000, sold 166500\n"), told
    assert existing(name) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_a_run_without_end(name: str, tmp_path: Path, number: int) -> None:
    path = tmp_path / "endless.yaml"
    here = "tests.disruptor.supervisor"
    path.write_text(
        f"name: {name}\n"
        f"rings: {{numbers: {{capacity: 16, event: '{here}.components:NUMBER'}}}}\n"
        "processes:\n"
        f"  source: {{run: '{here}.components:count_up', writes: [numbers]}}\n"
        f"  sum: {{make_handler: '{here}.handlers:make_sum', reads: [numbers]}}\n",
        "utf-8",
    )
    program = started(str(path))
    while not existing(f"{name}.numbers"):
        assert program.poll() is None, program.communicate()
        time.sleep(0.01)
    os.kill(program.pid, number)
    _, told = program.communicate(timeout=110)

    assert program.returncode == 0, told
    assert existing(name) == []


def test_wrong_files_and_failures_have_their_exit_status(name: str, tmp_path: Path) -> None:
    missing = started(str(tmp_path / "none.yaml"))
    failing = tmp_path / "failing.yaml"
    failing.write_text(
        f"name: {name}\n"
        f"rings: {{numbers: {{capacity: 16, event: '{HERE}:NUMBER'}}}}\n"
        "processes:\n"
        f"  source: {{run: '{HERE}:produce', writes: [numbers], restart: on-failure}}\n"
        f"  c: {{make_handler: '{HERE}:make_failing', reads: [numbers]}}\n",
        "utf-8",
    )
    program = started(str(failing))

    assert "cannot be read" in missing.communicate(timeout=110)[1]
    assert missing.returncode == 2
    assert "Error: process c failed: ValueError: no 10" in program.communicate(timeout=110)[1]
    assert program.returncode == 1
