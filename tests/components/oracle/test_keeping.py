"""A journal elsewhere: copied while it is written, compressed, made again; always proven."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from components.oracle.raw import raw_path
from components.oracle.raw.reader import read_entries
from components.oracle.raw.tail import FRAME
from components.oracle.raw.writer import RawWriter
from components.oracle.replay import replay
from components.oracle.store import (
    Journal,
    JournalCorruptError,
    JournalTrimmedError,
    archive,
    backup,
    manifest,
    trimmed,
    verify,
)
from components.oracle.store.archive import contents, problems
from components.oracle.store.backup import BackupError, copy_segment
from components.oracle.store.environment import data_file
from components.oracle.store.retention import Retention, expire
from components.oracle.store.segments import Place, Segments, places
from components.oracle.store.trimmed import Trim
from components.oracle.store.verify import verify_segment
from components.oracle.streams import STREAM_DTYPES
from tests.components.oracle.platform_samples import Platform
from tests.components.oracle.store.samples import (
    STREAMS,
    append,
    fill,
    is_prefix_of_what_was_written,
)
from tests.components.oracle.test_cli import oracle

SMALL = 1 << 16


def segmented(path: Path, batches: int = 24) -> Path:
    with Journal.open_writer(path, STREAMS, segment_bytes=SMALL, sync="off") as journal:
        for _ in range(batches):
            append(journal, 100)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = segmented(tmp_path / "j")
    assert len(places(made)) > 2
    return made


def lengths(path: Path) -> dict[str, int]:
    with Journal.open_reader(path) as journal:
        assert is_prefix_of_what_was_written(journal)
        return {name: journal.last_sequence(name) for name in journal.streams}


def test_a_backup_is_the_journal(path: Path, tmp_path: Path) -> None:
    (path / "snapshots").mkdir()
    (path / "snapshots" / "one.snap").write_bytes(b"state")
    result = oracle("backup", "--path", path, tmp_path / "copy")

    assert result.exit_code == 0, result.stderr
    assert "proven: orders up to 2,400, plain up to 2,400" in result.stdout
    assert lengths(tmp_path / "copy") == lengths(path)
    assert (tmp_path / "copy" / "snapshots" / "one.snap").read_bytes() == b"state"
    assert (
        oracle("head", "--path", path).stdout == oracle("head", "--path", tmp_path / "copy").stdout
    )


def frames_in(path: Path) -> Path:
    """A raw journal of six segments."""
    writer = RawWriter(raw_path(path), segment_bytes=SMALL)
    for number in range(6):
        writer.add(FRAME, 0, number, random.Random(number).randbytes(SMALL), 0)
        writer.cut()
    writer.close()
    return raw_path(path)


def test_a_backup_holds_the_raw_journal_too_and_proves_it(path: Path, tmp_path: Path) -> None:
    frames = list(read_entries(frames_in(path)))
    result = oracle("backup", "--path", path, tmp_path / "copy")
    (damaged,) = places(raw_path(path))[:1]
    data = data_file(damaged.path)
    data.chmod(0o600)
    content = bytearray(data.read_bytes())
    content[content.find(b"JREC") + 300] ^= 1
    data.write_bytes(content)
    refused = oracle("backup", "--path", path, tmp_path / "other")

    assert result.exit_code == 0, result.stderr
    assert f"backed up to {tmp_path / 'copy'}, proven: orders up to 2,400" in result.stdout
    assert f"backed up to {tmp_path / 'copy' / 'raw'}, proven: blocks up to 6" in result.stdout
    assert len(frames) == 6
    assert list(read_entries(raw_path(tmp_path / "copy"))) == frames
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: the copy could not be proven: ")
    assert not (tmp_path / "other").exists()


def test_a_backup_begins_where_a_trimmed_journal_does(path: Path, tmp_path: Path) -> None:
    gone = expire(path, Retention(keep=2))
    backup.backup(path, tmp_path / "copy")
    with Journal.open_reader(path) as journal, Journal.open_reader(tmp_path / "copy") as copy:
        assert copy.first_sequence("orders") == journal.first_sequence("orders") > 1

    assert len(gone) > 1
    assert verify(tmp_path / "copy", deep=True).ok


def give_up(path: Path, keep: int) -> None:
    """What ``expire`` does, of a journal that this process reads, and so cannot open again."""
    found = places(path)
    gone = [place.path for place in found[:-keep]]
    if gone:
        last = manifest.read(gone[-1])
        assert last is not None
        ends = {name: part.end for name, part in last.streams.items()}
        trimmed.remove(path, Trim(found[-keep].position, ends), gone)


def test_a_backup_goes_on_with_what_retention_leaves_meanwhile(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = frames_in(path)
    keeps = {1: 5, 3: 2}  # segments are given up before the first one is copied, and amid the copy
    copied: list[str] = []

    def copy(segments: Segments, place: Place, directory: Path) -> None:
        if segments.directory == raw:
            copied.append(place.path.name)
            give_up(raw, keeps.get(len(copied), 6))
        copy_segment(segments, place, directory)

    monkeypatch.setattr("components.oracle.store.backup.copy_segment", copy)
    reports = backup.backup(path, tmp_path / "copy", within=["raw"])

    assert all(report.ok for report in reports)
    assert list(read_entries(raw_path(tmp_path / "copy"))) == list(read_entries(raw))
    assert [place.path.name for place in places(raw_path(tmp_path / "copy"))] == copied[-2:]
    assert len(list(raw_path(tmp_path / "copy").glob("journal-*"))) == 2
    assert len(copied) == 5
    assert lengths(tmp_path / "copy") == lengths(path)


def test_a_backup_that_retention_always_outruns_says_so(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(segments: Segments, place: Place, directory: Path) -> None:
        raise JournalTrimmedError(f"{place.path} was removed")

    monkeypatch.setattr("components.oracle.store.backup.copy_segment", gone)
    with pytest.raises(BackupError, match=f"retention removes segments of {path} faster"):
        backup.backup(path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_segment_that_is_missing_without_retention_is_no_retention(
    path: Path, tmp_path: Path
) -> None:
    segments = Segments.open_reading(path)
    try:
        shutil.rmtree(places(path)[1].path)
        with pytest.raises(OSError, match="No such file"):
            copy_segment(segments, segments.places[1], tmp_path)
    finally:
        segments.close()


def test_a_reader_of_frames_that_retention_removes_says_so_in_a_sentence(tmp_path: Path) -> None:
    raw = frames_in(tmp_path)
    reading = read_entries(raw)
    next(reading)
    give_up(raw, keep=2)

    with pytest.raises(JournalTrimmedError, match="was removed by retention while it was read"):
        list(reading)
    assert [each.received_ns for each in read_entries(raw)] == [4, 5]


def test_a_proof_of_what_retention_removes_says_so_in_a_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*arguments: Any, **options: Any) -> list[str]:
        give_up(path, keep=2)
        return verify_segment(*arguments, **options)

    module = sys.modules["components.oracle.store.verify"]  # the package has a function of its name
    monkeypatch.setattr(module, "verify_segment", late)
    result = oracle("verify", "--path", path)

    assert result.exit_code == 1
    assert "was removed by retention while it was read" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_backup_goes_on_as_a_journal(path: Path, tmp_path: Path) -> None:
    backup.backup(path, tmp_path / "copy")
    fill(tmp_path / "copy", batches=3)

    assert lengths(tmp_path / "copy") == {"orders": 2_430, "plain": 2_430}
    assert lengths(path) == {"orders": 2_400, "plain": 2_400}


def _write_until_stopped(path: Path, ready: Any, stop: Any) -> None:
    with Journal.open_writer(path, STREAMS, segment_bytes=SMALL, sync="off") as journal:
        while not stop.is_set():
            append(journal, 20)
            ready.set()


def test_backups_and_archives_are_made_while_a_process_writes(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, stop = spawn.Event(), spawn.Event()
    path = segmented(tmp_path / "j", batches=12)
    before = lengths(path)
    writer = spawn.Process(target=_write_until_stopped, args=(path, ready, stop))
    writer.start()
    try:
        assert ready.wait(60)
        for number in range(2):
            backup.backup(path, tmp_path / f"copy{number}")
        archive.archive(path, tmp_path / "archive")
    finally:
        stop.set()
        writer.join(60)
    assert writer.exitcode == 0
    seen = [lengths(tmp_path / f"copy{number}")["orders"] for number in range(2)]
    assert seen == sorted(seen)
    assert before["orders"] < seen[0] <= lengths(path)["orders"]
    archive.restore([tmp_path / "archive", path], tmp_path / "whole")
    assert lengths(tmp_path / "whole") == lengths(path)


def test_a_backup_that_cannot_be_leaves_nothing(path: Path, tmp_path: Path) -> None:
    first = places(path)[0].path / "data.mdb"
    first.chmod(0o600)
    damaged = bytearray(first.read_bytes())
    damaged[damaged.find(b"JREC") + 200] ^= 1
    first.write_bytes(damaged)
    result = oracle("backup", "--path", path, tmp_path / "copy")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the copy could not be proven: ")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["j"]


def test_an_existing_directory_is_never_written_to(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    results = [
        oracle("backup", "--path", path, tmp_path / "copy"),
        oracle("restore", tmp_path / "copy", path),
    ]

    assert [each.exit_code for each in results] == [1, 1]
    assert {each.stderr for each in results} == {
        f"Error: {tmp_path / 'copy'} exists already; choose a directory that does not\n"
    }


def test_sealed_segments_are_archived_once(path: Path, tmp_path: Path) -> None:
    first = oracle("archive", "--path", path, tmp_path / "archive")
    again = oracle("archive", "--path", path, tmp_path / "archive")
    proof = oracle("archive", "--path", path, tmp_path / "archive", "--verify")
    sealed = len(places(path)) - 1

    assert first.stdout.count(" became ") == sealed
    assert again.stdout == f"the archive {tmp_path / 'archive'} holds {sealed} segments\n"
    assert f"is whole: {sealed} segments" in proof.stdout
    assert "orders: 1 to " in proof.stdout
    assert sum(each.size_bytes for each in contents(tmp_path / "archive")) < sum(
        each.manifest.file_bytes for each in contents(tmp_path / "archive")
    )


def test_what_is_restored_from_an_archive_is_its_part_of_the_journal(
    path: Path, tmp_path: Path
) -> None:
    archive.archive(path, tmp_path / "archive")
    held = contents(tmp_path / "archive")[-1].manifest.streams
    result = oracle("restore", tmp_path / "part", tmp_path / "archive")
    fill(tmp_path / "part", batches=1)

    assert result.exit_code == 0, result.stderr
    assert lengths(tmp_path / "part") == {
        name: part.end.sequence + 10 for name, part in held.items()
    }
    head = oracle("head", "--path", path).stdout.split()[2]
    assert oracle("verify", "--path", tmp_path / "part", "--expect-head", head).exit_code == 1


def test_an_archived_platform_replays(tmp_path: Path) -> None:
    platform = Platform(seed=4)
    platform.run(800)
    streams = platform.streams()
    with Journal.open_writer(
        tmp_path / "j", STREAM_DTYPES, segment_bytes=SMALL, sync="off"
    ) as journal:
        for start in range(0, max(map(len, streams.values())), 100):
            journal.append(
                [
                    (name, start + 1, [records[start : start + 100]])
                    for name, records in streams.items()
                    if start < len(records)
                ]
            )
    archive.archive(tmp_path / "j", tmp_path / "archive")
    archive.restore([tmp_path / "archive", tmp_path / "j"], tmp_path / "whole")
    with Journal.open_reader(tmp_path / "whole") as journal:
        report = replay(journal)

    assert report.ok
    assert report.platform_hash == platform.hash()


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_changed_byte_in_an_archive_is_named(path: Path, tmp_path: Path, place: float) -> None:
    archive.archive(path, tmp_path / "archive")
    chosen = contents(tmp_path / "archive")[1].path
    content = bytearray(chosen.read_bytes())
    content[int(len(content) * place)] ^= 16
    chosen.write_bytes(content)
    result = oracle("archive", "--path", path, tmp_path / "archive", "--verify")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {chosen} ")
    assert result.stderr.count("\n") == 1
    with pytest.raises((BackupError, JournalCorruptError), match=chosen.name):
        archive.restore([tmp_path / "archive"], tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_a_segment_that_an_archive_lacks_is_named(path: Path, tmp_path: Path) -> None:
    archive.archive(path, tmp_path / "archive")
    chosen = contents(tmp_path / "archive")[1]
    chosen.path.unlink()
    (tmp_path / "archive" / f"{chosen.name}.json").unlink()

    (problem,) = problems(tmp_path / "archive")
    assert "a segment is missing or was exchanged" in problem


def test_an_archive_is_of_one_journal(path: Path, tmp_path: Path) -> None:
    archive.archive(path, tmp_path / "archive")
    with Journal.open_writer(tmp_path / "k", STREAMS, segment_bytes=SMALL, sync="off") as journal:
        for _ in range(48):
            append(journal, 50)
    result = oracle("archive", "--path", tmp_path / "k", tmp_path / "archive")

    assert result.exit_code == 1
    assert "is of another journal than" in result.stderr


def test_an_empty_directory_is_no_archive(path: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    restored = oracle("restore", tmp_path / "new", tmp_path / "empty")
    proof = oracle("archive", "--path", path, tmp_path / "empty", "--verify")

    assert (restored.exit_code, proof.exit_code) == (1, 1)
    assert "holds neither a journal nor an archive of one" in restored.stderr
    assert "holds no archive" in proof.stderr
    assert not (tmp_path / "new").exists()


def test_the_proof_of_a_backup_is_the_proof_of_its_files(path: Path, tmp_path: Path) -> None:
    (report,) = backup.backup(path, tmp_path / "copy")

    assert report.ok
    assert len(report.heads) == 2
    assert verify(tmp_path / "copy", deep=True).ok
