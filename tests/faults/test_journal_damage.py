"""Changed and missing bytes anywhere in a journal's files: an error or the truth, never a lie."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.oracle.store import Journal, JournalCorruptError, JournalError, verify
from components.oracle.store.environment import data_file
from components.oracle.store.segments import data_path, places
from tests.components.oracle.store.samples import (
    STREAMS,
    append,
    fill,
    is_prefix_of_what_was_written,
)

pytestmark = pytest.mark.fault
PAGE = 4096
SECTOR = 512
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
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same events in several segments."""
    path = tmp_path_factory.mktemp("segmented") / "j"
    with Journal.open_writer(path, STREAMS, segment_bytes=1 << 16) as journal:
        for size in SIZES:
            append(journal, size)
    assert len(places(path)) > 2
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


def damage_sector(path: Path, place: int, instead: bytes) -> None:
    """A write that never came, or that belonged elsewhere: 512 bytes that are others."""
    with path.open("r+b") as file:
        file.seek(place - place % SECTOR)
        file.write(instead)


def check_any_segment(segmented: Path, scratch: Path, part: int, mask: int, how: str) -> None:
    """Damage anywhere in any segment is named by whoever reads it, and by verify."""
    path = damaged_copy(segmented, scratch)
    files = [data_file(place.path) for place in places(path)]
    sizes = [file.stat().st_size for file in files]
    at = part * sum(sizes) // PARTS
    number = 0
    while at >= sizes[number]:
        at -= sizes[number]
        number += 1
    before = files[number].read_bytes()
    files[number].chmod(0o600)
    if how == "flip":
        flip(files[number], at, mask)
    else:
        other = mask * len(before) // 256 // SECTOR * SECTOR
        instead = before[other : other + SECTOR] if how == "misplaced" else bytes(SECTOR)
        damage_sector(files[number], at, instead)
    if files[number] == files[-1]:
        tells_the_truth(path)
        return
    try:
        with Journal.open_reader(path) as journal:
            assert journal.last_sequence("orders") == sum(SIZES)
            assert is_prefix_of_what_was_written(journal)
    except JournalError:
        assert not verify(path).ok
    assert verify(path, deep=True).ok == (files[number].read_bytes() == before)


some_bytes = given(part=st.integers(0, PARTS - 1), mask=st.integers(1, 255))
any_damage = given(
    part=st.integers(0, PARTS - 1),
    mask=st.integers(1, 255),
    how=st.sampled_from(("flip", "zeros", "misplaced")),
)
no_checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=150, deadline=None, suppress_health_check=no_checks)
@some_bytes
def test_a_changed_byte_is_named_or_harmless(
    whole: Path, scratch: Path, part: int, mask: int
) -> None:
    check_flip(whole, scratch, part, mask)


@settings(max_examples=60, deadline=None, suppress_health_check=no_checks)
@any_damage
def test_damage_in_any_segment_is_named_or_harmless(
    segmented: Path, scratch: Path, part: int, mask: int, how: str
) -> None:
    check_any_segment(segmented, scratch, part, mask, how)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, deadline=None, suppress_health_check=no_checks)
@some_bytes
def test_ten_thousand_changed_bytes(whole: Path, scratch: Path, part: int, mask: int) -> None:
    check_flip(whole, scratch, part, mask)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, deadline=None, suppress_health_check=no_checks)
@any_damage
def test_ten_thousand_damages_in_any_segment(
    segmented: Path, scratch: Path, part: int, mask: int, how: str
) -> None:
    check_any_segment(segmented, scratch, part, mask, how)


@pytest.mark.parametrize("page", [0, 1])
def test_no_bit_of_a_meta_page_that_the_engine_trusts_is_taken_as_it_is(
    whole: Path, scratch: Path, page: int
) -> None:
    """The flags of both roots, with some of which LMDB aborts, and the number of the commit, which
    decides between the pages."""
    for place in (44, 45, 92, 93, *range(144, 152)):
        for bit in range(8):
            path = damaged_copy(whole, scratch)
            flip(data_path(path), page * PAGE + place, 1 << bit)
            tells_the_truth(path)


def test_a_reader_is_told_when_the_newest_state_is_gone(whole: Path, scratch: Path) -> None:
    """With its number made small, LMDB shows the state before, which is whole."""
    path = damaged_copy(whole, scratch)
    content = data_path(path).read_bytes()
    numbers = [int.from_bytes(content[page * PAGE + 144 :][:8], "little") for page in range(2)]
    with data_path(path).open("r+b") as file:
        file.seek(numbers.index(max(numbers)) * PAGE + 144)
        file.write(bytes(8))
    with pytest.raises(JournalCorruptError, match="its end is missing"):
        Journal.open_reader(path)


@settings(max_examples=60, deadline=None, suppress_health_check=no_checks)
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
