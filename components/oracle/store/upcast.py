"""Reading what was stored with an older layout as the layout of today.

A field keeps its name; it may have become wider, moved, or be new, and a new one is zero in what
is older.  Spare room (a field named ``reserved…``) may go, as it holds nothing.  A change that
would lose something, or that only a person can judge, is no upcast and is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.oracle.store import dtype_text
from components.oracle.store.errors import JournalLayoutError


def require(stream: str, where: str, stored: np.dtype, wanted: np.dtype) -> None:
    """JournalLayoutError, which names both, unless ``upcast`` can do it."""
    problem = _problem(stored, wanted)
    if problem:
        raise JournalLayoutError(
            f"stream {stream} of the journal {where} was stored with another layout: {problem}.\n"
            f"stored: {dtype_text.to_words(stored)}\n"
            f"asked:  {dtype_text.to_words(wanted)}"
        )


def upcast(events: NDArray[Any], wanted: np.dtype) -> NDArray[Any]:
    """The events in the layout ``wanted``; the very same array if they have it already."""
    if events.dtype == wanted and events.dtype.isalignedstruct == wanted.isalignedstruct:
        return events
    result = np.zeros(len(events), wanted)
    for name in events.dtype.names or ():
        if name in (wanted.names or ()):
            result[name] = events[name]
    return result


def _problem(stored: np.dtype, wanted: np.dtype) -> str | None:
    if stored.fields is None or wanted.fields is None:
        return None if stored == wanted else "only layouts with named fields can be carried over"
    for name, (kind, *_) in stored.fields.items():
        if name not in wanted.fields:
            if name.startswith("reserved"):
                continue
            return f"the field {name} is gone"
        now = wanted.fields[name][0]
        whole_numbers = kind.kind in "iu" and now.kind in "iu"
        if kind != now and not (whole_numbers and np.can_cast(kind, now, "safe")):
            return f"the field {name} was {kind.str} and cannot become {now.str} without loss"
    return None
