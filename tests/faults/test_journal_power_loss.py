"""A machine that stops: what was not synced may be on disk or not, page by page, in any order.

A test copies the journal's files right after an append, which is what is surely on disk then, and
again after later ones.  A crash in between leaves any mixture: each page that differs is the old
or the new one.  LMDB orders one thing only: with ``sync: commit`` its two meta pages, which say
where the tree is, are written after everything else was synced.
"""

from __future__ import annotations

import random
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from components.oracle.store import Journal, JournalCorruptError, JournalError, verify
from components.oracle.store.environment import data_file
from components.oracle.store.segments import places
from components.oracle.store.writer import SyncMode
from tests.components.oracle.store.samples import (
    STREAMS,
    append,
    is_prefix_of_what_was_written,
)

pytestmark = pytest.mark.fault
PAGE = 4096
METAS = 2
SIZES = (3, 40, 1, 200, 7, 90, 600, 5, 30, 1)

Image = dict[str, bytes]
"""A journal's files by their names."""


def image_of(path: Path) -> Image:
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.name not in ("lock.mdb", "writer.lock")
    }


def restore(image: Image, path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    for name, content in image.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)


def mixed(old: bytes, new: bytes, chance: random.Random, first: int) -> bytes:
    """Each page from page ``first`` on is the old or the new one; a file may not have grown."""
    count = -(-max(len(old), len(new)) // PAGE)
    pages = []
    for page in range(count):
        part = slice(page * PAGE, (page + 1) * PAGE)
        take_new = page >= first and chance.random() < 0.5
        pages.append((new if take_new else old)[part] or bytes(PAGE))
    whole = b"".join(pages)
    return whole if chance.random() < 0.5 else whole[: max(len(old), PAGE * METAS)]


def states(path: Path, sync: SyncMode, **options: Any) -> list[tuple[int, int, Image]]:
    """After each append: the last sequence, the durable one, and the files."""
    found = []
    with Journal.open_writer(path, STREAMS, sync=sync, **options) as journal:
        for turn, size in enumerate(SIZES):
            append(journal, size)
            if sync != "commit" and turn % 3 == 0:
                journal.sync()
            sequences = journal.last_sequence("orders"), journal.durable_sequence("orders")
            found.append((*sequences, image_of(path)))
    return found


def reopened(path: Path) -> int:
    """The last sequence that a start finds, after it has proven and continued the journal."""
    with Journal.open_writer(path, STREAMS) as journal:
        assert is_prefix_of_what_was_written(journal)
        last = journal.last_sequence("orders")
        assert journal.last_sequence("plain") == last
        append(journal, 2)
    assert verify(path, deep=True).ok
    return last


def test_what_was_acknowledged_survives_whatever_else_was_written(tmp_path: Path) -> None:
    """sync: commit, stopped before the sync of the next append, the metas still the old ones."""
    chance = random.Random(1)
    recorded = states(tmp_path / "j", "commit")
    for (last, durable, before), (_, _, after) in pairwise(recorded):
        assert durable == last
        for _ in range(2):
            crashed = dict(before)
            name = "journal-00000001/data.mdb"
            crashed[name] = mixed(before[name], after[name], chance, METAS)
            if chance.random() < 0.5:
                crashed["watermark"] = chance.choice((b"", after["watermark"][:50]))
            restore(crashed, tmp_path / "crashed")
            assert reopened(tmp_path / "crashed") == last


def test_a_commit_whose_meta_page_arrived_counts(tmp_path: Path) -> None:
    """All was synced and the meta page written, but the machine stopped before append returned."""
    recorded = states(tmp_path / "j", "commit")
    for (_, _, before), (last, _, after) in pairwise(recorded):
        restore({**after, "watermark": before["watermark"]}, tmp_path / "crashed")
        assert reopened(tmp_path / "crashed") == last


@pytest.mark.parametrize("sync", ["interval", "off"])
def test_without_a_sync_a_crash_is_told_or_harmless_and_never_misread(
    tmp_path: Path, sync: SyncMode
) -> None:
    """Pages since the last sync in any mixture, metas included: the durable part, or a refusal."""
    chance = random.Random(2)
    recorded = states(tmp_path / "j", sync, interval_ms=10**9)
    for start in range(0, len(recorded), 3):
        _, durable, before = recorded[start]
        for last, still_durable, after in recorded[start + 1 : start + 3]:
            assert still_durable == durable
            for _ in range(4):
                name = "journal-00000001/data.mdb"
                crashed = {**after, name: mixed(before[name], after[name], chance, 0)}
                crashed["watermark"] = chance.choice((before, after))["watermark"]
                restore(crashed, tmp_path / "crashed")
                try:
                    reached = reopened(tmp_path / "crashed")
                except JournalCorruptError:
                    continue
                assert durable <= reached <= last


def test_a_durable_word_never_runs_ahead_of_the_disk(tmp_path: Path) -> None:
    """What another process sees as durable is in the files as of the last sync."""
    for sync in ("commit", "interval", "off"):
        path = tmp_path / sync
        synced = None
        for _, durable, image in states(path, sync, interval_ms=10**9):
            if synced is None or sync == "commit" or durable > synced[0]:
                synced = (durable, image)
            assert durable == synced[0]
            restore(synced[1], tmp_path / "disk")
            with Journal.open_reader(tmp_path / "disk") as journal:
                assert journal.last_sequence("orders") >= durable


def test_a_crash_while_rolling_loses_nothing(tmp_path: Path) -> None:
    """The next segment's file missing, empty, half written or whole; the one before is synced."""
    chance = random.Random(3)
    path = tmp_path / "j"
    with Journal.open_writer(path, STREAMS, segment_bytes=1 << 16) as journal:
        while len(places(path)) < 3:
            before = image_of(path)
            acknowledged = journal.last_sequence("orders")
            append(journal, 150)
        after = image_of(path)
    newest = str(data_file(places(path)[-1].path).relative_to(path))
    whole = after[newest]
    contents: list[bytes | None] = [None, b"", bytes(len(whole)), whole[:PAGE], whole]
    contents += [mixed(bytes(len(whole)), whole, chance, 0) for _ in range(20)]
    for content in contents:
        crashed = dict(before)
        if content is not None:
            crashed[newest] = content
        restore(crashed, tmp_path / "crashed")
        assert reopened(tmp_path / "crashed") in (acknowledged, acknowledged + 150)
        with Journal.open_reader(tmp_path / "crashed") as journal:
            assert is_prefix_of_what_was_written(journal)


def test_a_lost_sync_is_refused(tmp_path: Path) -> None:
    """A disk that lied: what was acknowledged is not there, though the watermark is."""
    recorded = states(tmp_path / "j", "commit")
    (_, _, before), (_, _, after) = recorded[4], recorded[6]
    restore({**before, "watermark": after["watermark"]}, tmp_path / "crashed")
    with pytest.raises(JournalError, match="its end is missing"):
        Journal.open_writer(tmp_path / "crashed", STREAMS)
