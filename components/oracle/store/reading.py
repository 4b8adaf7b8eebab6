"""Walking a stream's records within one segment: every byte that leaves here has been proven by
the chain.  segments.py and journal.py put the segments together.

Read transactions are short.  One that stays open keeps LMDB from reusing any page freed since, so
that each commit beside it makes the file grow; therefore a walk renews its transaction every few
megabytes, and what is handed out is a copy that stays valid for ever.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import lmdb
import numpy as np
from numpy.typing import NDArray

from components.oracle.store import record
from components.oracle.store.chain import Link, StreamLayout, follow
from components.oracle.store.errors import JournalCorruptError

RENEW_BYTES: Final = 16 << 20
CHUNK_BYTES: Final = 4 << 20


@contextmanager
def engine_errors(layout: StreamLayout) -> Iterator[None]:
    """LMDB's own complaints about a stream, as ours."""
    try:
        yield
    except lmdb.Error as error:
        raise JournalCorruptError(f"stream {layout.name}: LMDB cannot read it: {error}") from None


def last_link(transaction: lmdb.Transaction, database: Any, layout: StreamLayout) -> Link:
    """Where the stream ends, by its last record, whose bytes are proven."""
    with engine_errors(layout):
        cursor = transaction.cursor(database)
        if not cursor.last():
            return layout.start()
        return follow(layout, _link_before(cursor, layout), *_item(cursor))


def walk(
    environment: lmdb.Environment, database: Any, layout: StreamLayout, link: Link
) -> Generator[tuple[Link, memoryview]]:
    """Each record after ``link``: the link that it makes, and its value.

    The value is a view that is valid until the next step.  A walk from the beginning also finds
    records that hide outside of the order.
    """
    begins = link.sequence == layout.start().sequence
    walked = 0 if begins else None
    more = True
    while more:
        with engine_errors(layout), environment.begin(buffers=True) as transaction:
            cursor = transaction.cursor(database)
            start = record.key_of(link.sequence + 1)
            more = cursor.first() if begins else cursor.set_range(start)
            seen = 0
            while more and seen < RENEW_BYTES:
                key, value = _item(cursor)
                link = follow(layout, link, key, value)
                begins = False
                yield link, value
                seen += len(value)
                walked = None if walked is None else walked + 1
                more = cursor.next()
            if not more and walked is not None:
                _check_entries(transaction, database, layout, walked)


def read(
    environment: lmdb.Environment,
    database: Any,
    layout: StreamLayout,
    dtype: np.dtype,
    first: int,
    last: int,
    buffers: int = 0,
) -> Iterator[tuple[int, NDArray[Any]]]:
    """The events ``first`` to ``last`` as arrays of some megabytes, each with its first sequence.

    Nothing is yielded of a record before its digest and its place in the chain are proven.  With
    ``buffers`` the arrays take turns in so many buffers, and each is valid until as many more were
    taken: memory that was touched before takes a copy fifteen times as fast as new memory.
    """
    with engine_errors(layout), environment.begin(buffers=True) as transaction:
        link = link_in_front(transaction.cursor(database), layout, first)
    kept = [np.empty(0, np.uint8)] * buffers
    start = first
    turn = 0
    while start <= last:
        buffer = kept[turn] if kept else np.empty(0, np.uint8)
        link, chunk = _gather(environment, database, layout, link, start, last, buffer)
        if kept:
            kept[turn] = chunk if chunk.base is None else chunk.base
            turn = (turn + 1) % buffers
        yield start, chunk.view(dtype)
        start += len(chunk) // dtype.itemsize


def _gather(
    environment: lmdb.Environment,
    database: Any,
    layout: StreamLayout,
    link: Link,
    first: int,
    last: int,
    buffer: NDArray[np.uint8],
) -> tuple[Link, NDArray[np.uint8]]:
    """Copy the records after ``link`` until there is a chunk of them, or ``last`` is reached.

    The copy begins ``buffer``, or a larger array if that is too small.
    """
    size = layout.itemsize
    filled = 0
    room = buffer.data
    with closing(walk(environment, database, layout, link)) as records:
        for now, value in records:
            begin = max(first - link.sequence - 1, 0)
            end = min(last, now.sequence) - link.sequence
            length = (end - begin) * size
            if filled + length > len(room):
                asked = min((last - first + 1) * size, CHUNK_BYTES + 2 * len(value))
                buffer = _enlarged(buffer, filled, max(asked, filled + length))
                room = buffer.data
            body = record.HEADER_BYTES + begin * size
            room[filled : filled + length] = value[body : body + length]
            filled += length
            link = now
            if filled >= CHUNK_BYTES or now.sequence >= last:
                return link, buffer[:filled]
    raise JournalCorruptError(
        f"stream {layout.name} ends at sequence {link.sequence}, expected {last}"
    )


def _enlarged(buffer: NDArray[np.uint8], filled: int, size: int) -> NDArray[np.uint8]:
    larger = np.empty(size, np.uint8)
    larger[:filled] = buffer[:filled]
    return larger


def _item(cursor: lmdb.Cursor) -> tuple[memoryview, memoryview]:
    key, value = cursor.item()
    return memoryview(key), memoryview(value)


def _link_before(cursor: lmdb.Cursor, layout: StreamLayout) -> Link:
    """The link that the record before the cursor's makes, by its header; the cursor stays."""
    here = record.sequence_of(memoryview(cursor.key()))
    if not cursor.prev():
        cursor.first()
        return layout.start()
    header = record.parse(memoryview(cursor.value()))
    cursor.set_key(record.key_of(here))
    return Link(header.last_sequence, header.digest, header.last_ts, header.commit)


def link_in_front(cursor: lmdb.Cursor, layout: StreamLayout, sequence: int) -> Link:
    """The link in front of the record that holds ``sequence``."""
    _stand_on(cursor, layout, sequence)
    return _link_before(cursor, layout)


def _stand_on(cursor: lmdb.Cursor, layout: StreamLayout, sequence: int) -> None:
    key = record.key_of(sequence)
    found = cursor.set_range(key)
    if not (found and record.sequence_of(memoryview(cursor.key())) == sequence):
        found = cursor.prev() if found else cursor.last()
    if not found:
        raise JournalCorruptError(f"stream {layout.name} has no record with sequence {sequence}")


def _check_entries(
    transaction: lmdb.Transaction, database: Any, layout: StreamLayout, walked: int
) -> None:
    entries = transaction.stat(database)["entries"]
    if entries != walked:
        raise JournalCorruptError(
            f"stream {layout.name} has {walked} records in order, but counts {entries}"
        )


def end_by_time(
    environment: lmdb.Environment,
    database: Any,
    layout: StreamLayout,
    dtype: np.dtype,
    ts: int,
) -> int:
    """The last sequence whose time is at most ``ts``; an event's time is the largest so far.

    Looks at the headers of about log2(records) records and proves the one where it ends.
    """
    with engine_errors(layout), environment.begin(buffers=True) as transaction:
        low, high = layout.start().sequence, last_link(transaction, database, layout).sequence
        cursor = transaction.cursor(database)
        past: record.RecordHeader | None = None
        while low < high:
            header = _header_with(cursor, layout, (low + high + 1) // 2)
            if header.last_ts <= ts:
                low = header.last_sequence
            else:
                high = header.first_sequence - 1
                past = header
        if past is None:
            return low
        before = link_in_front(cursor, layout, low + 1).last_ts
    ((_, events),) = read(environment, database, layout, dtype, low + 1, past.last_sequence)
    times = np.maximum.accumulate(np.maximum(events["ts"], before))
    return low + int(np.searchsorted(times, ts, side="right"))


def _header_with(cursor: lmdb.Cursor, layout: StreamLayout, sequence: int) -> record.RecordHeader:
    """The header of the record that holds ``sequence``; the cursor stands on it."""
    _stand_on(cursor, layout, sequence)
    return record.parse(memoryview(cursor.value()))
