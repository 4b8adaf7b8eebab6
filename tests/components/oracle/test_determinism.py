"""The same commands give the same bytes and hashes, whoever derives them, in batches of any size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import hashlib, json, sys
from pathlib import Path

import numpy as np

from components.oracle import Journal, derivation, replay_all
from components.oracle.query import Question, find
from components.oracle.state_text import describe
from tests.components.oracle.platform_samples import Platform, write

path, batch, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
derivation._BATCH = step
platform = Platform(seed=9)
platform.run(500)
write(path, platform.streams(), batch=batch)
report = replay_all(path)
with Journal.open(path) as journal:
    told = {
        name: hashlib.sha256(np.asarray(journal.read(name)).tobytes()).hexdigest()
        for name in ("commands", "events", "risk")
    }
    state = describe(journal.state_at(250), with_orders=True, levels=50)
    events = [each.line.sequence for each in find(journal.store, Question())]
    heads = {each.name: each.head.hex() for each in journal.info().streams}
print(json.dumps({
    "live": platform.hash(), "replayed": report.platform_hash, "ok": report.ok,
    "streams": told, "state": state, "events": events, "heads": heads,
}))
"""


def derived(path: Path, batch: int, step: int, hash_seed: int) -> str:
    """What a process of its own says, byte for byte; the order of keys counts."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), str(batch), str(step)],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True, text=True, check=True, timeout=110,
    )  # fmt: skip
    return ran.stdout


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    return derived(tmp_path_factory.mktemp("first") / "j", batch=100, step=4096, hash_seed=0)


def test_another_process_with_another_hash_seed_says_the_same(
    tmp_path: Path, expected: str
) -> None:
    content = json.loads(expected)

    assert content["ok"] is True
    assert content["live"] == content["replayed"]
    assert derived(tmp_path / "j", batch=100, step=7, hash_seed=4_711) == expected


def test_other_batches_change_the_chain_and_nothing_else(tmp_path: Path, expected: str) -> None:
    """A head stands for the records as they were written, batch by batch."""
    told, other = json.loads(expected), json.loads(derived(tmp_path / "j", 33, 4096, 1))

    assert told.pop("heads") != other.pop("heads")
    assert told == other
