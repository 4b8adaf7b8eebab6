"""Plants each bug of mutants.py in a fresh copy of the engine and says which tests caught it.

Run it as a program, uncompiled (NUMBA_DISABLE_JIT=1), with the number of seeded runs beside the
reference engine, and the numbers of some bugs or none for all of them.  Each bug has a process of its own, in which the one source file is edited as it is
imported; nothing is written.  A line a bug: its number, what caught it, the bug.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import random
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import hypothesis  # noqa: F401  (what is not the engine is imported once, before the processes part)
import numba  # noqa: F401
import pytest  # noqa: F401

from tests.components.titan.mutants import MUTANTS, Mutant
from tests.models import reference_book  # noqa: F401

ENGINE = Path(__file__).resolve().parents[3] / "components" / "titan" / "engine"
CAUGHT_BY = (
    "nothing",
    "the rules",
    "the reference engine",
    "the snapshots",
    "shards beside one engine",
    "the growing book",
)
HEALTHY = Mutant("no bug at all", "apply.py", "", "")


class _Edited(SourceFileLoader):
    """Loads a file with its one edit."""

    def __init__(self, fullname: str, path: str, mutant: Mutant) -> None:
        super().__init__(fullname, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType | None:
        source = self.get_data(self.path).decode()
        if self._mutant.old:
            source = source.replace(self._mutant.old, self._mutant.new)
        return compile(source, self.path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds that file before anybody else does."""

    def __init__(self, mutant: Mutant) -> None:
        name = mutant.file.removesuffix(".py").replace("/", ".")
        self._name = f"components.titan.engine.{name}"
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        file = str(ENGINE / self._mutant.file)
        loader = _Edited(fullname, file, self._mutant)
        return importlib.util.spec_from_file_location(fullname, file, loader=loader)


def caught_by(mutant: Mutant, seeds: int) -> int:
    """The place in CAUGHT_BY of the first test that fails; run in a process of its own."""
    sys.meta_path.insert(0, _Finder(mutant))
    from tests.components.titan import test_differential, test_growth, test_rules, test_shards

    try:
        for rule in test_rules.RULES:
            test_rules.test_rule(*rule)
    except Exception:
        return 1
    try:
        for seed in range(seeds):
            test_differential.compare(random.Random(7000 + seed), 250, every=10)
    except Exception:
        return 2
    try:
        for seed in range(3):
            test_differential.compare_split(random.Random(seed), 200)
    except Exception:
        return 3
    try:
        for shards in (2, 3):
            test_shards.compare(random.Random(shards), 300, shards)
    except Exception:
        return 4
    if mutant.file != "hash_table.py":
        return 0
    try:
        test_growth.test_orders_are_found_while_their_index_grows_and_after()
    except Exception:
        return 5
    return 0


def _in_a_process(mutant: Mutant, seeds: int) -> int:
    child = os.fork()
    if child == 0:
        os._exit(caught_by(mutant, seeds))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main(seeds: int, numbers: list[int]) -> None:
    """Print the table; exit with 1 if a bug was not caught or the healthy engine fails."""
    well = _in_a_process(HEALTHY, seeds) == 0
    print("-", "passes all" if well else "FAILS", HEALTHY.bug, sep="\t", flush=True)
    for number in numbers:
        found = _in_a_process(MUTANTS[number], seeds)
        well = well and 0 < found < len(CAUGHT_BY)
        by = CAUGHT_BY[found] if 0 <= found < len(CAUGHT_BY) else f"its end ({found})"
        print(number, by, MUTANTS[number].bug, sep="\t", flush=True)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(each) for each in sys.argv[2:]] or list(range(len(MUTANTS))))
