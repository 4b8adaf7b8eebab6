"""What is whole of a damaged journal, copied to a new one: proven records only, cut at one commit."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from components.oracle.store import Journal, JournalError, verify
from components.oracle.store.environment import data_file
from components.oracle.store.repair import repair
from components.oracle.store.segments import data_path, places
from tests.components.oracle.store.samples import (
    STREAMS,
    append,
    contents,
    is_prefix_of_what_was_written,
)
from tests.components.oracle.store.test_old_journals import unpack
from tests.components.oracle.store.test_segments import many, opened

SMALL = 1 << 16


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("repair") / "j"
    many(path, batches=20)
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "j")
    return tmp_path / "j"


def damage(segment: Path, place: int, count: int = 1) -> None:
    data_file(segment).chmod(0o600)
    with data_file(segment).open("r+b") as file:
        file.seek(place)
        before = file.read(count)
        file.seek(place)
        file.write(bytes(byte ^ 0xFF for byte in before))


def head_at(path: Path, stream: str, sequence: int) -> bytes:
    with Journal.open_reader(path) as journal:
        return journal.anchor(stream, sequence).digest


def test_a_whole_journal_is_copied_whole(whole: Path, tmp_path: Path) -> None:
    """With the same digests, so that a head noted elsewhere proves the copy too."""
    done = repair(whole, tmp_path / "copy")
    assert done.sequences == done.known == {"orders": 4000, "plain": 4000}
    assert verify(tmp_path / "copy", deep=True).ok
    with Journal.open_reader(whole) as before, Journal.open_reader(tmp_path / "copy") as after:
        assert before.head("orders") == after.head("orders")
        assert before.head("plain") == after.head("plain")
    with opened(tmp_path / "copy") as journal:
        append(journal)
        assert is_prefix_of_what_was_written(journal)
        assert journal.last_sequence("orders") == 4010
    assert verify(tmp_path / "copy", deep=True).ok


@pytest.mark.parametrize("number", [0, 3, 9])
def test_a_bad_record_ends_the_copy_before_it_in_every_stream(
    copy: Path, tmp_path: Path, whole: Path, number: int
) -> None:
    segment = places(copy)[number].path
    content = data_file(segment).read_bytes()
    damage(segment, content.index(b"JREC") + 160)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    done = repair(copy, tmp_path / "copy")

    assert {path: path.read_bytes() for path in before} == before
    assert done.sequences["orders"] == done.sequences["plain"]
    assert number * 400 <= done.sequences["orders"] < number * 400 + 400
    assert done.known["orders"] == 4000
    report = verify(tmp_path / "copy", deep=True)
    assert report.ok
    if done.sequences["orders"]:
        assert report.streams[0].head == head_at(whole, "orders", done.sequences["orders"])
    with opened(tmp_path / "copy") as journal:
        append(journal, 7)
        assert is_prefix_of_what_was_written(journal)
    assert verify(tmp_path / "copy").ok


def test_broken_pages_do_not_matter_as_long_as_the_records_are_there(
    copy: Path, tmp_path: Path
) -> None:
    """Both meta pages and the roots of the trees: LMDB could not even open the file."""
    damage(places(copy)[2].path, 0, 8192)
    assert not verify(copy).ok
    done = repair(copy, tmp_path / "copy")

    assert done.sequences == {"orders": 4000, "plain": 4000}
    with Journal.open_reader(tmp_path / "copy") as journal:
        assert len(contents(journal, "orders")) == 4000
        assert is_prefix_of_what_was_written(journal)


def test_a_missing_segment_ends_the_copy(copy: Path, tmp_path: Path) -> None:
    shutil.rmtree(places(copy)[4].path)
    assert repair(copy, tmp_path / "copy").sequences == {"orders": 1600, "plain": 1600}


def test_a_lost_end_is_told(copy: Path, tmp_path: Path) -> None:
    shutil.rmtree(places(copy)[-1].path)
    done = repair(copy, tmp_path / "copy")
    assert done.sequences["orders"] == 3600
    assert done.known["orders"] == 4000


def test_an_old_journal_is_copied_too(tmp_path: Path) -> None:
    path = unpack("events", tmp_path)
    assert repair(path, tmp_path / "copy").sequences == {"orders": 30, "plain": 30}
    with Journal.open_writer(tmp_path / "copy", STREAMS) as journal:
        append(journal)
        assert is_prefix_of_what_was_written(journal)


def test_an_existing_directory_is_refused(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="exists already"):
        repair(whole, tmp_path)


def test_whatever_is_damaged_the_copy_is_a_prefix_of_what_was_written(
    whole: Path, tmp_path: Path
) -> None:
    chance = random.Random(77)
    for turn in range(8):
        path, target = tmp_path / "j", tmp_path / f"copy-{turn}"
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(whole, path)
        segment = chance.choice(places(path)).path
        size = data_file(segment).stat().st_size
        damage(segment, chance.randrange(size), chance.choice((1, 100, 5000)))
        repair(path, target)
        assert verify(target, deep=True).ok
        with Journal.open_reader(target) as journal:
            assert journal.last_sequence("orders") == journal.last_sequence("plain")
            assert is_prefix_of_what_was_written(journal)
    assert data_path(whole).exists()
