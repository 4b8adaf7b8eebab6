"""Walking a stream's records: every byte that leaves here has been proven by the chain.

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
            return layout.genesis()
        return follow(layout, _link_before(cursor, layout), *_item(cursor))


def walk(
    environment: lmdb.Environment, database: Any, layout: StreamLayout, link: Link
) -> Generator[tuple[Link, memoryview]]:
    """Each record after ``link``: the link that it makes, and its value.

    The value is a view that is valid until the next step.  A walk from the beginning also finds
    records that hide outside of the order.
    """
    walked = 0 if link.sequence == 0 else None
    more = True
    while more:
        with engine_errors(layout), environment.begin(buffers=True) as transaction:
            cursor = transaction.cursor(database)
            start = record.key_of(link.sequence + 1)
            more = cursor.set_range(start) if link.sequence else cursor.first()
            seen = 0
            while more and seen < RENEW_BYTES:
                key, value = _item(cursor)
                link = follow(layout, link, key, value)
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
) -> Iterator[tuple[int, NDArray[Any]]]:
    """The events ``first`` to ``last`` as arrays of some megabytes, each with its first sequence.

    Nothing is yielded of a record before its digest and its place in the chain are proven.
    """
    with engine_errors(layout), environment.begin(buffers=True) as transaction:
        link = _locate(transaction.cursor(database), layout, first)
    start = first
    while start <= last:
        link, chunk = _gather(environment, database, layout, link, start, last)
        yield start, chunk.view(dtype)
        start += len(chunk) // dtype.itemsize


def _gather(
    environment: lmdb.Environment,
    database: Any,
    layout: StreamLayout,
    link: Link,
    first: int,
    last: int,
) -> tuple[Link, NDArray[np.uint8]]:
    """Copy the records after ``link`` until there is a chunk of them, or ``last`` is reached."""
    parts: list[NDArray[np.uint8]] = []
    size = layout.itemsize
    gathered = 0
    with closing(walk(environment, database, layout, link)) as records:
        for now, value in records:
            body = np.frombuffer(value, np.uint8, offset=record.HEADER_BYTES)
            begin = max(first - link.sequence - 1, 0)
            end = min(last, now.sequence) - link.sequence
            parts.append(body[begin * size : end * size].copy())
            gathered += parts[-1].nbytes
            link = now
            if gathered >= CHUNK_BYTES or now.sequence >= last:
                return link, parts[0] if len(parts) == 1 else np.concatenate(parts)
    raise JournalCorruptError(
        f"stream {layout.name} ends at sequence {link.sequence}, expected {last}"
    )


def _item(cursor: lmdb.Cursor) -> tuple[memoryview, memoryview]:
    key, value = cursor.item()
    return memoryview(key), memoryview(value)


def _link_before(cursor: lmdb.Cursor, layout: StreamLayout) -> Link:
    """The link that the record before the cursor's makes, by its header; the cursor stays."""
    here = record.sequence_of(memoryview(cursor.key()))
    if not cursor.prev():
        cursor.first()
        return layout.genesis()
    header = record.parse(memoryview(cursor.value()))
    cursor.set_key(record.key_of(here))
    return Link(header.last_sequence, header.digest, header.last_ts, header.commit)


def _locate(cursor: lmdb.Cursor, layout: StreamLayout, sequence: int) -> Link:
    """The link in front of the record that holds ``sequence``."""
    key = record.key_of(sequence)
    found = cursor.set_range(key)
    if not (found and record.sequence_of(memoryview(cursor.key())) == sequence):
        found = cursor.prev() if found else cursor.last()
    if not found:
        raise JournalCorruptError(f"stream {layout.name} has no record with sequence {sequence}")
    return _link_before(cursor, layout)


def _check_entries(
    transaction: lmdb.Transaction, database: Any, layout: StreamLayout, walked: int
) -> None:
    entries = transaction.stat(database)["entries"]
    if entries != walked:
        raise JournalCorruptError(
            f"stream {layout.name} has {walked} records in order, but counts {entries}"
        )
