"""Compiled instructions and their plain Python form give the same results."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from disruptor.compiled import compiled
from disruptor.instructions import copy_run, prefetch, trailing_zeros, wrapped_product

_UNCOMPILED = """
import numpy as np
from disruptor.instructions import prefetch, trailing_zeros, wrapped_product
print([trailing_zeros(np.uint64(1 << bit)) for bit in range(64)] == list(range(64)))
print(int(wrapped_product(-3, np.uint64(0x9E3779B97F4A7C15))))
print(prefetch(np.zeros(1), 0))
"""


@compiled
def _zeros_of(bits: np.uint64) -> int:
    return trailing_zeros(bits)


@compiled
def _product_of(first: int, second: np.uint64) -> np.uint64:
    return wrapped_product(first, second)


@compiled
def _after_prefetch(values: np.ndarray, place: int) -> int:
    prefetch(values, place)
    return values[place]


@pytest.mark.parametrize("bit", [0, 1, 31, 32, 63])
def test_trailing_zeros_is_the_place_of_the_lowest_bit(bit: int) -> None:
    high = 1 << 63

    assert _zeros_of(np.uint64((1 << bit) | high)) == bit


def test_a_product_wraps_instead_of_becoming_a_float() -> None:
    factor = 0x9E3779B97F4A7C15

    assert int(_product_of(-3, np.uint64(factor))) == -3 * factor % 2**64


def test_prefetching_changes_nothing() -> None:
    values = np.arange(5)

    assert _after_prefetch(values, 3) == 3
    assert values.tolist() == [0, 1, 2, 3, 4]


def test_uncompiled_they_are_the_same() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _UNCOMPILED], env=environment, capture_output=True, text=True
    )

    assert done.stdout.split() == ["True", str(-3 * 0x9E3779B97F4A7C15 % 2**64), "None"]


_ORDER = np.dtype(
    [("tag", np.int64), ("price", np.int64), ("qty", np.int64), ("side", np.uint8)], align=True
)
_EVENT = np.dtype(
    [("kind", np.uint8), ("price", np.int64), ("qty", np.int64), ("side", np.uint8)], align=True
)


@compiled
def _tell(events: np.ndarray, orders: np.ndarray) -> None:
    copy_run(events[0], orders[0], "price", 2)


@compiled
def _tell_too_much(events: np.ndarray, orders: np.ndarray) -> None:
    copy_run(events[0], orders[0], "price", 3)


def test_a_run_of_fields_is_copied_and_nothing_else() -> None:
    events, orders = np.zeros(2, _EVENT), np.zeros(1, _ORDER)
    events["kind"], events["side"] = 9, 9
    orders[0] = (1, -2, 3, 1)

    _tell(events, orders)

    assert events[0].tolist() == (9, -2, 3, 9)
    assert events[1].tolist() == (9, 0, 0, 9)


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is typed")
def test_fields_of_unlike_kinds_are_no_run() -> None:
    with pytest.raises(Exception, match="do not lie side by side"):
        _tell_too_much(np.zeros(1, _EVENT), np.zeros(1, _ORDER))
