"""Compiled handlers: what LMAX's own performance tests do with an event, a function each.

Each works on a ``Tally``: its result, the number of batches, and the sequence after which it has
seen everything and ends its processor.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from disruptor.compiled import compiled, inlined
from disruptor.memory.atomics import store_release

RESULT, BATCHES, LAST = range(3)


class Tally(NamedTuple):
    """What a handler keeps; ``words``: int64, shape (16,), a cache line pair of its own."""

    words: NDArray[np.int64]
    control: NDArray[np.int64]  # the consumer's; non-zero ends its processor


@inlined
def _count(tally: Tally, sequence: int, end_of_batch: bool) -> None:
    if end_of_batch:
        tally.words[BATCHES] += 1
        if sequence == tally.words[LAST]:
            store_release(tally.control, 0, 1)


@compiled
def add(tally: Tally, event: Any, sequence: int, end_of_batch: bool) -> None:
    """The sum of all values."""
    tally.words[RESULT] += event["value"]
    _count(tally, sequence, end_of_batch)


@compiled
def subtract(tally: Tally, event: Any, sequence: int, end_of_batch: bool) -> None:
    """The sum of all values, negated."""
    tally.words[RESULT] -= event["value"]
    _count(tally, sequence, end_of_batch)


@compiled
def bitwise_and(tally: Tally, event: Any, sequence: int, end_of_batch: bool) -> None:
    """All values, bit by bit."""
    tally.words[RESULT] &= event["value"]
    _count(tally, sequence, end_of_batch)


@compiled
def step_one(tally: Tally, event: Any, sequence: int, end_of_batch: bool) -> None:
    """Adds the operands, into the event."""
    event["step_one"] = event["operand_one"] + event["operand_two"]
    _count(tally, sequence, end_of_batch)


@compiled
def step_two(tally: Tally, event: Any, sequence: int, end_of_batch: bool) -> None:
    """Three more than step one, into the event."""
    event["step_two"] = event["step_one"] + 3
    _count(tally, sequence, end_of_batch)


@compiled
def step_three(tally: Tally, event: Any, sequence: int, end_of_batch: bool) -> None:
    """How many events have bit 2 set after step two."""
    if event["step_two"] & 4 == 4:
        tally.words[RESULT] += 1
    _count(tally, sequence, end_of_batch)


@compiled
def fizz(tally: Tally, event: Any, sequence: int, end_of_batch: bool) -> None:
    """Marks multiples of three."""
    event["fizz"] = event["value"] % 3 == 0
    _count(tally, sequence, end_of_batch)


@compiled
def buzz(tally: Tally, event: Any, sequence: int, end_of_batch: bool) -> None:
    """Marks multiples of five."""
    event["buzz"] = event["value"] % 5 == 0
    _count(tally, sequence, end_of_batch)


@compiled
def fizz_buzz(tally: Tally, event: Any, sequence: int, end_of_batch: bool) -> None:
    """How many events bear both marks."""
    if event["fizz"] != 0 and event["buzz"] != 0:
        tally.words[RESULT] += 1
    _count(tally, sequence, end_of_batch)
