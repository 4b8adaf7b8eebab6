"""Bugs planted in the engine are caught: a few each time, the whole table in the long run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components.titan.mutants import MUTANTS, Mutant

_ROOT = Path(__file__).resolve().parents[3]
_ENGINE = _ROOT / "components" / "titan" / "engine"
_EACH_TIME = 8
_SEEDS = 4


def run_table(seeds: int, numbers: list[int]) -> subprocess.CompletedProcess[str]:
    """The kill table of these bugs; see kill_table.py."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(_ROOT)}
    program = [sys.executable, "-m", "tests.components.titan.kill_table"]
    program += map(str, (seeds, *numbers))
    return subprocess.run(program, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[each.bug for each in MUTANTS])
def test_each_bug_can_be_planted(mutant: Mutant) -> None:
    """What it edits stands in the engine exactly once."""
    assert (_ENGINE / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new


@pytest.mark.timeout(600)
def test_planted_bugs_are_caught() -> None:
    """Some of each kind; the engine as it is passes what catches them."""
    done = run_table(_SEEDS, list(range(0, len(MUTANTS), len(MUTANTS) // _EACH_TIME)))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_every_planted_bug_is_caught() -> None:
    """The whole table."""
    done = run_table(10 * _SEEDS, list(range(len(MUTANTS))))

    assert done.returncode == 0, done.stdout + done.stderr
