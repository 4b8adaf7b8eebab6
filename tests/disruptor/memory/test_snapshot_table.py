"""Snapshot tables: readers copy whole publications, whatever the writer does or fails to do."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from disruptor.errors import LayoutMismatchError, WaitTimeoutError
from disruptor.memory import snapshot_table
from disruptor.memory.snapshot_table import SnapshotTable, begin, finish

ROW = np.dtype([("publication", np.int64), ("value", np.float64), ("check", np.uint8)], align=True)
CAPACITY = 500


@pytest.fixture
def table() -> Iterator[SnapshotTable]:
    made = SnapshotTable.create(f"test-table-{os.getpid()}", ROW, CAPACITY)
    yield made
    made.close()
    made.unlink()


def rows(publication: int, count: int) -> NDArray[np.void]:
    """Records that tell a torn copy: each names its publication, and how many there are."""
    made = np.zeros(count, ROW)
    made["publication"] = publication
    made["value"] = publication + count
    made["check"] = (np.arange(count) * 7 + publication) % 251
    return made


def test_nothing_is_there_before_the_first_publication(table: SnapshotTable) -> None:
    assert table.publication() == 0
    assert len(table.copy()) == 0


def test_a_reader_that_knows_only_the_name_copies_the_newest(table: SnapshotTable) -> None:
    for publication in (1, 2, 3):
        table.publish(rows(publication, 10 * publication))
    reader = SnapshotTable.attach(table.name)

    assert reader.publication() == 3
    assert reader.copy().tolist() == rows(3, 30).tolist()
    assert reader.capacity == CAPACITY
    reader.close()


def test_a_copy_stays_as_it_was(table: SnapshotTable) -> None:
    table.publish(rows(1, 4))
    copied = table.copy()
    for publication in (2, 3, 4):
        table.publish(rows(publication, 4))

    assert copied.tolist() == rows(1, 4).tolist()


def test_an_empty_publication_empties_the_table(table: SnapshotTable) -> None:
    table.publish(rows(1, 4))
    table.publish(rows(2, 0))

    assert len(table.copy()) == 0
    assert table.publication() == 2


def test_a_full_table_fits_and_one_more_is_refused_untouched(table: SnapshotTable) -> None:
    table.publish(rows(1, CAPACITY))
    with pytest.raises(ValueError, match="501 records, capacity=500"):
        table.publish(rows(2, CAPACITY + 1))

    assert table.publication() == 1
    assert len(table.copy()) == CAPACITY


def test_other_records_are_refused(table: SnapshotTable) -> None:
    with pytest.raises(LayoutMismatchError, match="expected"):
        SnapshotTable.attach(table.name, np.dtype([("other", np.int32)]))
    SnapshotTable.attach(table.name, ROW).close()


def test_death_in_the_middle_of_a_publication_leaves_the_last_one(table: SnapshotTable) -> None:
    table.publish(rows(1, 5))
    slot = begin(table.control)
    table.slots[slot, :3] = rows(2, 3)

    assert table.copy().tolist() == rows(1, 5).tolist()
    restarted = SnapshotTable.attach(table.name, ROW)
    restarted.publish(rows(2, 6))
    assert table.publication() == 2
    assert table.copy().tolist() == rows(2, 6).tolist()
    restarted.close()


def test_a_compiled_writer_fills_the_slot_in_place(table: SnapshotTable) -> None:
    slot = begin(table.control)
    table.slots[slot]["value"][:2] = (1.5, 2.5)
    finish(table.control, 2)

    assert table.copy()["value"].tolist() == [1.5, 2.5]


def test_a_reader_gives_up_with_a_reason_when_it_never_gets_a_whole_copy(
    table: SnapshotTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_table, "_is_intact", lambda control, number: False)

    with pytest.raises(WaitTimeoutError, match="publish it less often"):
        table.copy()


PUBLICATIONS = 5_000


def publish_many(name: str) -> None:
    table = SnapshotTable.attach(name, ROW)
    for publication in range(1, PUBLICATIONS + 1):
        table.publish(rows(publication, publication % CAPACITY))
    table.close()


@pytest.mark.stress
def test_no_copy_is_torn_while_another_process_publishes(table: SnapshotTable) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=publish_many, args=(table.name,))
    writer.start()
    newest = 0
    while writer.is_alive() or newest < table.publication():
        copied = table.copy()
        if len(copied):
            publication = int(copied["publication"][0])
            assert publication >= newest
            newest = publication
            assert (copied == rows(publication, publication % CAPACITY)).all()
        elif table.publication() == PUBLICATIONS:
            newest = PUBLICATIONS
    writer.join()

    assert writer.exitcode == 0
    assert table.publication() == PUBLICATIONS


def test_closing_keeps_no_descriptor_even_while_a_view_lives(table: SnapshotTable) -> None:
    def open_descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    views = []
    counts = []
    for _ in range(3):
        reader = SnapshotTable.attach(table.name, ROW)
        views.append(reader.slots)
        reader.close()
        counts.append(open_descriptors() - len(views))  # a living mapping keeps its own
    assert len(set(counts)) == 1
    views.clear()
    del reader
    assert open_descriptors() == counts[0]
