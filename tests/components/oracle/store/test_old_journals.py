"""Journals that older versions wrote: read, proven, continued, and carried over to new layouts.

tests/data/journals/format_1_*.tar.gz were written by the first version of the format, which knew
one segment only.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from components.messages.command import COMMAND
from components.oracle.store import Journal, JournalLayoutError, verify
from components.oracle.store.segments import places
from components.oracle.store.upcast import upcast
from components.oracle.streams import STREAM_DTYPES
from tests.components.oracle.store.samples import (
    ORDER,
    PLAIN,
    STREAMS,
    append,
    contents,
    is_prefix_of_what_was_written,
    orders,
)

STORED = Path(__file__).parents[3] / "data" / "journals"
WIDER = np.dtype(
    [("ts", "<i8"), ("venue", "<u4"), ("number", "<i8"), ("kind", "<u2"), ("note", "S8")]
)


PINNED = {
    "orders": "55ac226a0a13429f9d70dc4351657fd4df3fac8a604baa9df6f50073046980e0",
    "plain": "ccc303963fabcb900630dfdc01d61bdb1d560056e77f85522548a83179762833",
}


def unpack(name: str, into: Path) -> Path:
    with tarfile.open(STORED / f"format_1_{name}.tar.gz") as archive:
        archive.extractall(into, filter="data")
    return into / name


def wider_orders(first: int, count: int) -> NDArray[Any]:
    events = upcast(orders(first, count), WIDER)
    events["venue"], events["note"] = 3, b"new"
    return events


def test_the_same_appends_give_the_heads_that_they_have_always_given(tmp_path: Path) -> None:
    """Under every version of Python, numpy and LMDB: the bytes of a record are ours alone."""
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        for size in (1, 7, 100, 2000, 3):
            append(journal, size)
        heads = {name: journal.head(name).hex() for name in STREAMS}

    assert heads == PINNED


def test_an_old_journal_is_read_proven_and_continued(tmp_path: Path) -> None:
    path = unpack("events", tmp_path)
    assert verify(path, deep=True).ok
    with Journal.open_reader(path) as journal:
        assert journal.info().format_version == 1
        assert is_prefix_of_what_was_written(journal)
        assert journal.last_sequence("orders") == 30
    with Journal.open_writer(path, STREAMS, segment_bytes=1 << 16) as journal:
        assert journal.notes == ()
        for _ in range(20):
            append(journal, 500)
    with Journal.open_reader(path) as journal:
        assert is_prefix_of_what_was_written(journal)
        assert journal.last_sequence("orders") == 10_030
        assert journal.info().format_version == 2
    assert verify(path, deep=True).ok


def test_an_old_layout_goes_on_as_the_new_one(tmp_path: Path) -> None:
    """Stored records stay as they are; all are read as the newest layout."""
    path = unpack("events", tmp_path)
    with Journal.open_writer(path, {"orders": WIDER, "plain": PLAIN}) as journal:
        assert journal.dtype("orders") == WIDER
        journal.append([("orders", 31, [wider_orders(31, 10)])])
        found = contents(journal, "orders")
    assert [place.path.name for place in places(path)] == ["journal-00000001", "journal-00000061"]
    assert found["number"].tolist() == list(range(1, 41))
    assert found["kind"].tolist() == (np.arange(1, 41) % 251).tolist()
    assert found["venue"].tolist() == [0] * 30 + [3] * 10
    assert found["note"].tolist() == [b""] * 30 + [b"new"] * 10
    assert verify(path, deep=True).ok
    with Journal.open_reader(path) as journal:
        assert (contents(journal, "orders") == found).all()
        assert journal.end_by_time("orders", 355) == 35


def test_a_reader_asks_for_the_layout_of_today(tmp_path: Path) -> None:
    path = unpack("events", tmp_path)
    with Journal.open_reader(path, {"orders": WIDER}) as journal:
        assert contents(journal, "orders").dtype == WIDER
        assert (contents(journal, "orders") == upcast(orders(1, 30), WIDER)).all()
        assert contents(journal, "plain").dtype == PLAIN
    with pytest.raises(JournalLayoutError):
        Journal.open_reader(path, {"orders": PLAIN})


def test_an_old_journal_of_the_platform_is_read_in_the_layouts_of_today(tmp_path: Path) -> None:
    path = unpack("platform", tmp_path)
    assert verify(path, deep=True).ok
    with Journal.open_reader(path, STREAM_DTYPES) as journal:
        commands = contents(journal, "commands")
        assert commands.dtype == COMMAND
        assert len(commands) == 153
        assert (np.diff(commands["ts"]) >= 0).all()
        events = contents(journal, "events")
        assert len(events) == 297
        assert (np.diff(events["seq"]) >= 0).all()
        assert len(contents(journal, "risk")) == 230


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (np.dtype([("ts", "<i8"), ("number", "<i8")]), "the field kind is gone"),
        (
            np.dtype([("ts", "<i4"), ("number", "<i8"), ("kind", "u1")]),
            "the field ts was <i8 and cannot become <i4 without loss",
        ),
        (
            np.dtype([("ts", "<f8"), ("number", "<i8"), ("kind", "u1")]),
            "the field ts was <i8 and cannot become <f8 without loss",
        ),
        (np.dtype("<i8"), "only layouts with named fields"),
    ],
)
def test_case_l_what_would_lose_something_is_refused(
    tmp_path: Path, wanted: np.dtype, words: str
) -> None:
    path = unpack("events", tmp_path)
    with pytest.raises(JournalLayoutError, match=words):
        Journal.open_writer(path, {"orders": wanted})
    assert verify(path).ok


def test_a_stream_that_holds_nothing_changes_its_layout_in_place(tmp_path: Path) -> None:
    with Journal.open_writer(tmp_path / "j", STREAMS) as journal:
        journal.append([("orders", 1, [orders(1, 5)])])
    wider = np.dtype([*((name, PLAIN[name]) for name in PLAIN.names or ()), ("more", "<i8")])
    with Journal.open_writer(tmp_path / "j", {"plain": wider}) as journal:
        journal.append([("plain", 1, [np.ones(3, wider)])])
    assert len(places(tmp_path / "j")) == 1
    assert verify(tmp_path / "j").ok


def test_spare_room_may_go() -> None:
    """A field named reserved holds nothing, so a new field may take its place."""
    old = np.dtype([("ts", "<i8"), ("reserved", "u1")])
    new = np.dtype([("ts", "<i8"), ("colour", "u1")])
    assert upcast(np.ones(2, old), new).tolist() == [(1, 0), (1, 0)]
    assert upcast(orders(1, 2), ORDER) is not None
