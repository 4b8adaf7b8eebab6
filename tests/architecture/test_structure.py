"""Rules that the tree itself must keep."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import disruptor
from disruptor.kernel_cache import kernel_sources

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("disruptor", "components", "perf")
LINES_MAX = 600
FUNCTION_LINES_MAX = 80


def sources(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_run_downwards_only() -> None:
    ran = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_public_names_are_those_of_all_and_each_can_be_had() -> None:
    assert sorted(disruptor._HOMES) == disruptor.__all__
    for name in disruptor.__all__:
        assert getattr(disruptor, name) is getattr(
            importlib.import_module(disruptor._HOMES[name]), name
        )


VALUES = {"DisruptorError", "WaitStrategy", "wait_strategy"}  # they belong to nobody


@pytest.mark.parametrize("name", sorted(set(disruptor.__all__) - VALUES))
def test_a_public_name_says_which_process_and_thread_it_is_for(name: str) -> None:
    told = getattr(disruptor, name).__doc__ or ""

    assert re.search(r"\b(thread|process)", told)


def test_a_process_that_needs_a_ring_loads_no_schema_and_no_server() -> None:
    program = (
        "import sys, disruptor; disruptor.RingBuffer\n"
        "print([m for m in ('pydantic', 'aiohttp', 'lmdb', 'click', 'rich') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("path", list(sources(*PACKAGES)), ids=relative)
def test_a_file_says_what_it_owns_and_can_be_read_in_a_sitting(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    longest = [
        (node.name, (node.end_lineno or 0) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]

    assert not text.strip() or ast.get_docstring(tree), "the module has no docstring"
    assert text.count("\n") <= LINES_MAX
    assert not [each for each in longest if each[1] > FUNCTION_LINES_MAX]


def test_only_one_file_compiles_and_four_speak_llvm() -> None:
    compiling = {relative(p) for p in sources(*PACKAGES) if re.search(r"\bnjit\(", p.read_text())}
    lowering = {
        relative(p)
        for p in sources(*PACKAGES)
        if re.search(r"\b(import|from) llvmlite", p.read_text())
    }

    assert compiling == {"disruptor/compiled.py"}
    assert lowering - {"disruptor/compiled.py"} == {
        "disruptor/by_address.py",
        "disruptor/instructions.py",
        "disruptor/kernel_library.py",
        "disruptor/memory/atomics.py",
    }


def test_the_kernel_digest_covers_what_kernels_import() -> None:
    covered = {relative(path) for path in kernel_sources()}

    assert "components/messages/code.py" in covered
    assert "components/titan/engine/matching.py" in covered
    assert "disruptor/ring/layout.py" in covered


def test_engines_read_no_clock_and_no_randomness() -> None:
    engines = sources("components/titan/engine", "components/sentinel/engine")
    forbidden = re.compile(r"^(import|from) (time|random|os|asyncio|lmdb|datetime|secrets)\b", re.M)

    assert [relative(path) for path in engines if forbidden.search(path.read_text())] == []
