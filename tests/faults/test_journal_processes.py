"""A journal and several processes: one writer, readers beside it, a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.oracle.store import Journal, JournalLockedError, verify, writer_lock
from tests.components.oracle.store.samples import (
    STREAMS,
    append,
    fill,
    is_prefix_of_what_was_written,
)

pytestmark = pytest.mark.fault


@contextmanager
def running_writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.faults.journal_writer", str(path), "off", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "open\n"
            yield child
        finally:
            child.kill()
            child.stdout.read()


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with running_writer(path) as child:
        with pytest.raises(JournalLockedError, match=f"written by process {child.pid}, started 20"):
            Journal.open_writer(path, STREAMS)
        assert writer_lock.is_held(path)
    assert not writer_lock.is_held(path)

    fill(path, batches=1)


def test_a_suspended_writer_still_holds_the_journal(tmp_path: Path) -> None:
    with running_writer(tmp_path / "j") as child:
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(JournalLockedError):
            Journal.open_writer(tmp_path / "j", STREAMS)


def test_readers_see_a_growing_whole_journal(tmp_path: Path) -> None:
    """Whatever moment a reader looks at, all that it sees is proven and complete."""
    path = tmp_path / "j"
    with running_writer(path) as child:
        assert child.stdout is not None
        for _ in range(5):
            acknowledged = int(child.stdout.readline())
            with Journal.open_reader(path) as journal:
                assert journal.last_sequence("orders") >= acknowledged
                assert is_prefix_of_what_was_written(journal)
            assert verify(path).ok
        report = verify(path, deep=True)

    assert report.ok
    assert report.pages == "sound"
    assert list(path.glob("verify-*")) == []


def test_one_reader_follows_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with running_writer(path) as child, Journal.open_reader(path) as journal:
        assert child.stdout is not None
        seen = 0
        for line in child.stdout:
            last = journal.last_sequence("orders")
            assert last >= int(line)
            for first, chunk in journal.read("orders", seen + 1, last):
                assert chunk["number"][0] == first
                seen = first + len(chunk) - 1
            if seen > 10_000:
                break

        assert seen > 10_000


HELD = """
import sys, time
from pathlib import Path
from components.oracle.store import Journal
with Journal.open_reader(Path(sys.argv[1])) as journal:
    engine = journal._segments.active.engine
    with engine.begin():
        print("held", flush=True)
        time.sleep(3600)
"""


def test_the_slots_of_killed_readers_are_given_back(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open_writer(path, STREAMS) as journal:
        append(journal)
        command = [sys.executable, "-c", HELD, str(path)]
        for _ in range(2):
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
                assert reader.stdout is not None
                assert reader.stdout.readline() == "held\n"
                assert journal.clear_dead_readers() == 0
                reader.kill()
            assert journal.clear_dead_readers() == 1


FULL_DISK = """
import resource, sys
from pathlib import Path
from components.oracle.store import Journal, JournalWriteError
from tests.components.oracle.store.samples import STREAMS, append
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
journal = Journal.open_writer(Path(sys.argv[1]), STREAMS, sync=sys.argv[2])
try:
    for _ in range(1000):
        append(journal, 500)
        print(journal.last_sequence("orders"))
except JournalWriteError as error:
    print(error)
    try:
        append(journal, 1)
    except JournalWriteError as again:
        print(again)
journal.close()
"""


@pytest.mark.parametrize("sync", ["commit", "off"])
def test_a_full_disk_stops_the_writer_and_loses_nothing(tmp_path: Path, sync: str) -> None:
    """A limit on the file's size is what a full disk looks like to LMDB."""
    path = tmp_path / "j"
    command = [sys.executable, "-c", FULL_DISK, str(path), sync]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    *acknowledged, error, again = ended.stdout.splitlines()

    assert "nothing of it was kept" in error
    assert again.startswith("the journal takes no more")
    with Journal.open_reader(path) as journal:
        assert journal.last_sequence("orders") == int(acknowledged[-1])
        assert is_prefix_of_what_was_written(journal)
    assert verify(path, deep=True).ok
    fill(path, batches=1)
    assert verify(path).ok
