"""Partitions: every event has one owner, and everybody agrees who it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from disruptor.compiled import compiled
from disruptor.errors import ConfigurationError
from disruptor.processors.partition import Partition, partition_of_key, partitions_of_keys

_MASK = 2**64 - 1
of_key = compiled(lambda key, count: partition_of_key(key, count))  # fmt: skip


def splitmix64(key: int) -> int:
    """As Vigna published it, in plain integers."""
    mixed = (key + 0x9E3779B97F4A7C15) & _MASK
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & _MASK
    return mixed ^ (mixed >> 31)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.integers(1, 1_000))
def test_compiled_numpy_and_plain_python_agree(keys: list[int], count: int) -> None:
    array = np.array(keys, np.int64)
    expected = [splitmix64(key & _MASK) % count for key in keys]

    assert partitions_of_keys(array, count).tolist() == expected
    assert [of_key(key, count) for key in array] == expected


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64])
def test_a_key_has_one_owner_whatever_its_width(kind: type) -> None:
    keys: NDArray[Any] = np.array([-128, -1, 0, 1, 127]).astype(kind)

    assert (partitions_of_keys(keys, 5) == partitions_of_keys(keys.astype(np.int64), 5)).all()


def test_neighbouring_keys_spread() -> None:
    counts = np.bincount(partitions_of_keys(np.arange(8_000) * 8, 8), minlength=8)

    assert counts.min() > 800


@pytest.mark.parametrize(("index", "count"), [(-1, 2), (2, 2), (0, 0)])
def test_an_index_outside_of_its_count_is_refused(index: int, count: int) -> None:
    with pytest.raises(ConfigurationError, match="must be from 0 to count - 1"):
        Partition(index, count)


@pytest.mark.parametrize("key", ["missing", "price"])
def test_a_key_that_is_no_integer_field_is_refused(key: str) -> None:
    event = np.dtype([("account", "i8"), ("price", "f8")])
    with pytest.raises(ConfigurationError, match="use one of: account"):
        Partition(0, 2, key).check(event)
