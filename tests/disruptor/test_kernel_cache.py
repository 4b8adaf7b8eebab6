"""Which edits make a cached kernel stale."""

from __future__ import annotations

from pathlib import Path

from disruptor.kernel_cache import kernel_sources, source_digest
from tests.disruptor.kernel_program import ROOT, printed_by

CALLER = """
from disruptor.compiled import compiled
from kernels_callee import ADDEND, add

@compiled
def answer(value):
    return add(value) + ADDEND

print(answer(1), sum(answer.stats.cache_hits.values()))
"""
CALLEE = """
from disruptor.compiled import compiled

ADDEND = {addend}

@compiled
def add(value):
    return value + {added}
"""


def run(folder: Path, added: int, addend: int) -> str:
    (folder / "kernels_caller.py").write_text(CALLER)
    (folder / "kernels_callee.py").write_text(CALLEE.format(added=added, addend=addend))
    return printed_by(folder, "kernels_caller")


def test_a_second_process_finds_a_kernel_and_an_edit_of_its_callee_or_constant_loses_it(
    tmp_path: Path,
) -> None:
    assert run(tmp_path, added=1, addend=10) == "12 0"
    assert run(tmp_path, added=1, addend=10) == "12 1"
    assert run(tmp_path, added=2, addend=10) == "13 0"
    assert run(tmp_path, added=2, addend=20) == "23 0"


def test_an_edit_in_one_engine_leaves_the_kernels_of_another_and_of_the_ring() -> None:
    depends = kernel_sources()

    assert ROOT / "components/titan/engine/matching.py" in depends
    for path in ("disruptor/ring/barrier.py", "components/sentinel/engine/margin.py"):
        before = source_digest(ROOT / path)
        other = source_digest(ROOT / "components/titan/engine/matching.py")
        assert before != other
