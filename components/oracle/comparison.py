"""Derived against journaled: the first byte that differs, told as stream, sequence and field.

A comparison is fed with what the engines derive, in order, and with what the journal holds beside
it.  The journal may end first: a platform that crashed had not yet journaled everything that
follows from its commands; what is missing is kept, because the live processes publish it again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.messages.command import COMMAND
from disruptor.compiled import entry

NOT_DERIVED: Final = "a record that does not follow from the commands"
_STRIDE: Final = 64
"""Words that are compared before the next look whether all were equal."""

Fields = dict[str, Any]
"""A record, field by field, as it is stored."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """The first place where a stream is not what its commands give.

    ``expected`` and ``found`` are the field's values; the whole records stand beside them, None
    where there is none.
    """

    stream: str
    sequence: int
    field: str
    expected: str
    found: str
    expected_record: Fields | None = dataclasses.field(default=None, compare=False)
    found_record: Fields | None = dataclasses.field(default=None, compare=False)

    def __str__(self) -> str:
        return (
            f"stream {self.stream}, sequence {self.sequence}, field {self.field}: "
            f"expected {self.expected}, found {self.found}"
        )


def fields_of(record: np.void) -> Fields:
    """A record of one of the platform's streams, ready for JSON."""
    return {name: record[name].tolist() for name in record.dtype.names or ()}


def first_difference(
    stream: str, first: int, expected: NDArray[np.void], found: NDArray[np.void]
) -> Difference | None:
    """Compare equally long arrays whose first record has the sequence ``first``."""
    ours, theirs = expected.view(np.uint8), found.view(np.uint8)
    if expected.itemsize % 8 == 0:
        ours, theirs = ours.view(np.uint64), theirs.view(np.uint64)
    unequal = int(_first_unequal(ours, theirs))
    if unequal == len(ours):
        return None
    place = unequal * len(expected) // len(ours)
    return _difference(stream, first + place, expected[place], found[place])


def _difference(stream: str, sequence: int, expected: np.void, found: np.void) -> Difference:
    both = {"expected_record": fields_of(expected), "found_record": fields_of(found)}
    for name in expected.dtype.names or ():
        if expected[name] != found[name]:
            return Difference(stream, sequence, name, str(expected[name]), str(found[name]), **both)
    return Difference(
        stream, sequence, "(padding)", expected.tobytes().hex(), found.tobytes().hex(), **both
    )


@entry
def _first_unequal(ours: NDArray[Any], theirs: NDArray[Any]) -> int:
    """The first place where two equally long arrays of unsigned integers differ, else their
    length; by strides without a branch, which the compiler turns into wide instructions."""
    count = ours.size
    start = 0
    while start + _STRIDE <= count:
        unequal = ours[0] ^ ours[0]
        for place in range(start, start + _STRIDE):
            unequal |= ours[place] ^ theirs[place]
        if unequal != 0:
            break
        start += _STRIDE
    for place in range(start, count):
        if ours[place] != theirs[place]:
            return place
    return count


class StreamComparison:
    """One derived stream beside the journal's; goes on counting after a difference.

    ``stored`` gives the journal's records after ``derived`` and up to ``journaled``, in chunks.
    """

    def __init__(
        self,
        stream: str,
        dtype: np.dtype,
        derived: int,
        journaled: int,
        stored: Iterable[tuple[int, NDArray[np.void]]],
    ) -> None:
        self.stream = stream
        self.journaled = journaled
        self.derived = derived
        self.difference: Difference | None = None
        self._tail: list[NDArray[np.void]] = []
        self._dtype = dtype
        self._stored = _Taken(iter(stored))

    def feed(self, records: NDArray[np.void]) -> None:
        """Compare what was derived next; the array may be reused afterwards."""
        stored = min(len(records), max(self.journaled - self.derived, 0))
        done = 0
        while done < stored and self.difference is None:
            found = self._stored.take(stored - done)
            expected = records[done : done + len(found)]
            self.difference = first_difference(
                self.stream, self.derived + done + 1, expected, found
            )
            done += len(found)
        if stored < len(records):
            self._tail.append(records[stored:].copy())
        self.derived += len(records)

    def finish(self) -> None:
        """Everything was derived: what the journal holds beyond it is a difference too."""
        if self.difference is None and self.journaled > self.derived:
            found = self._stored.take(1)[0]
            self.difference = Difference(
                self.stream,
                self.derived + 1,
                "(all)",
                "the end of the stream",
                NOT_DERIVED,
                found_record=fields_of(found),
            )

    def tail(self) -> NDArray[np.void]:
        """What was derived, but is not yet journaled."""
        return np.concatenate(self._tail) if self._tail else np.zeros(0, self._dtype)


class _Taken:
    """Takes up to any number of records from chunks of any size."""

    def __init__(self, chunks: Iterator[tuple[int, NDArray[np.void]]]) -> None:
        self._chunks = chunks
        self._rest: NDArray[np.void] | None = None

    def take(self, count: int) -> NDArray[np.void]:
        """At least one record, at most ``count``."""
        if self._rest is None or not len(self._rest):
            self._rest = next(self._chunks)[1]
        part, self._rest = self._rest[:count], self._rest[count:]
        return part


class OrderComparison:
    """Sentinel's derived orders beside the commands that it published.

    They come back into the commands later than what caused them, in the order in which they were
    derived; those that have not come back when the journal ends are pending.
    """

    def __init__(self) -> None:
        self.derived = 0
        self.found = 0
        self.difference: Difference | None = None
        self._waiting = np.zeros(0, COMMAND)

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
                "commands",
                sequence,
                "source",
                "no order of Sentinel",
                "one that it did not derive",
                found_record=fields_of(found),
            )
            return
        one = np.array([found], self._waiting.dtype)
        self.difference = first_difference("commands", sequence, self._waiting[:1], one)
        self._waiting = self._waiting[1:]
        self.found += 1
