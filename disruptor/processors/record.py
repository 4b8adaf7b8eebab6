"""Events as a Python handler sees them one by one: views of slots with fast fields.

A numpy scalar of a structured dtype takes some 280 ns to give one field.  A ``ctypes`` structure
over the same memory takes 40 (``event.price``) to 70 (``event["price"]``) and gives plain Python
numbers, so each slot gets one, made once and used in every lap.  Fields that a structure cannot
hold as they are (bytes, sub-arrays, nested records, foreign byte order) go through numpy.

Names and meanings are those of compiled handlers, which read the same slots as numba records:
both ``event.price`` and ``event["price"]``, for reading and for writing.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RECORDS_MAX: Final = 2**16
"""Larger rings get their records anew for each batch: kept, they would take 150 bytes a slot."""

_SCALARS: Final[dict[str, Any]] = {
    np.dtype(kind).str: kind_of
    for kind, kind_of in (
        (np.bool_, ctypes.c_bool),
        (np.int8, ctypes.c_int8),
        (np.uint8, ctypes.c_uint8),
        (np.int16, ctypes.c_int16),
        (np.uint16, ctypes.c_uint16),
        (np.int32, ctypes.c_int32),
        (np.uint32, ctypes.c_uint32),
        (np.int64, ctypes.c_int64),
        (np.uint64, ctypes.c_uint64),
        (np.float32, ctypes.c_float),
        (np.float64, ctypes.c_double),
    )
}


class _Record(ctypes.Structure):
    """Base of all records."""

    __slots__ = ()
    __getitem__ = ctypes.Structure.__getattribute__
    __setitem__ = ctypes.Structure.__setattr__


@functools.lru_cache(maxsize=256)
def record_class(event: np.dtype[Any]) -> Any:
    """The structure whose instances lie over slots of this structured dtype."""
    assert event.fields is not None, "records are of structured dtypes"
    layout: list[tuple[str, Any]] = []
    slow: dict[str, Any] = {}
    end = 0
    for name, (kind, offset, *_) in sorted(event.fields.items(), key=lambda item: item[1][1]):
        scalar = _SCALARS.get(kind.str) if kind.subdtype is None else None
        if scalar is None or offset < end:
            slow[name] = _through_numpy(event, name)
            continue
        if offset > end:
            layout.append((f"({end})", ctypes.c_byte * (offset - end)))
        layout.append((name, scalar))
        end = offset + kind.itemsize
    if event.itemsize > end:
        layout.append((f"({end})", ctypes.c_byte * (event.itemsize - end)))
    body = {"__slots__": (), "_pack_": 1, "_fields_": layout, **slow}
    made: Any = type("Record", (_Record,), body)
    assert ctypes.sizeof(made) == event.itemsize
    return made


def _through_numpy(event: np.dtype[Any], name: str) -> property:
    def read(record: Any) -> Any:
        return np.frombuffer(record, event, 1)[name][0]

    def write(record: Any, value: Any) -> None:
        np.frombuffer(record, event, 1)[name][0] = value

    return property(read, write)


def records_of(events: NDArray[Any]) -> list[Any]:
    """A record over each element of an array; of a dtype without fields, the values themselves."""
    if events.dtype.fields is None:
        return list(events)
    size, over = events.dtype.itemsize, record_class(events.dtype).from_buffer
    memory = events.view(np.uint8)  # dates could not be had as a buffer
    return [over(memory, at * size) for at in range(len(events))]


class Records:
    """The slots of one ring as records; for one thread."""

    def __init__(self, slots: NDArray[Any]) -> None:
        self._slots = slots
        self._mask = len(slots) - 1
        self._kept: list[Any] = []
        if slots.dtype.fields is not None and len(slots) <= RECORDS_MAX:
            self._kept = records_of(slots)

    def between(self, low: int, high: int) -> list[Any]:
        """One record for each of the sequences low … high, a ring's length at most.

        Of a dtype without fields, the values themselves.
        """
        start, end = low & self._mask, (high & self._mask) + 1
        take = self._slice if self._kept else self._made
        if start < end:
            return take(start, end)
        return take(start, self._mask + 1) + take(0, end)

    def _slice(self, start: int, end: int) -> list[Any]:
        return self._kept[start:end]

    def _made(self, start: int, end: int) -> list[Any]:
        return records_of(self._slots[start:end])
