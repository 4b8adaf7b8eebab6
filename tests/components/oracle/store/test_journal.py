"""What a journal promises to one writer and to its readers."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.oracle.store import (
    Journal,
    JournalError,
    JournalLayoutError,
    JournalMissingError,
    JournalWriteError,
    environment,
    segments,
    verify,
)
from components.oracle.store.writer import SyncMode
from tests.components.oracle.store.samples import (
    ORDER,
    PLAIN,
    STREAMS,
    append,
    contents,
    fill,
    is_prefix_of_what_was_written,
    orders,
    plain,
)

EVERY_MODE: list[SyncMode] = ["commit", "interval", "off"]


def test_a_new_journal_is_empty_and_whole(tmp_path: Path) -> None:
    fill(tmp_path / "j", batches=0)
    with Journal.open_reader(tmp_path / "j") as journal:
        assert journal.streams == ("orders", "plain")
        assert [journal.last_sequence(each) for each in journal.streams] == [0, 0]
        assert list(journal.read("orders")) == []
    assert verify(tmp_path / "j").ok


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        journal.append([("orders", 1, [orders(1, 3), orders(4, 5)]), ("plain", 1, [plain(1, 2)])])
        journal.append([("orders", 9, [orders(9, 1)])])

        assert (contents(journal, "orders") == orders(1, 9)).all()
        assert (contents(journal, "plain") == plain(1, 2)).all()
        assert (journal.last_sequence("orders"), journal.last_sequence("plain")) == (9, 2)


def test_a_restart_continues_without_a_gap(tmp_path: Path) -> None:
    for _ in range(3):
        fill(tmp_path / "j", batches=2)
    with Journal.open_reader(tmp_path / "j") as journal:
        assert journal.last_sequence("orders") == 60
        assert is_prefix_of_what_was_written(journal)


@pytest.mark.parametrize("first", [0, 1, 10, 12, 2**63])
def test_an_append_that_leaves_a_gap_or_overlaps_changes_nothing(
    tmp_path: Path, first: int
) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        append(journal, 10)
        head = journal.head("orders")
        with pytest.raises(ValueError, match="the next batch starts at 11"):
            journal.append([("plain", 11, [plain(11, 1)]), ("orders", first, [orders(1, 1)])])

        assert head == journal.head("orders")
        assert journal.last_sequence("plain") == 10
        append(journal, 10)


def test_an_append_of_another_dtype_or_unknown_stream_is_refused(tmp_path: Path) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        with pytest.raises(ValueError, match="stream orders takes one-dimensional arrays"):
            journal.append([("orders", 1, [plain(1, 1)])])
        with pytest.raises(ValueError, match="orders, plain at most once"):
            journal.append([("other", 1, [plain(1, 1)])])
        with pytest.raises(ValueError, match="at most once"):
            journal.append([("plain", 1, [plain(1, 1)]), ("plain", 2, [plain(2, 1)])])


def test_empty_batches_commit_nothing(tmp_path: Path) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        before = journal.info()
        journal.append([])
        journal.append([("orders", 1, [orders(1, 0)]), ("plain", 1, [])])

        assert before == journal.info()


def test_strided_and_read_only_arrays_are_taken(tmp_path: Path) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        doubled = np.repeat(orders(1, 5), 2)[::2]
        fixed = orders(6, 5)
        fixed.flags.writeable = False
        journal.append([("orders", 1, [doubled, fixed])])

        assert (contents(journal, "orders") == orders(1, 10)).all()


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    span=st.tuples(st.integers(1, 100), st.integers(0, 100)),
)
def test_the_contents_do_not_depend_on_the_batches(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], span: tuple[int, int]
) -> None:
    """However a sequence is split, every range reads back equal, and the chain is whole."""
    path = tmp_path_factory.mktemp("split") / "j"
    total = sum(cuts)
    with Journal.open_writer(path, {"orders": ORDER}, sync="off") as journal:
        for count in cuts:
            first = journal.last_sequence("orders") + 1
            journal.append([("orders", first, [orders(first, count)])])
        first = min(span[0], total)
        last = min(first + span[1], total)
        parts = list(journal.read("orders", first, last))

        assert (
            np.concatenate([chunk for _, chunk in parts]) == orders(first, last - first + 1)
        ).all()
        assert journal.info().streams[0].records == len(cuts)
    assert verify(path).ok


def test_equal_appends_give_equal_heads(tmp_path: Path) -> None:
    fill(tmp_path / "a", batches=3)
    fill(tmp_path / "b", batches=3)
    with Journal.open_reader(tmp_path / "a") as a, Journal.open_reader(tmp_path / "b") as b:
        assert a.head("orders") == b.head("orders")
        assert a.head("orders") != a.head("plain")


def test_reading_in_chunks_of_many_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.oracle.store.reading.CHUNK_BYTES", 24 * 25)
    monkeypatch.setattr("components.oracle.store.reading.RENEW_BYTES", 24 * 10)
    fill(tmp_path / "j", batches=10)
    with Journal.open_reader(tmp_path / "j") as journal:
        parts = list(journal.read("orders", 5, 93))

    assert [first for first, _ in parts] == [5, 31, 61, 91]
    assert (np.concatenate([chunk for _, chunk in parts]) == orders(5, 89)).all()


def test_arrays_that_were_read_stay_valid_and_are_the_callers_own(tmp_path: Path) -> None:
    fill(tmp_path / "j", batches=2)
    with Journal.open_reader(tmp_path / "j") as journal:
        (_, chunk), *_ = journal.read("orders")
    chunk["number"] += 1

    assert (chunk["number"] == np.arange(2, 22)).all()
    assert chunk.flags.aligned


@pytest.mark.parametrize(("first", "last"), [(0, 5), (1, 21), (25, None)])
def test_reading_beyond_the_end_is_refused(tmp_path: Path, first: int, last: int | None) -> None:
    fill(tmp_path / "j", batches=2)
    with Journal.open_reader(tmp_path / "j") as journal:
        if last is None:
            assert list(journal.read("orders", first)) == []
        else:
            with pytest.raises(ValueError, match="stream orders holds 1 to 20"):
                journal.read("orders", first, last)


def test_info_tells_each_stream(tmp_path: Path) -> None:
    fill(tmp_path / "j", batches=3)
    with Journal.open_reader(tmp_path / "j") as journal:
        found = journal.info()
        first, second = found.streams

        assert (
            first.name,
            first.records,
            first.count,
            first.first_sequence,
            first.last_sequence,
        ) == ("orders", 3, 30, 1, 30)
        assert (10, 300, 720, journal.head("orders"), ORDER) == (
            first.first_ts,
            first.last_ts,
            first.size_bytes,
            first.head,
            first.dtype,
        )
        assert (second.first_ts, second.last_ts, second.dtype) == (0, 0, PLAIN)
        assert found.size_bytes > 0


def test_last_ts_is_the_largest_so_far(tmp_path: Path) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        journal.append([("orders", 1, [orders(1, 5)])])
        late = orders(6, 1)
        late["ts"] = 3
        journal.append([("orders", 6, [late])])

        assert journal.info().streams[0].last_ts == 50
    assert verify(tmp_path / "j").ok


@pytest.mark.parametrize("sync", EVERY_MODE)
def test_every_sync_mode_is_durable_after_close(tmp_path: Path, sync: SyncMode) -> None:
    fill(tmp_path / "j", batches=3, sync=sync, interval_ms=60_000)
    with Journal.open_reader(tmp_path / "j") as journal:
        assert journal.durable_sequence("orders") == 30
        assert is_prefix_of_what_was_written(journal)


def test_commit_is_durable_when_append_returns(tmp_path: Path) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        append(journal)

        assert (journal.durable_sequence("orders"), journal.durable_sequence("plain")) == (10, 10)


def test_off_is_durable_only_after_sync(tmp_path: Path) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS, sync="off") as journal:
        append(journal)
        assert (journal.last_sequence("orders"), journal.durable_sequence("orders")) == (10, 0)
        journal.sync()

        assert journal.durable_sequence("orders") == 10


def test_interval_syncs_once_it_has_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr("components.oracle.store.writer.time.monotonic_ns", lambda: now[0])
    with Journal.open_writer(tmp_path / "j", STREAMS, sync="interval", interval_ms=5) as journal:
        append(journal)
        now[0] = 4_999_999
        journal.sync_if_due()
        assert journal.durable_sequence("orders") == 0
        now[0] = 5_000_000
        append(journal)

        assert journal.durable_sequence("orders") == 20


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    fill(tmp_path / "j", batches=1)
    for path in [tmp_path / "j", *(tmp_path / "j").rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)

        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_missing_journal_is_named_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(JournalMissingError, match="there is no journal at"):
        Journal.open_reader(tmp_path / "j")
    with pytest.raises(JournalMissingError, match="there is no journal at"):
        verify(tmp_path / "j")

    assert not (tmp_path / "j").exists()


def test_a_path_that_cannot_hold_a_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot make the journal"):
        Journal.open_writer(tmp_path / "file", STREAMS)


def test_an_unfinished_creation_is_finished_by_the_next_writer(tmp_path: Path) -> None:
    segment = segments.segment_path(tmp_path / "j")
    segment.mkdir(parents=True)
    environment.open_environment(segment, readonly=False).close()
    with pytest.raises(JournalMissingError, match="never finished"):
        Journal.open_reader(tmp_path / "j")
    fill(tmp_path / "j", batches=1)

    assert verify(tmp_path / "j").ok


def test_another_layout_is_refused_and_both_are_named(tmp_path: Path) -> None:
    fill(tmp_path / "j", batches=1)
    with pytest.raises(JournalLayoutError) as caught:
        Journal.open_writer(tmp_path / "j", {"orders": PLAIN})

    assert "24 bytes (ts <i8, number <i8, kind |u1)" in str(caught.value)
    assert "16 bytes (number <i8" in str(caught.value)
    fill(tmp_path / "j", batches=1)


def test_a_stream_can_be_added_later(tmp_path: Path) -> None:
    fill(tmp_path / "j", batches=1)
    with Journal.open_writer(tmp_path / "j", {"more": np.dtype("<i4")}) as journal:
        journal.append([("more", 1, [np.arange(4, dtype="<i4")])])

        assert journal.streams == ("orders", "plain", "more")
        assert contents(journal, "more").tolist() == [0, 1, 2, 3]
    assert verify(tmp_path / "j").ok


def test_a_remote_filesystem_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "filesystem_of", lambda directory: "nfs4")
    with pytest.raises(JournalError, match="lies on a nfs4 filesystem"):
        Journal.open_writer(tmp_path / "j", STREAMS)


def test_the_filesystem_is_found_in_the_mount_table() -> None:
    assert environment.filesystem_of(Path("/proc/self")) == "proc"


def test_one_process_opens_a_journal_once(tmp_path: Path) -> None:
    with (
        Journal.open_writer(tmp_path / "j", STREAMS),
        pytest.raises(JournalError, match="already open in this process"),
    ):
        Journal.open_reader(tmp_path / "j")


def test_a_reader_cannot_write_and_a_closed_journal_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "j", batches=1)
    with Journal.open_reader(tmp_path / "j") as journal:
        with pytest.raises(JournalError, match="opened for reading only"):
            append(journal)
        with pytest.raises(JournalError, match="has no stream 'other'; it has orders, plain"):
            journal.last_sequence("other")
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.info()


@pytest.mark.parametrize(
    ("streams", "options", "words"),
    [
        ({"a b": ORDER}, {}, "a stream's name"),
        ({"a" * 17: ORDER}, {}, "a stream's name"),
        (STREAMS, {"sync": "always"}, "sync is one of commit, interval, off"),
        (STREAMS, {"interval_ms": 0}, "interval_ms must be at least 1"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_made(
    tmp_path: Path, streams: dict[str, np.dtype], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Journal.open_writer(tmp_path / "j", streams, **options)

    assert not (tmp_path / "j").exists()


def _append_often(journal: Journal) -> None:
    for _ in range(100):
        append(journal, 1000)


def test_a_full_map_goes_on_in_the_next_segment(tmp_path: Path) -> None:
    """The batch that did not fit is appended there: no gap, no duplicate."""
    with Journal.open_writer(tmp_path / "j", STREAMS, map_size_bytes=1 << 20) as journal:
        _append_often(journal)
        assert journal.last_sequence("orders") == 100_000
    with Journal.open_reader(tmp_path / "j") as again:
        assert len(again.info().segments) > 2
        assert is_prefix_of_what_was_written(again)
        assert len(contents(again, "orders")) == 100_000
    assert verify(tmp_path / "j", deep=True).ok


def test_a_batch_larger_than_the_map_is_one_clear_error_and_the_end_of_the_writer(
    tmp_path: Path,
) -> None:
    journal = Journal.open_writer(tmp_path / "j", STREAMS, map_size_bytes=1 << 20)
    append(journal, 1000)
    for words in ("MDB_MAP_FULL", "takes no more"):
        with pytest.raises(JournalWriteError, match=words):
            append(journal, 100_000)
    journal.close()

    assert verify(tmp_path / "j").ok
    fill(tmp_path / "j", batches=1)
    with Journal.open_reader(tmp_path / "j") as again:
        assert again.last_sequence("orders") == 1010
        assert is_prefix_of_what_was_written(again)


def test_a_failed_sync_is_never_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fail(self: Any, force: bool = False) -> None:
        calls.append(force)
        raise lmdb.DiskError("mdb_env_sync: Input/output error")

    journal = Journal.open_writer(tmp_path / "j", STREAMS, sync="off")
    append(journal)
    engine = journal._require_open().active.engine
    monkeypatch.setattr(journal._require_writer(), "_engine", _Broken(engine, fail))
    for _ in range(2):
        with pytest.raises(JournalWriteError, match="Input/output error"):
            journal.sync()
    with pytest.raises(JournalWriteError, match="takes no more"):
        append(journal)
    assert journal.durable_sequence("orders") == 0
    journal.close()

    assert calls == [True]


class _Broken:
    """An environment whose sync fails."""

    def __init__(self, engine: Any, fail: Any) -> None:
        self.begin = engine.begin
        self._fail = fail

    def sync(self, force: bool) -> None:
        self._fail(self, force)


def test_a_forked_child_cannot_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        with monkeypatch.context() as patched:
            patched.setattr(os, "getpid", lambda: 1)
            with pytest.raises(JournalError, match="open it anew after a fork"):
                append(journal)
        append(journal)
