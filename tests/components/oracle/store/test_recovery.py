"""The start-up table's cases A to G, each made on purpose."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import lmdb
import pytest

from components.oracle.store import Journal, JournalCorruptError, record, verify, watermark
from components.oracle.store.segments import data_path, segment_path
from components.oracle.store.watermark import StreamMark, Watermark
from tests.components.oracle.store.samples import (
    STREAMS,
    append,
    fill,
    is_prefix_of_what_was_written,
)


def reopened(path: Path) -> tuple[tuple[str, ...], int, int]:
    """The notes of a start, and where both streams end; proves that all is whole after it."""
    with Journal.open_writer(path, STREAMS) as journal:
        assert is_prefix_of_what_was_written(journal)
        notes = journal.notes
        ends = journal.last_sequence("orders"), journal.last_sequence("plain")
        append(journal)
    assert verify(path).ok
    return notes, *ends


def lower_mark(path: Path, durable: int) -> None:
    """Make the watermark promise only the appends up to this sequence, ten events each."""
    mark = watermark.read(path)
    assert mark is not None
    commits = 1 + durable // 10
    streams = {
        name: StreamMark(each.sequence, durable, each.digest) for name, each in mark.streams.items()
    }
    write_mark(path, Watermark(mark.committed, commits, streams))


def write_mark(path: Path, mark: Watermark) -> None:
    file = watermark.WatermarkFile(path)
    file.write(mark)
    file.close()


def damage_record(path: Path, stream: str, first: int) -> None:
    """Rewrite a record with one byte of its body changed, the pages below intact."""
    with lmdb.open(str(segment_path(path)), max_dbs=8) as engine:
        database = engine.open_db(b"stream:" + stream.encode())
        with engine.begin(write=True) as transaction:
            value = bytearray(transaction.get(record.key_of(first), db=database) or b"")
            value[record.HEADER_BYTES + 3] ^= 1
            transaction.put(record.key_of(first), bytes(value), db=database)
            meta = engine.open_db(b"meta", transaction)
            transaction.put(b"commit", transaction.id().to_bytes(8, "little"), db=meta)


def test_case_a_all_is_well(tmp_path: Path) -> None:
    fill(tmp_path / "j", batches=3)

    assert reopened(tmp_path / "j") == ((), 30, 30)


def test_case_b_the_writer_died_before_it_noted_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "j"
    fill(path, batches=2)
    older = (path / "watermark").read_bytes()
    fill(path, batches=1)
    (path / "watermark").write_bytes(older)

    assert reopened(path) == ((), 30, 30)


@pytest.mark.parametrize("content", [None, b"", b"torn"])
def test_case_b_without_a_readable_watermark(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "j"
    fill(path, batches=2)
    (path / "watermark").unlink()
    if content is not None:
        (path / "watermark").write_bytes(content)
    assert verify(path).notes == (
        "there is no readable watermark: the end itself cannot be proven",
    )
    notes, *ends = reopened(path)

    assert ends == [20, 20]
    assert notes == ("there is no readable watermark; the whole chain was proven",)


def test_case_c_an_unsynced_end_is_lost_and_told(tmp_path: Path) -> None:
    path = tmp_path / "j"
    fill(path, batches=2)
    older = data_path(path).read_bytes()
    fill(path, batches=1)
    data_path(path).write_bytes(older)
    lower_mark(path, durable=20)
    notes, *ends = reopened(path)

    assert ends == [20, 20]
    assert notes[0].startswith("stream orders ends at sequence 20; 30 was written but not yet")


def test_case_d_an_acknowledged_end_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "j"
    fill(path, batches=2)
    older = data_path(path).read_bytes()
    fill(path, batches=1)
    data_path(path).write_bytes(older)
    with pytest.raises(JournalCorruptError, match="durable up to 30: its end is missing"):
        Journal.open_writer(path, STREAMS)
    assert not verify(path).ok


@pytest.mark.parametrize("stream", ["orders", "plain"])
@pytest.mark.parametrize("bad", [31, 41])
def test_case_e_an_unacknowledged_bad_end_is_cut(tmp_path: Path, stream: str, bad: int) -> None:
    """Both streams are cut at the same commit, and the bytes are kept aside."""
    path = tmp_path / "j"
    fill(path, batches=5)
    damage_record(path, stream, bad)
    lower_mark(path, durable=30)
    assert not verify(path).ok
    notes, *ends = reopened(path)

    assert ends == [bad - 1, bad - 1]
    assert f"stream {stream}, record {bad}–{bad + 9}" in notes[0]
    assert "never acknowledged" in notes[1]
    aside = next(path.glob("cut-after-commit-*.bin"))
    assert aside.read_bytes().count(b"JREC") == 2 * (5 - (bad - 1) // 10)


@pytest.mark.parametrize("bad", [1, 21, 41])
def test_case_f_an_acknowledged_bad_record_is_refused_and_named(tmp_path: Path, bad: int) -> None:
    path = tmp_path / "j"
    fill(path, batches=5)
    damage_record(path, "orders", bad)
    before = data_path(path).read_bytes()
    with pytest.raises(JournalCorruptError) as caught:
        Journal.open_writer(path, STREAMS)

    assert f"stream orders, record {bad}–{bad + 9}: its bytes have the digest" in str(caught.value)
    assert f"sequences 1 to {bad - 1} of this stream are whole" in str(caught.value)
    assert before == data_path(path).read_bytes()


def test_case_f_nothing_is_cut_without_a_watermark(tmp_path: Path) -> None:
    path = tmp_path / "j"
    fill(path, batches=5)
    damage_record(path, "orders", 41)
    (path / "watermark").unlink()
    with pytest.raises(JournalCorruptError, match="nothing was changed"):
        Journal.open_writer(path, STREAMS)


def test_case_g_another_history_of_the_same_length_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "a", batches=2)
    fill(tmp_path / "b", batches=4, size=5)
    shutil.copy(data_path(tmp_path / "a"), data_path(tmp_path / "b"))
    with pytest.raises(JournalCorruptError, match="ends at sequence 20 with the digest"):
        Journal.open_writer(tmp_path / "b", STREAMS)


def test_a_lost_database_is_not_taken_for_a_new_journal(tmp_path: Path) -> None:
    fill(tmp_path / "j", batches=2)
    data_path(tmp_path / "j").unlink()
    for _ in range(2):
        with pytest.raises(JournalCorruptError, match="durable up to 20: its end is missing"):
            Journal.open_writer(tmp_path / "j", STREAMS)


def remove(path: Path, stream: str, first: int) -> None:
    with lmdb.open(str(segment_path(path)), max_dbs=8) as engine:
        database = engine.open_db(b"stream:" + stream.encode())
        meta = engine.open_db(b"meta")
        with engine.begin(write=True) as transaction:
            transaction.delete(record.key_of(first), db=database)
            transaction.put(b"commit", transaction.id().to_bytes(8, "little"), db=meta)


@pytest.mark.parametrize(("first", "words"), [(1, "expected 1"), (21, "expected 21")])
def test_a_missing_record_is_named(tmp_path: Path, first: int, words: str) -> None:
    path = tmp_path / "j"
    fill(path, batches=4)
    remove(path, "orders", first)

    assert words in verify(path).problems[0]
    with pytest.raises(JournalCorruptError, match=words):
        Journal.open_writer(path, STREAMS)


def test_a_foreign_commit_is_noticed(tmp_path: Path) -> None:
    """Whoever writes to the database without the journal's code leaves a trace."""
    path = tmp_path / "j"
    fill(path, batches=2)
    with (
        lmdb.open(str(segment_path(path)), max_dbs=8) as engine,
        engine.begin(write=True) as transaction,
    ):
        transaction.put(b"other", b"value")
    for attempt in (Journal.open_reader, opened_for_writing):
        with pytest.raises(JournalCorruptError, match="a meta page is damaged"):
            attempt(path)
    assert not verify(path).ok


def opened_for_writing(path: Path) -> Any:
    return Journal.open_writer(path, STREAMS)
