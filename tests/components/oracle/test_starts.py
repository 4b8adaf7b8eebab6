"""Snapshots save time, are checked on the way, and let a journal give up its oldest segments."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.instruments import MarginTier
from components.oracle import snapshots
from components.oracle.changes import Changes
from components.oracle.history import Instruments
from components.oracle.platform_state import state_at
from components.oracle.replay import replay, restore
from components.oracle.starts import derivation_before, no_longer_needed
from components.oracle.store import Journal, JournalCorruptError, JournalError, archive, verify
from components.oracle.store.segments import places
from components.oracle.streams import STREAM_DTYPES
from components.oracle.what_if import WhatIf, what_if
from tests.components.oracle.platform_samples import Platform
from tests.components.oracle.store.samples import STREAMS, append
from tests.components.oracle.test_cli import oracle

COUNT = 1_200
SNAPSHOTS = (500, 800, 1_000)
STEP = 100


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=6)
    made.run(COUNT)
    return made


@contextmanager
def writing(path: Path) -> Iterator[Journal]:
    with Journal.open_writer(path, STREAM_DTYPES, segment_bytes=1 << 16, sync="off") as journal:
        yield journal


def journaled(path: Path, platform: Platform) -> Path:
    """Small segments, each step with all that follows from its commands; snapshots on the way."""
    streams = platform.streams()
    commands = len(streams["commands"])
    done = dict.fromkeys(streams, 0)
    for end in range(STEP, commands + STEP, STEP):
        ends = {"commands": min(end, commands)}
        for name in ("events", "risk"):
            ends[name] = int((streams[name]["seq"] <= end).sum())
        with writing(path) as journal:
            journal.append(
                [
                    (n, done[n] + 1, [streams[n][done[n] : ends[n]]])
                    for n in ends
                    if ends[n] > done[n]
                ]
            )
        done = ends
        if end in SNAPSHOTS:
            with Journal.open_reader(path) as reader:
                snapshots.save(reader, restore(reader).as_snapshot())
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Path:
    directory = journaled(tmp_path_factory.mktemp("starts") / "j", platform)
    assert len(places(directory)) > 8
    return directory


@pytest.fixture
def path(tmp_path: Path, made: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "j"))


def test_a_state_is_derived_from_the_newest_snapshot_before_it(
    path: Path, platform: Platform
) -> None:
    with Journal.open_reader(path) as journal:
        for sequence, start in ((499, 0), (800, 800), (1_100, 1_000)):
            assert derivation_before(journal, sequence).commands_last == start
            stopped = Platform.replaying(np.concatenate(platform.commands[:sequence]))
            assert state_at(journal, sequence).hashes().platform == stopped.hash()


def test_a_damaged_snapshot_only_costs_time(path: Path, platform: Platform) -> None:
    newest = max((path / "snapshots").glob("*.snap"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    with Journal.open_reader(path) as journal:
        assert derivation_before(journal, COUNT).commands_last == SNAPSHOTS[1]
        assert state_at(journal).hashes().platform == platform.hash()


def test_a_replay_compares_the_hash_of_each_snapshot_that_it_passes(
    path: Path, platform: Platform
) -> None:
    place = max((path / "snapshots").glob("*.snap"))
    with Journal.open_reader(path) as journal:
        assert replay(journal).ok
        other = Platform.replaying(np.concatenate(platform.commands[:700]))
        _exchange_hash(place, other.hash())
        report = replay(journal)
        later = replay(journal, first=1_001)
    derived = Platform.replaying(np.concatenate(platform.commands[:1_000])).hash()

    assert str(report.differences[0]) == (
        f"stream snapshots, sequence 1000, field platform_hash: "
        f"expected {derived}, found {other.hash()}"
    )
    assert later.ok


def _exchange_hash(place: Path, platform_hash: str) -> None:
    """A snapshot that is whole, but says another hash."""
    from components.oracle.store import snapshot_file

    header, parts = snapshot_file.read(place)
    sequence = int(place.stem.removeprefix("snapshot-"))
    header["platform_hash"] = platform_hash
    snapshot_file.write(
        place.parent, sequence, header, {name: bytes(part) for name, part in parts.items()}
    )


def test_what_no_start_needs_may_go_once_it_is_archived(
    path: Path, platform: Platform, tmp_path: Path
) -> None:
    head = oracle("head", "--path", path).stdout
    before = len(places(path))
    result = oracle("archive", "--path", path, tmp_path / "a", "--remove", "--keep", "0")
    left = places(path)
    begin = {each: _first(path, each) for each in STREAM_DTYPES}

    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("was removed from the journal") == before - len(left) > 2
    assert 1 < begin["commands"] <= SNAPSHOTS[1] + 1
    assert verify(path, deep=True).ok
    assert oracle("head", "--path", path).stdout == head
    info = json.loads(oracle("info", "--path", path, "--json").stdout)["streams"]["commands"]
    assert info["first_sequence"] == begin["commands"]
    assert info["count"] == len(platform.commands) - begin["commands"] + 1


def _first(path: Path, stream: str) -> int:
    with Journal.open_reader(path) as journal:
        return journal.first_sequence(stream)


@pytest.fixture
def trimmed(path: Path, tmp_path: Path) -> Path:
    oracle("archive", "--path", path, tmp_path / "a", "--remove", "--keep", "0")
    assert _first(path, "commands") > 1
    return path


def test_a_trimmed_journal_starts_from_its_snapshots(trimmed: Path, platform: Platform) -> None:
    with Journal.open_reader(trimmed) as journal:
        newest, _ = snapshots.newest(journal)
        restored = restore(journal, newest)
        assert restored.commands_last == len(platform.commands)
        assert state_at(journal).hashes().platform == platform.hash()
        assert replay(journal, first=SNAPSHOTS[1] + 1).ok
        assert list(Instruments(journal).table()) == ["BTCUSDT"]
    told = oracle("events", "--path", trimmed, "--from", "1000", "--type", "OrderPlaced")
    assert told.exit_code == 0, told.stderr
    assert "accepted: symbol BTCUSDT" in told.stdout


@pytest.fixture
def halves(trimmed: Path, tmp_path: Path) -> tuple[Path, int]:
    """The trimmed journal, and the command of its oldest snapshot that can be begun with."""
    oldest = min(each for each in SNAPSHOTS if each >= _first(trimmed, "commands") - 1)
    return trimmed, oldest


def _what_if(path: Path, **changes: Any) -> WhatIf:
    with Journal.open_reader(path) as journal:
        return what_if(journal, Changes(**changes))


def test_a_trimmed_journal_without_a_change_is_what_it_was(
    halves: tuple[Path, int], platform: Platform
) -> None:
    path, oldest = halves
    found = _what_if(path)

    assert found.same_until == oldest > 1
    assert found.commands == len(platform.commands)
    assert found.changed.hashes == found.journaled.hashes
    assert found.changed.hashes.platform == platform.hash()
    shown = oracle("what-if", "--path", path)
    assert (
        f"the same up to command {oldest:,}, a snapshot: there the journal begins" in shown.stdout
    )


def test_rules_that_were_set_before_a_trimmed_journal_begins_are_changed_from_there(
    halves: tuple[Path, int], tmp_path: Path
) -> None:
    path, oldest = halves
    same = _what_if(path, tiers={0: (MarginTier(0, 5_000),)}, fees={0: (0, 0)})
    strict = _what_if(path, tiers={0: (MarginTier(0, 300_000),)})
    dear = _what_if(path, fees={0: (1_000, 1_000)})

    assert len(same.changed.liquidations) == len(same.journaled.liquidations)
    assert same.first_different_trade is None
    assert len(strict.changed.liquidations) > len(strict.journaled.liquidations)
    assert strict.changed.liquidations["seq"].min() > oldest
    assert dear.changed.trades[0].fees > dear.journaled.trades[0].fees == 0


def test_what_a_trimmed_journal_cannot_change_is_refused(halves: tuple[Path, int]) -> None:
    path, oldest = halves
    there = oracle("what-if", "--path", path, "--without", "3")
    early = oracle("what-if", "--path", path, "--to", str(oldest - 1))

    assert there.exit_code == early.exit_code == 1
    assert f"account 3 was there before command {oldest + 1}, where the journal" in there.stderr
    assert f"can be changed from command {oldest + 1} on" in early.stderr
    for each in (path / "snapshots").glob("*.snap"):
        each.unlink()
    with pytest.raises(JournalError, match=r"no snapshot after that to begin with; restore it to"):
        _what_if(path)


def test_a_trimmed_journal_goes_on(trimmed: Path, platform: Platform) -> None:
    commands = len(platform.commands)
    platform = Platform.replaying(np.concatenate(platform.commands))
    sizes = {name: len(records) for name, records in platform.streams().items()}
    platform.run(50)
    streams = platform.streams()
    with writing(trimmed) as journal:
        journal.append([(n, sizes[n] + 1, [streams[n][sizes[n] :]]) for n in streams])
    with Journal.open_reader(trimmed) as journal:
        assert replay(journal, first=commands).platform_hash == platform.hash()
    assert verify(trimmed).ok


def test_what_was_given_up_is_named_and_comes_back_from_the_archive(
    trimmed: Path, platform: Platform, tmp_path: Path
) -> None:
    first = _first(trimmed, "commands")
    with (
        Journal.open_reader(trimmed) as journal,
        pytest.raises(JournalError, match=f"begins at sequence {first}: what came before lies in"),
    ):
        list(journal.read("commands"))
    refused = oracle("state", "--path", trimmed, "--at", "300")
    archive.restore([tmp_path / "a", trimmed], tmp_path / "whole")
    with Journal.open_reader(tmp_path / "whole") as journal:
        assert journal.first_sequence("commands") == 1
        assert replay(journal).platform_hash == platform.hash()

    assert refused.exit_code == 1
    assert f"begins at command {first} and has no snapshot at or before" in refused.stderr


def test_nothing_goes_that_a_start_needs_or_that_is_young(path: Path, tmp_path: Path) -> None:
    words = ("archive", "--path", path, tmp_path / "a", "--remove")
    young = oracle(*words, "--keep", "0", "--older-than", "1")
    kept = oracle(*words, "--keep", "99")
    for place in sorted((path / "snapshots").glob("*.snap"))[1:]:
        place.unlink()
    with Journal.open_reader(path) as journal:
        assert no_longer_needed(path, journal.streams) == {}
    needed = oracle(*words, "--keep", "0")

    for each in (young, kept, needed):
        assert each.exit_code == 0
        assert "nothing was removed: all that is archived is kept, young, or needed" in each.stdout
    assert _first(path, "commands") == 1


def test_nothing_goes_beside_a_writer_or_into_a_damaged_archive(path: Path, tmp_path: Path) -> None:
    words = ("archive", "--path", path, tmp_path / "a", "--remove", "--keep", "0")
    archive.archive(path, tmp_path / "a")
    chosen = archive.contents(tmp_path / "a")[0].path
    content = chosen.read_bytes()
    chosen.write_bytes(content[:-9])
    damaged = oracle(*words)
    chosen.write_bytes(content)

    assert damaged.exit_code == 1
    assert "nothing was removed, as the archive is damaged: " in damaged.stderr
    assert _first(path, "commands") == 1


def test_a_damaged_note_of_what_was_given_up_is_refused(trimmed: Path) -> None:
    note = trimmed / "trimmed.json"
    note.write_text(note.read_text().replace('"position": ', '"position": 1'))

    with pytest.raises(JournalCorruptError, match=r"trimmed\.json is damaged"):
        Journal.open_reader(trimmed)


def test_another_beginning_than_the_one_noted_is_refused(trimmed: Path) -> None:
    """Without the note, or with a segment more gone, the chain hangs on nothing."""
    first = places(trimmed)[0].path
    first.rename(trimmed / "elsewhere")
    report = verify(trimmed)

    assert not report.ok
    assert "a segment is missing or was exchanged" in report.problems[0]


def test_a_journal_without_a_state_gives_up_whatever_is_archived(tmp_path: Path) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS, segment_bytes=1 << 16, sync="off") as journal:
        for _ in range(24):
            append(journal, 100)
    result = oracle("archive", "--path", tmp_path / "j", tmp_path / "a", "--remove", "--keep", "1")

    assert result.stdout.count("was removed") == len(archive.contents(tmp_path / "a")) - 1
    assert len(places(tmp_path / "j")) == 2
    assert verify(tmp_path / "j").ok
