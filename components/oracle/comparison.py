"""Derived against journaled: the first byte that differs, told as stream, sequence and field.

A comparison is fed with what the engines derive, in order, and reads what the journal holds
beside it.  The journal may end first: a platform that crashed had not yet journaled everything
that follows from its commands; what is missing is kept, because the live processes publish it
again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.oracle.store import Journal

NOT_DERIVED = "a record that does not follow from the commands"


@dataclass(frozen=True)
class Difference:
    """The first place where a stream is not what its commands give."""

    stream: str
    sequence: int
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        return (
            f"stream {self.stream}, sequence {self.sequence}, field {self.field}: "
            f"expected {self.expected}, found {self.found}"
        )


def words_of(records: NDArray[np.void]) -> NDArray[np.integer]:
    """The records' bytes as the widest integers that fit, for a fast comparison."""
    return records.view("u1" if records.itemsize % 8 else "i8")


def first_difference(
    stream: str, first: int, expected: NDArray[np.void], found: NDArray[np.void]
) -> Difference | None:
    """Compare equally long arrays whose first record has the sequence ``first``."""
    unequal = words_of(expected) != words_of(found)
    if not unequal.any():
        return None
    place = int(unequal.argmax()) * len(expected) // len(unequal)
    names = expected.dtype.names or ()
    for name in names:
        if expected[name][place] != found[name][place]:
            return Difference(
                stream, first + place, name, str(expected[name][place]), str(found[name][place])
            )
    return Difference(
        stream,
        first + place,
        "(padding)",
        expected[place].tobytes().hex(),
        found[place].tobytes().hex(),
    )


class StreamComparison:
    """One derived stream beside the journal's; goes on counting after a difference."""

    def __init__(self, journal: Journal, stream: str, after: int = 0) -> None:
        self.stream = stream
        self.journaled = journal.last_sequence(stream)
        self.derived = after
        self.difference: Difference | None = None
        self._tail: list[NDArray[np.void]] = []
        self._dtype = journal.dtype(stream)
        self._stored = _ReadAhead(journal.read(stream, after + 1, self.journaled))

    def feed(self, records: NDArray[np.void]) -> None:
        """Compare what was derived next; the array may be reused afterwards."""
        stored = min(len(records), max(self.journaled - self.derived, 0))
        if stored and self.difference is None:
            first = self.derived + 1
            for found in self._stored.take(stored):
                expected = records[first - self.derived - 1 :][: len(found)]
                self.difference = first_difference(self.stream, first, expected, found)
                if self.difference is not None:
                    break
                first += len(found)
        if stored < len(records):
            self._tail.append(records[stored:].copy())
        self.derived += len(records)

    def finish(self) -> None:
        """Everything was derived: what the journal holds beyond it is a difference too."""
        if self.difference is None and self.journaled > self.derived:
            self.difference = Difference(
                self.stream, self.derived + 1, "(all)", "the end of the stream", NOT_DERIVED
            )

    def tail(self) -> NDArray[np.void]:
        """What was derived, but is not yet journaled."""
        return np.concatenate(self._tail) if self._tail else np.zeros(0, self._dtype)


class _ReadAhead:
    """Takes any number of records from chunks of any size."""

    def __init__(self, chunks: Iterator[tuple[int, NDArray[np.void]]]) -> None:
        self._chunks = chunks
        self._rest: NDArray[np.void] | None = None

    def take(self, count: int) -> Iterator[NDArray[np.void]]:
        while count:
            if self._rest is None or not len(self._rest):
                self._rest = next(self._chunks)[1]
            part, self._rest = self._rest[:count], self._rest[count:]
            count -= len(part)
            yield part


class OrderComparison:
    """Sentinel's derived orders beside the commands that it published.

    They come back into the commands later than what caused them, in the order in which they were
    derived; those that have not come back when the journal ends are pending.
    """

    def __init__(self, waiting: NDArray[np.void]) -> None:
        self.derived = len(waiting)
        self.found = 0
        self.difference: Difference | None = None
        self._waiting = waiting

    def feed(self, orders: NDArray[np.void]) -> None:
        """Orders that were derived next; the array may be reused afterwards."""
        if len(orders):
            self._waiting = np.concatenate((self._waiting, orders))
            self.derived += len(orders)

    def meet(self, sequences: NDArray[np.int64], commands: NDArray[np.void]) -> None:
        """Commands that Sentinel published, with their sequences, once all before are derived."""
        for sequence, found in zip(sequences.tolist(), commands, strict=True):
            if self.difference is not None:
                return
            self._meet_one(sequence, found)

    def pending(self) -> NDArray[np.void]:
        """Orders that were derived, but are not among the commands yet."""
        return self._waiting

    def _meet_one(self, sequence: int, found: np.void) -> None:
        if not len(self._waiting) or self._waiting[0]["cause"] >= sequence:
            self.difference = Difference(
                "commands", sequence, "source", "no order of Sentinel", "one that it did not derive"
            )
            return
        one = np.array([found], self._waiting.dtype)
        self.difference = first_difference("commands", sequence, self._waiting[:1], one)
        self._waiting = self._waiting[1:]
        self.found += 1
