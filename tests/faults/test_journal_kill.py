"""A writer killed at any moment: nothing acknowledged is lost, and the next one continues."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from components.oracle.store import Journal, verify
from tests.components.oracle.store.samples import fill, is_prefix_of_what_was_written

pytestmark = pytest.mark.fault
MODES = ("commit", "interval", "off")


def kill_after(path: Path, sync: str, acknowledgements: int, seed: int) -> int:
    """Run a writer, kill it when it is busy with the append after these; its last word."""
    command = [sys.executable, "-m", "tests.faults.journal_writer", str(path), sync, str(seed)]
    last = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "open\n"
            for _ in range(acknowledgements):
                last = int(child.stdout.readline())
        finally:
            child.kill()
        for line in child.stdout:
            last = int(line) if line.endswith("\n") else last
    return last


def kill_often(path: Path, times: int) -> None:
    chance = random.Random(20261122)
    for turn in range(times):
        acknowledged = kill_after(path, MODES[turn % 3], chance.randrange(20), turn)
        report = verify(path)

        assert report.ok, report.problems
        with Journal.open_reader(path) as journal:
            assert journal.last_sequence("orders") >= acknowledged
            assert journal.last_sequence("orders") == journal.last_sequence("plain")
            assert is_prefix_of_what_was_written(journal)


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    kill_often(tmp_path / "j", times=9)
    fill(tmp_path / "j", batches=1)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_writer_killed_two_hundred_times(tmp_path: Path) -> None:
    kill_often(tmp_path / "j", times=200)
    fill(tmp_path / "j", batches=1)
