"""The raw journal: what was received is there once, whatever dies when."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.oracle.raw import BLOCKS, STREAMS, raw_path
from components.oracle.raw.reader import has_raw, read_entries
from components.oracle.raw.tail import CLOSED, FRAME, Entry, Tail, entries, whole_size
from components.oracle.raw.writer import TAIL_AGE_NS, TAIL_BYTES, RawWriter, append_block
from components.oracle.store import Journal, JournalError, verify
from components.oracle.store.environment import data_file
from components.oracle.store.retention import Retention
from components.oracle.store.segments import places

SEGMENT = 64 << 20
ROOT = Path(__file__).resolve().parents[3]


def frame(number: int) -> Entry:
    return Entry(FRAME, number % 3, 10**18 + number, b'{"number":%d}' % number * (number % 50))


def write(path: Path, wanted: list[Entry], tail_bytes: int = TAIL_BYTES) -> None:
    writer = RawWriter(path, segment_bytes=SEGMENT, tail_bytes=tail_bytes)
    for at, entry in enumerate(wanted):
        writer.add(entry.kind, entry.source, entry.received_ns, entry.payload, at)
    writer.close()


def test_entries_come_back_as_they_were_and_the_chain_is_whole(tmp_path: Path) -> None:
    path = raw_path(tmp_path)
    wanted = [frame(number) for number in range(1, 5_000)]
    write(path, wanted[:3_000], tail_bytes=4_096)
    write(path, wanted[3_000:], tail_bytes=4_096)

    assert list(read_entries(path)) == wanted
    assert has_raw(tmp_path)
    report = verify(path)
    assert report.ok, report.problems
    assert not list(path.glob("tail-*"))


def test_one_larger_than_a_tail_gets_a_tail_of_its_own(tmp_path: Path) -> None:
    wanted = [frame(1), Entry(FRAME, 0, 5, os.urandom(20_000)), Entry(CLOSED, 1, 6, b"")]
    write(tmp_path, wanted, tail_bytes=1_000)

    assert list(read_entries(tmp_path)) == wanted


def test_an_old_tail_becomes_a_block_while_nothing_comes(tmp_path: Path) -> None:
    writer = RawWriter(tmp_path, segment_bytes=SEGMENT)
    writer.add(FRAME, 0, 1, b"a", 0)
    writer.cut_if_old(TAIL_AGE_NS - 1)
    assert list(tmp_path.glob("tail-*"))
    writer.cut_if_old(TAIL_AGE_NS)
    writer.add(FRAME, 0, 2, b"b", TAIL_AGE_NS)
    writer.close()

    with Journal.open_reader(tmp_path, STREAMS) as journal:
        assert journal.last_sequence(BLOCKS) == 2


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=10), st.data())
def test_of_a_damaged_tail_the_whole_entries_before_the_damage_are_read(
    payloads: list[bytes], data: st.DataObject
) -> None:
    path = Path(f"/dev/shm/test-tail-{os.getpid()}")
    path.unlink(missing_ok=True)
    tail = Tail(path, 4_096)
    ends = [0]
    for payload in payloads:
        tail.add(FRAME, 1, 7, payload)
        ends.append(tail.filled)
    content = bytearray(tail.content())
    tail.close()
    path.unlink()
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    found = [each.payload for each in entries(bytes(content))]
    whole = sum(1 for end in ends[1:] if end <= at)

    assert found[:whole] == payloads[:whole]
    assert whole_size(bytes(content[: ends[whole]])) == ends[whole]


def test_a_tail_that_became_a_block_before_the_death_is_not_written_twice(tmp_path: Path) -> None:
    write(tmp_path, [frame(1)])
    tail = Tail(tmp_path / "tail-000000000001", 4_096)
    tail.add(*frame(1)[:3], frame(1).payload)
    tail.close()
    write(tmp_path, [frame(2)])

    assert list(read_entries(tmp_path)) == [frame(1), frame(2)]


def test_a_missing_tail_is_told(tmp_path: Path) -> None:
    write(tmp_path, [frame(1)])
    tail = Tail(tmp_path / "tail-000000000003", 4_096)
    tail.add(*frame(3)[:3], frame(3).payload)
    tail.close()

    with pytest.raises(JournalError, match="ends at block 1"):
        RawWriter(tmp_path, segment_bytes=SEGMENT)


def test_a_failure_of_the_disk_is_raised_at_a_later_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr("components.oracle.raw.writer.append_block", full)
    writer = RawWriter(tmp_path, segment_bytes=SEGMENT, tail_bytes=100)

    def add_many() -> None:
        for number in range(100_000):
            writer.add(FRAME, 0, number, b"x" * 60, number)

    with pytest.raises(JournalError, match="full"):
        add_many()
    monkeypatch.setattr("components.oracle.raw.writer.append_block", append_block)
    with pytest.raises(JournalError, match="full"):
        writer.close()


PROGRAM = """
import sys
from pathlib import Path
from components.oracle.raw.tail import FRAME
from components.oracle.raw.writer import RawWriter
writer = RawWriter(Path(sys.argv[1]), segment_bytes=64 << 20, tail_bytes=2048)
first = int(sys.argv[2])
for number in range(first, first + 1_000_000):
    writer.add(FRAME, 0, number, b"%d" % number, number)
    if number % 100 == 0:
        print(number, flush=True)
"""


@pytest.mark.fault
def test_what_was_written_before_a_kill_is_there_once(tmp_path: Path) -> None:
    promised = 0
    for round_ in range(3):
        first = 1 + 10_000_000 * round_
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), str(first)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None
        for line in child.stdout:
            promised = int(line)
            if promised >= first + 2_000:
                break
        child.send_signal(signal.SIGKILL)
        child.wait(60)
        child.stdout.close()
        write(tmp_path, [])
        found = [int(each.payload) for each in read_entries(tmp_path)]
        mine = [number for number in found if number >= first]

        assert mine == list(range(first, first + len(mine)))
        assert mine[-1] >= promised
    assert verify(tmp_path).ok


def kept(path: Path, keep: int = 0) -> list[Entry]:
    """What is left when each of twelve blocks filled a segment."""
    writer = RawWriter(path, segment_bytes=1 << 16, retention=Retention(keep))
    chance = random.Random(1)
    for number in range(12):
        writer.add(FRAME, 0, number, chance.randbytes(70_000), 0)
        writer.cut()
    writer.close()
    return list(read_entries(path))


def test_segments_beyond_a_number_are_given_up_while_frames_come(tmp_path: Path) -> None:
    left = kept(tmp_path / "few", keep=3)
    report = verify(tmp_path / "few")

    assert [entry.received_ns for entry in left] == [9, 10, 11]
    assert report.ok, report.problems
    assert len(places(tmp_path / "few")) == 3
    assert len(kept(tmp_path / "few", keep=2)) == 2


def test_segments_beyond_an_age_are_given_up_at_a_start(tmp_path: Path) -> None:
    path = tmp_path / "old"
    assert len(kept(path)) == 12
    for place in places(path)[:5]:
        os.utime(data_file(place.path), (0, 0))
    RawWriter(path, segment_bytes=SEGMENT, retention=Retention(age_s=86_400)).close()

    assert [entry.received_ns for entry in read_entries(path)] == list(range(5, 12))
    assert verify(path).ok


def test_all_is_kept_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert len(kept(tmp_path)) == 12
    assert len(places(tmp_path)) == 12
