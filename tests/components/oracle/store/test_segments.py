"""Journals of many segments read like one, are proven like one, and are damaged no more quietly."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.oracle.store import Journal, JournalCorruptError, manifest, verify, watermark
from components.oracle.store.environment import data_file
from components.oracle.store.segments import data_path, places
from tests.components.oracle.store.samples import (
    ORDER,
    STREAMS,
    append,
    contents,
    fill,
    is_prefix_of_what_was_written,
    orders,
    plain,
)

SMALL = 1 << 16


def many(path: Path, batches: int = 40, size: int = 200, **options: Any) -> None:
    fill(path, batches, size, segment_bytes=SMALL, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("segments") / "j"
    many(path)
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "j")
    return tmp_path / "j"


def opened(path: Path) -> Journal:
    return Journal.open_writer(path, STREAMS, segment_bytes=SMALL)


def test_a_journal_of_many_segments_reads_like_one(whole: Path) -> None:
    with Journal.open_reader(whole) as journal:
        info = journal.info()
        assert len(info.segments) > 3
        assert [each.sealed for each in info.segments] == [True] * (len(info.segments) - 1) + [
            False
        ]
        assert [each.records for each in info.streams] == [40, 40]
        assert (contents(journal, "orders") == orders(1, 8000)).all()
        assert is_prefix_of_what_was_written(journal)
        middle = [chunk for _, chunk in journal.read("orders", 1500, 6500)]
        assert (np.concatenate(middle) == orders(1500, 5001)).all()
    report = verify(whole, deep=True)
    assert report.ok
    assert [each.records for each in report.streams] == [40, 40]


def test_a_name_tells_how_much_lies_before(whole: Path) -> None:
    with Journal.open_reader(whole) as journal:
        for place, info in zip(places(whole), journal.info().segments, strict=True):
            before = sum(first - 1 for first in info.first_sequences.values())
            assert place.position == before + 1
            assert place.path.name == info.name


def test_a_sealed_segment_is_described_and_read_only(whole: Path) -> None:
    first = places(whole)[0]
    found = manifest.read(first.path)

    assert found is not None
    assert found.file_sha256 == manifest.file_sha256(data_file(first.path))
    assert stat.S_IMODE(data_file(first.path).stat().st_mode) == 0o400
    assert found.streams["orders"].end.sequence == found.streams["orders"].records * 200


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 900), min_size=1, max_size=25), restart=st.integers(0, 25))
def test_heads_and_contents_are_those_of_the_appends_whatever_restarts(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], restart: int
) -> None:
    """The same appends give the same bytes in every segment, in one run or in two."""
    base = tmp_path_factory.mktemp("twice")
    for name, cuts in (("one", (sizes,)), ("two", (sizes[:restart], sizes[restart:]))):
        for part in cuts:
            with opened(base / name) as journal:
                for size in part:
                    append(journal, size)
    with Journal.open_reader(base / "one") as one, Journal.open_reader(base / "two") as two:
        assert one.head("orders") == two.head("orders")
        assert one.head("plain") == two.head("plain")
        assert one.last_sequence("orders") == sum(sizes)
        assert is_prefix_of_what_was_written(two)
        total = sum(sizes)
        for at in {1, total // 3 + 1, total}:
            assert two.end_by_time("orders", at * 10) == at
            assert two.end_by_time("orders", at * 10 - 1) == at - 1
        assert two.end_by_time("orders", 10**9) == total
        assert two.end_by_time("orders", 0) == 0
    assert verify(base / "two").ok


def test_time_is_the_largest_so_far(tmp_path: Path) -> None:
    events = orders(1, 6)
    events["ts"] = 10, 30, 20, 30, 40, 5
    with Journal.open_writer(tmp_path / "j", {"orders": ORDER}) as journal:
        journal.append([("orders", 1, [events[:2]])])
        journal.append([("orders", 3, [events[2:5]])])
        journal.append([("orders", 6, [events[5:]])])

        found = {ts: journal.end_by_time("orders", ts) for ts in (9, 10, 29, 30, 39, 40)}
    assert found == {9: 0, 10: 1, 29: 1, 30: 4, 39: 4, 40: 6}


def test_a_reader_follows_into_new_segments(tmp_path: Path) -> None:
    """A reader in another process would see the same; here both share one, so it opens anew."""
    path = tmp_path / "j"
    seen = 0
    for _ in range(6):
        many(path, batches=8)
        with Journal.open_reader(path) as journal:
            last = journal.last_sequence("orders")
            for first, chunk in journal.read("orders", seen + 1):
                assert (chunk == orders(first, len(chunk))).all()
            seen = last
    assert seen == 6 * 8 * 200


def test_a_segment_that_was_not_sealed_is_proven_and_sealed_by_the_next_start(copy: Path) -> None:
    (places(copy)[1].path / "manifest.json").unlink()
    with opened(copy) as journal:
        assert journal.notes == (
            f"{places(copy)[1].path.name} was proven and sealed, as its writer had not come to it",
        )
    assert manifest.read(places(copy)[1].path) is not None
    assert verify(copy, deep=True).ok


def test_case_h_a_missing_segment_is_named(copy: Path) -> None:
    shutil.rmtree(places(copy)[2].path)
    name = places(copy)[2].path.name
    with pytest.raises(JournalCorruptError, match=f"before {name}, which goes on behind"):
        opened(copy)
    assert "a segment is missing or was exchanged" in verify(copy).problems[0]


def test_case_h_a_missing_beginning_is_named(copy: Path) -> None:
    shutil.rmtree(places(copy)[0].path)
    with pytest.raises(JournalCorruptError, match="ends at sequence 0 before"):
        opened(copy)
    assert not verify(copy).ok


def test_case_h_a_segment_of_another_journal_is_named(copy: Path, tmp_path: Path) -> None:
    """The same number of events, yet not these."""
    other = tmp_path / "other"
    with Journal.open_writer(other, STREAMS, segment_bytes=SMALL) as journal:
        for _ in range(40):
            changed = orders(journal.last_sequence("orders") + 1, 200)
            changed["kind"] += 1
            journal.append([("orders", int(changed["number"][0]), [changed])])
            number = journal.last_sequence("plain") + 1
            journal.append([("plain", number, [plain(number, 200)])])
    shutil.rmtree(places(copy)[0].path)
    shutil.copytree(places(other)[0].path, copy / "journal-00000001")

    assert not verify(copy).ok
    with pytest.raises(JournalCorruptError):
        opened(copy)


def test_case_i_a_bad_record_in_an_unsealed_older_segment_is_refused(copy: Path) -> None:
    older = places(copy)[1].path
    (older / "manifest.json").unlink()
    content = bytearray(data_file(older).read_bytes())
    content[content.rindex(b"JREC") + 150] ^= 1
    data_file(older).write_bytes(content)
    with pytest.raises(JournalCorruptError, match="its bytes have the digest"):
        opened(copy)


@pytest.mark.parametrize("word", ["commit", "file_sha256", "position", "digest"])
def test_case_j_a_changed_manifest_is_named(copy: Path, word: str) -> None:
    path = places(copy)[1].path / "manifest.json"
    values = json.loads(path.read_text())
    values[word] = "0" * 64 if isinstance(values[word], str) else values[word] + 1
    path.chmod(0o600)
    path.write_text(json.dumps(values))
    with pytest.raises(JournalCorruptError, match=r"manifest\.json is damaged"):
        opened(copy)
    assert "manifest.json is damaged" in verify(copy).problems[0]


def test_case_j_a_shortened_sealed_file_is_named(copy: Path) -> None:
    data = data_file(places(copy)[1].path)
    data.chmod(0o600)
    with data.open("r+b") as file:
        file.truncate(data.stat().st_size - 4096)
    with pytest.raises(JournalCorruptError, match="it was sealed with"):
        opened(copy)
    assert not verify(copy).ok


def test_a_changed_byte_in_a_sealed_segment_is_found_when_it_is_read(copy: Path) -> None:
    older = places(copy)[1].path
    content = bytearray(data_file(older).read_bytes())
    content[content.rindex(b"JREC") + 150] ^= 1
    data_file(older).chmod(0o600)
    data_file(older).write_bytes(content)
    with (
        Journal.open_reader(copy) as journal,
        pytest.raises(JournalCorruptError, match="its bytes have the digest"),
    ):
        is_prefix_of_what_was_written(journal)
    report = verify(copy, deep=True)
    assert any(
        f"(in {older.name})" in each and "its bytes have" in each for each in report.problems
    )
    assert any("it was sealed with" in each for each in report.problems)


@pytest.mark.parametrize("content", [b"", bytes(4096), b"\1" * 8192])
def test_case_k_a_newest_segment_that_was_never_finished_is_made_anew(
    tmp_path: Path, content: bytes
) -> None:
    """The writer died while it rolled: what is durable ends where the segment begins."""
    path = tmp_path / "j"
    many(path, batches=8)
    mark = watermark.read(path)
    assert mark is not None
    position = 1 + sum(each.sequence for each in mark.streams.values())
    unfinished = path / f"journal-{position:08d}"
    unfinished.mkdir()
    data_file(unfinished).write_bytes(content)
    with opened(path) as journal:
        assert journal.last_sequence("orders") == 1600
        assert bool(content) == any("was made anew" in note for note in journal.notes)
        append(journal)
    assert verify(path, deep=True).ok
    with Journal.open_reader(path) as journal:
        assert is_prefix_of_what_was_written(journal)
        assert places(path)[-1].position == position


def test_case_k_is_no_excuse_for_a_newest_segment_with_content(copy: Path) -> None:
    data_path(copy).write_bytes(b"\1" * 8192)
    with pytest.raises(JournalCorruptError, match="is damaged"):
        opened(copy)
    assert not verify(copy).ok
