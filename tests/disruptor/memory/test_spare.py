"""Giving memory back takes nothing away that is still needed."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

from disruptor.memory.spare import give_back

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
from disruptor.compiled import compiled
from disruptor.memory.spare import give_back

def resident():
    with open("/proc/self/smaps", encoding="utf-8", errors="replace") as maps:
        is_code, kilobytes = False, 0
        for line in maps:
            key, *rest = line.split()
            if not key.endswith(":"):
                is_code = "llvmlite" in line and rest[0] == "r-xp"
            elif key == "Rss:" and is_code:
                kilobytes += int(rest[0])
    return kilobytes

@compiled
def once(value):
    return value + 1

@compiled
def again(value):
    return once(value) * 2

assert once(1) == 2
before = resident()
give_back("llvmlite")
assert resident() < before / 2, (before, resident())
assert once(1) == 2
assert again(1) == 4
"""


def test_a_library_whose_code_was_dropped_still_works(tmp_path: Path) -> None:
    program = tmp_path / "program_of_spare.py"
    program.write_text(PROGRAM)
    ran = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True, text=True, timeout=100, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr


def test_what_was_there_is_left_out_of_later_collections() -> None:
    kept = [object()]
    try:
        give_back()
        assert gc.get_freeze_count() > 0
        assert kept not in gc.get_objects()
    finally:
        gc.unfreeze()
