"""Partitions: several consumers share the work on one ring, each taking what is its own.

Every consumer of a partition reads the whole ring and skips what belongs to the others, so the
order among the events of one key is kept, and there is nothing to coordinate.  Without a key the
sequences are dealt in turn (``sequence % count``).  With one, an integer field is mixed
(splitmix64) before the remainder is taken, since keys are seldom spread evenly; the result depends
on nothing but the key and the count, in every process and on every machine, and in all tiers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor.compiled import inlined
from disruptor.errors import ConfigurationError

_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS: Final = (np.uint64(30), np.uint64(27), np.uint64(31))


@inlined
def partition_of_key(key: int, count: int) -> int:
    """Which of ``count`` partitions an integer key belongs to, for compiled code."""
    mixed = np.uint64(key) + _STEP
    mixed = (mixed ^ (mixed >> _SHIFTS[0])) * _FIRST
    mixed = (mixed ^ (mixed >> _SHIFTS[1])) * _SECOND
    mixed = mixed ^ (mixed >> _SHIFTS[2])
    return int(mixed % np.uint64(count))


def partitions_of_keys(keys: NDArray[Any], count: int) -> NDArray[np.int64]:
    """``partition_of_key`` of each element; for any process and thread."""
    mixed = keys.astype(np.int64 if keys.dtype.kind == "i" else np.uint64).view(np.uint64) + _STEP
    mixed = (mixed ^ (mixed >> _SHIFTS[0])) * _FIRST
    mixed = (mixed ^ (mixed >> _SHIFTS[1])) * _SECOND
    mixed = mixed ^ (mixed >> _SHIFTS[2])
    return (mixed % np.uint64(count)).astype(np.int64)


@dataclass(frozen=True)
class Partition:
    """The share of one consumer: number ``index`` of ``count``, by sequence or by an integer field.

    A value; given to a processor, which may run in any process and thread.
    """

    index: int
    count: int
    key: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ConfigurationError(
                f"partition index={self.index} of count={self.count} must be from 0 to count - 1"
            )

    def check(self, event: np.dtype[Any]) -> None:
        """Raise ConfigurationError when events of this layout have no such key."""
        if self.key is None:
            return
        fields: Any = event.fields or {}
        if self.key not in fields or fields[self.key][0].kind not in "iu":
            known = ", ".join(name for name, each in fields.items() if each[0].kind in "iu")
            raise ConfigurationError(
                f"partition key {self.key!r} is no integer field of the event; use one of: {known}"
            )

    def offsets(self, events: NDArray[Any], first: int) -> NDArray[np.int64]:
        """Positions in ``events``, which begin at the sequence ``first``, of those that it owns."""
        if self.key is None:
            return np.arange((self.index - first) % self.count, len(events), self.count)
        return np.flatnonzero(partitions_of_keys(events[self.key], self.count) == self.index)
