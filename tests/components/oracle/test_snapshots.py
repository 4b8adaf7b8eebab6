"""Snapshots: taken at one command for both engines, used only whole and with their own history."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from components.messages.code import OP_SNAPSHOT
from components.messages.command import COMMAND
from components.monitor.catalogue import SNAPSHOTS, specs_for
from components.oracle import snapshots
from components.oracle.platform_hash import platform_hash
from components.oracle.replay import ReplayDifferenceError, restore
from components.oracle.shadow import Schedule, Shadow
from components.oracle.snapshots import Snapshot
from components.oracle.snapshotter import Keeper, SnapshotCounters
from components.oracle.store import Journal, JournalCorruptError, snapshot_file
from components.oracle.store.snapshot_file import SnapshotError
from components.sentinel import engine as sentinel_engine
from components.titan.shards import shards_hash
from disruptor.memory.counters import CounterBlock
from tests.components.oracle.platform_samples import TABLE, Platform, write

COUNT = 900
NEVER = Schedule(0, 0)


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=23)
    made.run(COUNT)
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Path:
    """A journal with a snapshot after each hundredth command."""
    path = tmp_path_factory.mktemp("snapshots") / "j"
    write(path, platform.streams(), batch=70)
    with Journal.open_reader(path) as journal:
        follow(journal, Schedule(100, 0), keep=100)
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "j")
    return tmp_path / "j"


def follow(journal: Journal, schedule: Schedule, keep: int = 4) -> Shadow:
    shadow = Shadow(journal, Snapshot.beginning(), schedule)
    keeper = Keeper(journal, shadow, keep, 86_400.0)
    while keeper.follow(lambda: None, lambda: False):
        pass
    return shadow


def restored_hash(journal: Journal, snapshot: Snapshot | None) -> str:
    state = restore(journal, snapshot)
    return platform_hash(
        state.commands_last,
        shards_hash(state.shards),
        sentinel_engine.state_hash(state.sentinel_state),
    )


def taken_at(path: Path) -> list[int]:
    return [place.sequence for place in snapshot_file.found_in(snapshots.folder(path))]


def test_a_start_from_any_snapshot_is_the_start_from_the_beginning(
    whole: Path, platform: Platform
) -> None:
    with Journal.open_reader(whole) as journal:
        whole_run = restore(journal)
        assert restored_hash(journal, None) == platform.hash()
        places = snapshot_file.found_in(snapshots.folder(whole))
        assert len(places) == len(platform.commands) // 100
        for place in places:
            snapshot = snapshots.load(journal, place.path)
            assert snapshot.commands_last == place.sequence
            state = restore(journal, snapshot)
            assert (state.events_last, state.risk_last) == (
                whole_run.events_last,
                whole_run.risk_last,
            )
            assert state.pending_orders.tobytes() == platform.pending().tobytes()
            assert state.configuring.tobytes() == whole_run.configuring.tobytes()
            assert restored_hash(journal, snapshots.load(journal, place.path)) == platform.hash()


def test_both_engines_stand_after_the_same_command(whole: Path, platform: Platform) -> None:
    with Journal.open_reader(whole) as journal:
        for place in snapshot_file.found_in(snapshots.folder(whole))[:3]:
            snapshot = snapshots.load(journal, place.path)
            stopped = Platform.replaying(np.concatenate(platform.commands[: place.sequence]))
            assert stopped.hash() == platform_hash(
                place.sequence,
                shards_hash(snapshot.shards),
                sentinel_engine.state_hash(snapshot.sentinel),
            )


def test_the_newest_is_found_and_a_limit_is_kept(whole: Path) -> None:
    with Journal.open_reader(whole) as journal:
        newest, problems = snapshots.newest(journal)
        earlier, _ = snapshots.newest(journal, upto=555)
        none, _ = snapshots.newest(journal, upto=99)
    assert newest is not None
    assert earlier is not None
    assert (newest.commands_last % 100, earlier.commands_last, none) == (0, 500, None)
    assert problems == ()


def test_a_damaged_snapshot_falls_back_to_the_one_before(copy: Path, platform: Platform) -> None:
    """Any byte of it; the bad one is left where it is."""
    newest, before = snapshot_file.found_in(snapshots.folder(copy))[:2]
    content = newest.path.read_bytes()
    chance = random.Random(5)
    with Journal.open_reader(copy) as journal:
        for _ in range(40):
            changed = bytearray(content)
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            newest.path.write_bytes(changed)
            found, problems = snapshots.newest(journal)
            assert found is not None
            assert found.commands_last == before.sequence
            assert "is damaged" in problems[0]
        for size in (0, 10, len(content) - 1):
            newest.path.write_bytes(content[:size])
            with pytest.raises(SnapshotError, match="is damaged"):
                snapshots.load(journal, newest.path)
        found, _ = snapshots.newest(journal)
        assert restored_hash(journal, found) == platform.hash()
    assert newest.path.exists()


def test_a_snapshot_of_another_history_is_not_used(copy: Path, tmp_path: Path) -> None:
    other = Platform(seed=24)
    other.run(COUNT // 2)
    write(tmp_path / "other", other.streams(), batch=70)
    with Journal.open_reader(tmp_path / "other") as journal:
        follow(journal, Schedule(100, 0))
    shutil.rmtree(snapshots.folder(copy))
    shutil.copytree(snapshots.folder(tmp_path / "other"), snapshots.folder(copy))
    with Journal.open_reader(copy) as journal:
        found, problems = snapshots.newest(journal)
    assert found is None
    assert "in the journal" in problems[0]


def test_a_journal_that_ends_before_its_snapshot_is_refused(whole: Path, tmp_path: Path) -> None:
    """A snapshot is only taken of what is durable, so the journal has lost its end."""
    short = Platform(seed=23)
    short.run(COUNT // 2)
    write(tmp_path / "j", short.streams(), batch=70)
    shutil.copytree(snapshots.folder(whole), snapshots.folder(tmp_path / "j"))
    with (
        Journal.open_reader(tmp_path / "j") as journal,
        pytest.raises(JournalCorruptError, match="its end is missing"),
    ):
        snapshots.newest(journal)


def test_snapshots_are_due_by_count_time_and_marker() -> None:
    commands = np.zeros(10, COMMAND)
    commands["ts"] = np.array([5, 6, 14, 9, 19, 21, 21, 30, 31, 32]) * 10**9
    commands["op"][3] = OP_SNAPSHOT

    def all_due(schedule: Schedule, cuts: int) -> list[int]:
        found, start, now = [], 0, 0
        while start < len(commands):
            part = commands[start : start + cuts]
            due = schedule.next_due(start + 1, part, now)
            taken = len(part) if due is None else due - start
            now = max(now, int(part["ts"][:taken].max()))
            start += taken
            found += [due] if due is not None else []
        return found

    for cuts in (1, 3, 10):
        assert all_due(Schedule(0, 0), cuts) == [4]
        assert all_due(Schedule(5, 0), cuts) == [4, 5, 10]
        assert all_due(Schedule(0, 10), cuts) == [3, 4, 6, 8]


def test_the_same_commands_give_the_same_files(copy: Path, tmp_path: Path) -> None:
    """Whatever the batches of the journal were, and whenever the shadow looked."""
    kept = {p.sequence: p.path.read_bytes() for p in snapshot_file.found_in(copy / "snapshots")}
    shutil.rmtree(snapshots.folder(copy))
    with Journal.open_reader(copy) as journal:
        shadow = Shadow(journal, Snapshot.beginning(), Schedule(100, 0))
        keeper = Keeper(journal, shadow, 100, 86_400.0)
        while keeper.follow(lambda: None, lambda: True):  # told to stop after each step
            pass
    again = {p.sequence: p.path.read_bytes() for p in snapshot_file.found_in(copy / "snapshots")}
    assert again == kept


def test_old_snapshots_go_and_two_always_stay(copy: Path) -> None:
    folder = snapshots.folder(copy)
    sequences = taken_at(copy)
    assert len(sequences) > 6
    snapshot_file.retire(folder, 5, 1e9)
    assert taken_at(copy) == sequences[:5]
    for place in snapshot_file.found_in(folder):
        os.utime(place.path, (0, 0))
    snapshot_file.retire(folder, 5, 60.0)
    assert taken_at(copy) == sequences[:2]


def test_a_shadow_names_where_the_live_engines_went_wrong(
    tmp_path: Path, platform: Platform
) -> None:
    streams = {name: records.copy() for name, records in platform.streams().items()}
    streams["events"]["qty"][200] += 1
    write(tmp_path / "j", streams, batch=70)
    with (
        Journal.open_reader(tmp_path / "j") as journal,
        pytest.raises(ReplayDifferenceError, match="stream events, sequence 201, field qty"),
    ):
        follow(journal, NEVER)


def test_a_shadow_waits_for_consequences_that_come_a_commit_later(
    tmp_path: Path, platform: Platform
) -> None:
    """Commands may be durable before the events that follow from them."""
    streams = platform.streams()
    path = tmp_path / "j"
    early = {name: records[:0] for name, records in streams.items()}
    early["commands"] = streams["commands"]
    early["events"] = streams["events"][:50]
    write(path, early)
    with Journal.open_reader(path) as journal:
        shadow = Shadow(journal, Snapshot.beginning(), NEVER)
        for _ in shadow.advance(journal.last_sequence("commands")):
            pass
        assert not shadow.is_durable()
        assert shadow.platform_hash == platform.hash()


def test_the_end_is_saved_once(copy: Path, platform: Platform) -> None:
    last = len(platform.commands)
    with Journal.open_reader(copy) as journal:
        for _ in range(2):
            snapshot, _ = snapshots.newest(journal)
            assert snapshot is not None
            shadow = Shadow(journal, snapshot, NEVER)
            assert Keeper(journal, shadow, 4, 86_400.0).finish(last, 60.0)
            assert shadow.platform_hash == platform.hash()
    assert taken_at(copy)[0] == last
    assert len(taken_at(copy)) == 4


def test_an_end_that_the_journal_does_not_reach_in_time_is_not_saved(copy: Path) -> None:
    before = taken_at(copy)
    with Journal.open_reader(copy) as journal:
        shadow = Shadow(journal, Snapshot.beginning(), NEVER)
        beyond = journal.last_sequence("commands") + 1
        assert not Keeper(journal, shadow, 100, 86_400.0).finish(beyond, 0.05)
    assert taken_at(copy) == before


def test_a_disk_that_refuses_leaves_what_was_there(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = snapshot_file.found_in(snapshots.folder(copy))[0]
    content = newest.path.read_bytes()

    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with Journal.open_reader(copy) as journal:
        snapshot = snapshots.load(journal, newest.path)
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(SnapshotError, match="No space left"):
            snapshots.save(journal, snapshot)
    assert newest.path.read_bytes() == content
    assert list(snapshots.folder(copy).glob("*.new")) == []


def test_what_was_saved_is_counted_for_the_monitor(
    copy: Path, platform: Platform, segment_prefix: str
) -> None:
    shutil.rmtree(snapshots.folder(copy))
    block = CounterBlock.create(f"{segment_prefix}counters", specs_for(SNAPSHOTS, TABLE))

    def word(name: str) -> int:
        return int(block.words[block.offset(name)])

    try:
        with Journal.open_reader(copy) as journal:
            shadow = Shadow(journal, Snapshot.beginning(), Schedule(100, 0))
            keeper = Keeper(journal, shadow, 100, 86_400.0, SnapshotCounters(block))
            while keeper.follow(lambda: None, lambda: False):
                pass
        newest = snapshot_file.found_in(snapshots.folder(copy))[0]
        assert word("oracle_snapshots") == len(platform.commands) // 100
        assert word("oracle_snapshot_command") == newest.sequence
        assert word("oracle_snapshot_bytes") == newest.path.stat().st_size
        assert word("oracle_snapshot_timestamp_seconds") > 0
    finally:
        block.unlink()
