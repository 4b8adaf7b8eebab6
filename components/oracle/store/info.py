"""What a journal holds, told from its first and last records without reading what is between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.oracle.store import dtype_text
from components.oracle.store.chain import StreamLayout
from components.oracle.store.manifest import StreamPart


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
class SegmentInfo:
    """One segment: where it lies, what it holds of each stream, whether it can still grow."""

    name: str
    sealed: bool
    size_bytes: int
    first_sequences: dict[str, int]  # the first one after those of earlier segments
    last_sequences: dict[str, int]


@dataclass(frozen=True)
class JournalInfo:
    """All streams, as of one commit."""

    path: str
    format_version: int
    created_ns: int
    commit: int
    size_bytes: int
    streams: tuple[StreamInfo, ...]
    segments: tuple[SegmentInfo, ...]


def stream_info(name: str, parts: Sequence[StreamPart], layout: StreamLayout) -> StreamInfo:
    """Tell one stream from its parts, one for each segment, in order."""
    begin, end = parts[0].begin, parts[-1].end
    first_ts = next((part.first_ts for part in parts if part.records), 0)
    return StreamInfo(
        name=name,
        records=sum(part.records for part in parts),
        count=end.sequence - begin.sequence,
        first_sequence=begin.sequence + 1 if end.sequence > begin.sequence else 0,
        last_sequence=end.sequence,
        first_ts=first_ts,
        last_ts=end.last_ts,
        size_bytes=(end.sequence - begin.sequence) * layout.itemsize,
        head=end.digest,
        dtype=dtype_text.from_text(layout.text),
    )
