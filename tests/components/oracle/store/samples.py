"""Two small layouts, and arrays whose content says which sequence each event has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.oracle.store import Journal

ORDER = np.dtype([("ts", "<i8"), ("number", "<i8"), ("kind", "u1")], align=True)
PLAIN = np.dtype([("number", "<i8"), ("half", "<f4"), ("pair", "<u2", (2,))])
STREAMS = {"orders": ORDER, "plain": PLAIN}


def orders(first: int, count: int) -> NDArray[Any]:
    """Events ``first`` and on; each number is its sequence, each time ten times that."""
    events = np.zeros(count, ORDER)
    events["number"] = np.arange(first, first + count)
    events["ts"] = events["number"] * 10
    events["kind"] = events["number"] % 251
    return events


def plain(first: int, count: int) -> NDArray[Any]:
    """Events without a timestamp; each number is its sequence."""
    events = np.zeros(count, PLAIN)
    events["number"] = np.arange(first, first + count)
    events["pair"] = 7
    return events


def fill(path: Path, batches: int, size: int = 10, **options: Any) -> None:
    """Write or continue a journal of both streams, ``batches`` appends of ``size`` events."""
    with Journal.open_writer(path, STREAMS, **options) as journal:
        for _ in range(batches):
            append(journal, size)


def append(journal: Journal, size: int = 10) -> None:
    """One append of both streams."""
    first = journal.last_sequence("orders") + 1
    other = journal.last_sequence("plain") + 1
    journal.append(
        [("orders", first, [orders(first, size)]), ("plain", other, [plain(other, size)])]
    )


def contents(journal: Journal, stream: str) -> NDArray[Any]:
    """All events of a stream, as one array."""
    chunks = [chunk for _, chunk in journal.read(stream)]
    return np.concatenate(chunks) if chunks else np.zeros(0, journal.dtype(stream))


def is_prefix_of_what_was_written(journal: Journal) -> bool:
    """Whether both streams hold exactly what ``append`` writes, up to wherever they end."""
    found, other = contents(journal, "orders"), contents(journal, "plain")
    return bool((found == orders(1, len(found))).all() and (other == plain(1, len(other))).all())
