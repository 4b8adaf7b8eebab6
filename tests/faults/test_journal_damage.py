"""Changed and missing bytes anywhere in a journal's files: an error or the truth, never a lie."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.oracle.store import Journal, JournalCorruptError, JournalError, verify
from components.oracle.store.segments import data_path
from tests.components.oracle.store.samples import (
    STREAMS,
    append,
    fill,
    is_prefix_of_what_was_written,
)

pytestmark = pytest.mark.fault
PAGE = 4096
PARTS = 1 << 20  # a place in the file, as a part of its size
SIZES = (1, 5, 40, 400, 3, 1000, 2, 90, 700, 10, 6, 250)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of small and large records, written in two runs."""
    path = tmp_path_factory.mktemp("whole") / "j"
    for sizes in (SIZES[:6], SIZES[6:]):
        with Journal.open_writer(path, STREAMS) as journal:
            for size in sizes:
                append(journal, size)
    return path


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def damaged_copy(whole: Path, scratch: Path) -> Path:
    path = scratch / "j"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(whole, path)
    return path


def tells_the_truth(path: Path) -> bool:
    """Whether readers and a new writer see all that was written, or refuse; True if they see."""
    total = sum(SIZES)
    try:
        with Journal.open_reader(path) as journal:
            assert journal.last_sequence("orders") == total
            assert journal.last_sequence("plain") == total
            assert is_prefix_of_what_was_written(journal)
    except JournalError:
        assert not verify(path).ok
        with pytest.raises(JournalError):
            Journal.open_writer(path, STREAMS).close()
        return False
    assert verify(path).ok
    fill(path, batches=1)
    return True


def flip(path: Path, place: int, mask: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ mask]))


def check_flip(whole: Path, scratch: Path, part: int, mask: int) -> None:
    path = damaged_copy(whole, scratch)
    size = data_path(path).stat().st_size
    flip(data_path(path), part * size // PARTS, mask)
    tells_the_truth(path)


some_bytes = given(part=st.integers(0, PARTS - 1), mask=st.integers(1, 255))
no_checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=150, deadline=None, suppress_health_check=no_checks)
@some_bytes
def test_a_changed_byte_is_named_or_harmless(
    whole: Path, scratch: Path, part: int, mask: int
) -> None:
    check_flip(whole, scratch, part, mask)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@settings(max_examples=10_000, deadline=None, suppress_health_check=no_checks)
@some_bytes
def test_ten_thousand_changed_bytes(whole: Path, scratch: Path, part: int, mask: int) -> None:
    check_flip(whole, scratch, part, mask)


@settings(max_examples=150, deadline=None, suppress_health_check=no_checks)
@given(place=st.integers(0, 2 * PAGE - 1).filter(lambda x: x % PAGE < 160), bit=st.integers(0, 7))
def test_a_changed_bit_of_the_meta_pages_never_hides_the_last_commit(
    whole: Path, scratch: Path, place: int, bit: int
) -> None:
    """The two pages that say where the tree is, and which of them is the newer."""
    path = damaged_copy(whole, scratch)
    flip(data_path(path), place, 1 << bit)
    tells_the_truth(path)


@pytest.mark.parametrize("name", [b"stream:orders", b"stream:plain", b"meta"])
def test_a_renamed_database_is_not_taken_for_a_new_journal(
    whole: Path, scratch: Path, name: bytes
) -> None:
    path = damaged_copy(whole, scratch)
    content = data_path(path).read_bytes()
    renamed = name[:-1] + bytes([name[-1] + 1])
    data_path(path).write_bytes(content.replace(name, renamed))

    assert not tells_the_truth(path)


def test_every_byte_of_a_record_is_proven(whole: Path, scratch: Path) -> None:
    """Damage in a large record's own bytes is named with its stream and sequences."""
    path = damaged_copy(whole, scratch)
    content = data_path(path).read_bytes()
    place = content.rindex(b"JREC") + 2000
    flip(data_path(path), place, 1)
    with pytest.raises(JournalCorruptError, match=r"stream \w+, record \d+–\d+: its bytes"):
        Journal.open_writer(path, STREAMS)
    report = verify(path)

    assert len(report.problems) == 1
    assert "expected" in report.problems[0]
    assert sorted(each.problem is None for each in report.streams) == [False, True]


@settings(max_examples=60, deadline=None, suppress_health_check=no_checks)
@given(part=st.integers(0, PARTS - 1))
def test_a_cut_file_is_named_or_harmless(whole: Path, scratch: Path, part: int) -> None:
    path = damaged_copy(whole, scratch)
    size = data_path(path).stat().st_size
    with data_path(path).open("r+b") as file:
        file.truncate(part * size // PARTS)
    tells_the_truth(path)


def test_zeros_in_place_of_a_page_are_named_or_harmless(whole: Path, scratch: Path) -> None:
    size = data_path(whole).stat().st_size
    for page in range(size // PAGE):
        path = damaged_copy(whole, scratch)
        with data_path(path).open("r+b") as file:
            file.seek(page * PAGE)
            file.write(bytes(PAGE))
        tells_the_truth(path)


@settings(max_examples=60, deadline=None, suppress_health_check=no_checks)
@given(place=st.integers(0, 183), mask=st.integers(1, 255))
def test_a_damaged_watermark_hides_nothing(
    whole: Path, scratch: Path, place: int, mask: int
) -> None:
    path = damaged_copy(whole, scratch)
    flip(path / "watermark", place, mask)

    assert tells_the_truth(path)


def test_an_older_copy_of_the_database_is_refused(tmp_path: Path) -> None:
    """What a restored backup or a lost write looks like: whole, but not the latest."""
    path = tmp_path / "j"
    fill(path, batches=3)
    older = data_path(path).read_bytes()
    fill(path, batches=3)
    data_path(path).write_bytes(older)
    with pytest.raises(JournalCorruptError, match="its end is missing"):
        Journal.open_writer(path, STREAMS)

    assert "ends at sequence 30, but was durable up to 60" in verify(path).problems[0]
