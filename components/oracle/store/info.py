"""What a journal holds, told from its first and last records without reading what is between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lmdb
import numpy as np

from components.oracle.store import reading, record
from components.oracle.store.chain import StreamLayout


@dataclass(frozen=True)
class StreamInfo:
    """One stream; sequences and timestamps are 0 while it is empty."""

    name: str
    records: int
    count: int
    first_sequence: int
    last_sequence: int
    first_ts: int
    last_ts: int  # the largest so far
    size_bytes: int
    head: bytes
    dtype: np.dtype


@dataclass(frozen=True)
class JournalInfo:
    """All streams, as of one commit."""

    path: str
    format_version: int
    created_ns: int
    commit: int
    size_bytes: int
    streams: tuple[StreamInfo, ...]


def stream_info(
    transaction: lmdb.Transaction, database: Any, layout: StreamLayout, dtype: np.dtype
) -> StreamInfo:
    """Tell one stream, within a read transaction that gives views."""
    link = reading.last_link(transaction, database, layout)
    first_ts = 0
    with reading.engine_errors(layout):
        cursor = transaction.cursor(database)
        if cursor.first():
            first_ts = record.parse(memoryview(cursor.value())).first_ts
        records = transaction.stat(database)["entries"]
    return StreamInfo(
        name=layout.name,
        records=records,
        count=link.sequence,
        first_sequence=1 if link.sequence else 0,
        last_sequence=link.sequence,
        first_ts=first_ts,
        last_ts=link.last_ts,
        size_bytes=link.sequence * layout.itemsize,
        head=link.digest,
        dtype=dtype,
    )
