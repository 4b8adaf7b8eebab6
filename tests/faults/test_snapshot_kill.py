"""A snapshotter killed at any line while it saves: the newest snapshot is always whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.oracle import snapshots
from components.oracle.platform_hash import platform_hash
from components.oracle.replay import restore
from components.oracle.shadow import Schedule, Shadow
from components.oracle.snapshots import Snapshot
from components.oracle.snapshotter import Keeper
from components.oracle.store import Journal, snapshot_file, verify
from components.sentinel import engine as sentinel_engine
from components.titan.shards import shards_hash
from tests.components.oracle.platform_samples import Platform, write

pytestmark = pytest.mark.fault
EVERY, KEEP = 100, 2
LINES_MAX = 100


class Taker:
    """The process that saves in forks of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def take(self, line: int = 0) -> str:
        """Save, dying at that line; whether it was ``killed`` or had ``saved`` before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        return self._process.stdout.readline().strip()


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    return tmp_path / "j"


@pytest.fixture
def platform(journal_path: Path) -> Platform:
    """Between four and five hundred commands, journaled."""
    made = Platform(seed=31)
    made.run(480)
    assert 4 * EVERY < len(made.commands) < 5 * EVERY
    write(journal_path, made.streams(), batch=70)
    return made


@pytest.fixture
def taker(platform: Platform, journal_path: Path) -> Iterator[Taker]:
    command = [sys.executable, "-m", "tests.faults.snapshot_taker", str(journal_path)]
    with subprocess.Popen(
        [*command, str(EVERY), str(KEEP)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Taker(process)
        assert process.stdin is not None
        process.stdin.close()


def taken_at(path: Path) -> list[int]:
    return [place.sequence for place in snapshot_file.found_in(snapshots.folder(path))]


def save_all(path: Path) -> None:
    """Every snapshot that is due, none removed."""
    with Journal.open_reader(path) as journal:
        shadow = Shadow(journal, Snapshot.beginning(), Schedule(EVERY, 0))
        keeper = Keeper(journal, shadow, LINES_MAX, 86_400.0)
        while keeper.follow(lambda: None, lambda: False):
            pass


def started_hash(path: Path) -> tuple[int, str]:
    """Where a start begins now, and the state's hash to which it comes."""
    with Journal.open_reader(path) as journal:
        snapshot, problems = snapshots.newest(journal)
        assert problems == ()
        assert snapshot is not None
        began = snapshot.commands_last
        state = restore(journal, snapshot)
    return began, platform_hash(
        state.commands_last,
        shards_hash(state.shards),
        sentinel_engine.state_hash(state.sentinel_state),
    )


def test_a_snapshotter_killed_at_any_line_leaves_a_whole_newest_snapshot(
    platform: Platform, taker: Taker, journal_path: Path, tmp_path: Path
) -> None:
    folder, before = snapshots.folder(journal_path), tmp_path / "before"
    save_all(journal_path)
    folder.rename(before)
    snapshot_file.found_in(before)[0].path.unlink()
    begun_at = set()
    for line in range(1, LINES_MAX):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        if taker.take(line) == "saved":
            break
        begun, found = started_hash(journal_path)
        begun_at.add(begun)
        assert found == platform.hash()
        assert taker.take() == "saved"
        assert taken_at(journal_path)[0] == 4 * EVERY
        assert list(folder.glob("*.new")) == []
    else:
        pytest.fail(f"it never came to its end in {LINES_MAX} lines")

    assert line > 20
    assert begun_at == {3 * EVERY, 4 * EVERY}
    assert taken_at(journal_path) == [4 * EVERY, 3 * EVERY]
    assert verify(journal_path).ok
