"""What is kept of a cached kernel, and that another can still be made with it."""

from __future__ import annotations

from pathlib import Path

from tests.disruptor.kernel_program import printed_by

CALLEE = """
from disruptor.compiled import compiled

@compiled
def add(value):
    return value + 1
"""
FIRST = "from library_callee import add\nprint(add(1))"
SECOND = """
from disruptor.compiled import compiled
from library_callee import add

def kept():
    (overload,) = add.overloads.values()
    return overload.library._shared_module is not None

add(1)
before = kept()

@compiled
def twice(value):
    return add(add(value))

print(sum(add.stats.cache_hits.values()), before, twice(1), kept())
"""


def run(folder: Path, program: str) -> str:
    (folder / "library_program.py").write_text(program)
    return printed_by(folder, "library_program")


def test_a_cached_kernel_has_its_intermediate_code_only_once_another_is_linked_with_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "library_callee.py").write_text(CALLEE)

    assert run(tmp_path, FIRST) == "2"
    assert run(tmp_path, SECOND) == "1 False 3 True"
