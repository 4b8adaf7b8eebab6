"""A table that one process publishes whole and any other copies whole, never torn.

For state that readers want as of one moment and may skip versions of: the accounts' risk, the top
of the book, the latest liquidations.  The writer never waits; a reader copies and then checks.

    byte 64    capacity in records    72 bytes of a record    80 bytes of the dtype's text
       128     writing, published, records in slot 0, records in slot 1        (int64 each)
       192     slot 0: capacity records; slot 1: capacity records; the dtype's text

Publication n lives in slot n & 1.  The writer announces n in ``writing``, fills the slot, and
stores n to ``published``; a reader copies the published slot and accepts its copy if ``writing``
is at most one further, for only publication n + 2 touches that slot again.  Hence it is a seqlock
with two places: a reader tries again only if the writer ran through a whole publication and began
another during one copy.

If the writer dies between any two lines, ``published`` still names a complete slot, and readers
go on with it.  A restarted writer attaches and takes the same number again: the half-filled slot
is not the published one.  (A plain seqlock would leave its counter odd and its readers spinning.)
"""

from __future__ import annotations

import ast
from typing import Any, Final

import numpy as np
from numpy.lib.format import descr_to_dtype, dtype_to_descr
from numpy.typing import DTypeLike, NDArray

from disruptor.compiled import compiled
from disruptor.errors import LayoutMismatchError, WaitTimeoutError
from disruptor.memory.atomics import fence, load_acquire, load_relaxed, store_relaxed, store_release
from disruptor.memory.segment import Segment

KIND: Final = "snapshot_table"
LAYOUT_VERSION: Final = 1
CONTROL_OFFSET: Final = 128
SLOTS_OFFSET: Final = 192
COPY_ATTEMPTS: Final = 1000

_WRITING = 0
_PUBLISHED = 1
_COUNT = 2

Control = NDArray[np.int64]


class SnapshotTable:
    """At most ``capacity`` records of one dtype.

    Compiled writers use ``control`` and ``slots`` (shape (2, capacity)) with ``begin`` and
    ``finish`` of this module, and so fill the shared records without a copy.
    """

    def __init__(self, segment: Segment, dtype: np.dtype[Any], capacity: int) -> None:
        self._segment = segment
        self.dtype = dtype
        self.capacity = capacity
        self.control: Control = segment.array(np.int64, 4, CONTROL_OFFSET)
        records = segment.array(dtype, 2 * capacity, SLOTS_OFFSET)
        self.slots: NDArray[Any] = records.reshape(2, capacity)

    @classmethod
    def create(cls, name: str, dtype: DTypeLike, capacity: int) -> SnapshotTable:
        """Allocate the table, with nothing published; raises SegmentError."""
        layout = np.dtype(dtype)
        text = repr(dtype_to_descr(layout)).encode()
        text_offset = SLOTS_OFFSET + 2 * capacity * layout.itemsize
        segment = Segment.create(name, KIND, LAYOUT_VERSION, text_offset + len(text))
        segment.array(np.int64, 3, 64)[:] = capacity, layout.itemsize, len(text)
        segment.array(np.uint8, len(text), text_offset)[:] = np.frombuffer(text, np.uint8)
        table = cls(segment, layout, capacity)
        segment.publish()
        return table

    @classmethod
    def attach(cls, name: str, dtype: DTypeLike | None = None) -> SnapshotTable:
        """Map an existing table, of ``dtype`` if given; raises SegmentError, or
        LayoutMismatchError when its records differ."""
        segment = Segment.attach(name, KIND, LAYOUT_VERSION)
        capacity, record_bytes, text_bytes = (int(n) for n in segment.array(np.int64, 3, 64))
        text_offset = SLOTS_OFFSET + 2 * capacity * record_bytes
        text = segment.array(np.uint8, text_bytes, text_offset).tobytes().decode()
        found = descr_to_dtype(ast.literal_eval(text))
        expected = found if dtype is None else np.dtype(dtype)
        if found != expected:
            segment.close()
            raise LayoutMismatchError(
                f"shared memory {name!r} holds records of {found}; expected {expected}"
            )
        return cls(segment, expected, capacity)

    @property
    def name(self) -> str:
        """The segment's name."""
        return self._segment.name

    def publish(self, records: NDArray[Any]) -> None:
        """Replace what readers see by a copy of ``records``.  One writing process alone;
        ValueError when there are more than ``capacity``."""
        if len(records) > self.capacity:
            raise ValueError(f"{self.name}: {len(records)} records, capacity={self.capacity}")
        slot = begin(self.control)
        self.slots[slot, : len(records)] = records
        finish(self.control, len(records))

    def publication(self) -> int:
        """The number of the newest publication, 0 before the first; any process."""
        return int(_published(self.control))

    def copy(self) -> NDArray[Any]:
        """The newest publication, shape (records,), empty before the first; any process.

        Raises WaitTimeoutError when the writer published faster than ``COPY_ATTEMPTS`` copies.
        """
        for _ in range(COPY_ATTEMPTS):
            number = int(_published(self.control))
            slot = number & 1
            count = int(self.control[_COUNT + slot]) if number else 0
            copied: NDArray[Any] = self.slots[slot, :count].copy()
            if _is_intact(self.control, number):
                return copied
        raise WaitTimeoutError(
            f"{self.name} is published faster than its {self.capacity} records can be copied; "
            "publish it less often"
        )

    def close(self) -> None:
        """Drop this process's mapping; ``control`` and ``slots`` must not be used afterwards."""
        self.control = np.empty(0, np.int64)
        self.slots = np.empty((2, 0), self.dtype)
        self._segment.close()

    def unlink(self) -> None:
        """Remove the name; the owner's duty."""
        self._segment.unlink()


@compiled
def begin(control: Control) -> int:
    """Announce the next publication; the slot to fill.  The writer alone."""
    number = load_relaxed(control, _PUBLISHED) + 1
    store_relaxed(control, _WRITING, number)
    # fence: pairs with the one in _is_intact; a reader that sees any of the records that follow
    # also sees the announcement.
    fence()
    return number & 1


@compiled
def finish(control: Control, count: int) -> None:
    """Publish the first ``count`` records of the slot that ``begin`` gave.  The writer alone."""
    number = load_relaxed(control, _WRITING)
    control[_COUNT + (number & 1)] = count
    # release: pairs with _published; the records and their count are readable after it.
    store_release(control, _PUBLISHED, number)


@compiled
def _published(control: Control) -> int:
    return load_acquire(control, _PUBLISHED)


@compiled
def _is_intact(control: Control, number: int) -> bool:
    # fence: pairs with the one in begin; all loads of the copy are done before this one.
    fence()
    return load_relaxed(control, _WRITING) <= number + 1
