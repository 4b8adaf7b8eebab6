"""A class of arrays that kernels pass by its address is the same to them as a tuple of arrays."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from disruptor.by_address import by_address
from disruptor.compiled import compiled, entry, internal

RECORD = np.dtype([("lots", np.int64), ("side", np.uint8)], align=True)


@by_address
class Shelf(NamedTuple):
    """Arrays of unlike kinds and shapes."""

    words: NDArray[np.int64]
    table: NDArray[np.int64]
    records: NDArray[Any]


@internal
def _put(shelf: Shelf, place: int, value: int) -> int:
    shelf.words[place] += value
    shelf.records[place]["lots"] = shelf.words[place] + shelf.table[1, place]
    shelf.records[place]["side"] = len(shelf.words)
    lots: int = shelf.records[place]["lots"]
    return lots


@entry
def fill(shelf: Shelf, value: int) -> int:
    """Put a value everywhere; the sum of all lots."""
    total = 0
    for place in range(len(shelf.words)):
        total += _put(shelf, place, value)
    return total + shelf.table.shape[0] * 1_000


@compiled
def first_lots(shelf: Shelf) -> int:
    """With reference counts, as kernels that allocate have them."""
    lots: int = shelf.records[0]["lots"]
    return lots


def _shelf(size: int) -> Shelf:
    return Shelf(
        np.arange(size, dtype=np.int64),
        np.arange(3 * size, dtype=np.int64).reshape(3, size) * 10,
        np.zeros(size, RECORD),
    )


@pytest.mark.parametrize("size", [1, 4, 9])
def test_kernels_read_and_write_the_arrays_that_python_sees(size: int) -> None:
    shelf = _shelf(size)

    total = fill(shelf, 5)

    words = np.arange(size) + 5
    lots = words + 10 * (size + np.arange(size))
    assert total == lots.sum() + 3_000
    assert np.array_equal(shelf.words, words)
    assert np.array_equal(shelf.records["lots"], lots)
    assert (shelf.records["side"] == size).all()
    assert first_lots(shelf) == lots[0]


def test_each_instance_has_its_own_arrays() -> None:
    one, other = _shelf(3), _shelf(3)

    fill(one, 7)

    assert other.records["lots"].tolist() == [0, 0, 0]
    assert first_lots(one) == 37
    assert first_lots(other) == 0


def test_a_kernel_keeps_no_reference_to_an_array() -> None:
    shelf = _shelf(2)
    first_lots(shelf)
    before = [sys.getrefcount(array) for array in shelf]

    for _ in range(10):
        fill(shelf, 1)
        first_lots(shelf)

    assert [sys.getrefcount(array) for array in shelf] == before


def test_what_is_no_array_of_the_class_is_refused() -> None:
    shelf = _shelf(2)
    fill(shelf, 1)

    with pytest.raises(Exception, match=r"(?i)shelf|attribute|words"):
        fill(shelf.words, 1)  # type: ignore[arg-type]
