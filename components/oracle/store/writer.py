"""The writing half of a journal: group commit, when it is synced, and what happens if that fails.

One ``append`` is one LMDB transaction.  The body of each record is gathered into a buffer that is
kept for the next one, hashed there, and put from there.

When the segment has reached its size, or LMDB's map is full, the writer rolls to the next one and
appends there what did not fit: no gap, no duplicate.

After any other error of a write or a sync the writer is finished.  The kernel may have dropped the
pages that it could not write and marked them clean, so a second fsync that succeeds proves
nothing; only reading the file again, in a new start, tells what is on disk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NoReturn

import lmdb
import numpy as np
from numpy.typing import NDArray

from components.oracle.store import record, watermark
from components.oracle.store.chain import Link, StreamLayout
from components.oracle.store.errors import JournalError, JournalWriteError
from components.oracle.store.segments import Segments, WriteOptions

Batch = tuple[str, int, list[NDArray[Any]]]
"""A stream's name, the sequence of the first event, and arrays that follow each other."""

SyncMode = Literal["commit", "interval", "off"]
SYNC_MODES: Final = ("commit", "interval", "off")

APPEND_BYTES_MAX: Final = 256 << 20
"""LMDB slows down by orders of magnitude when one transaction touches more than 512 MiB."""


class _Tail:
    """The end of one stream, where records are made."""

    def __init__(self, layout: StreamLayout, dtype: np.dtype, link: Link) -> None:
        self.layout = layout
        self.dtype = dtype
        self.link = link
        self.durable_sequence = link.sequence
        self._has_time = bool(dtype.fields and dtype.fields.get("ts", (None,))[0] == np.int64)
        self._buffer = np.zeros(0, np.uint8)

    def check(self, first: int, arrays: Sequence[NDArray[Any]]) -> int:
        """The bytes of a batch; ValueError if it cannot follow what is stored."""
        name = self.layout.name
        if first != self.link.sequence + 1:
            raise ValueError(
                f"stream {name} ends at sequence {self.link.sequence}, "
                f"so the next batch starts at {self.link.sequence + 1}, not at {first}"
            )
        for array in arrays:
            if array.dtype != self.dtype or array.ndim != 1:
                raise ValueError(
                    f"stream {name} takes one-dimensional arrays of {self.dtype}, "
                    f"found {array.ndim} dimensions of {array.dtype}"
                )
        return sum(array.nbytes for array in arrays)

    def seal(self, arrays: Sequence[NDArray[Any]], commit: int) -> tuple[bytes, memoryview, Link]:
        """Make the next record: its key, its value (valid until the next call), its link."""
        size = record.HEADER_BYTES + sum(array.nbytes for array in arrays)
        if size > len(self._buffer):
            self._buffer = np.zeros(1 << (size - 1).bit_length(), np.uint8)
        end = record.HEADER_BYTES
        for array in arrays:
            flat = np.ascontiguousarray(array).view(np.uint8)
            self._buffer[end : end + len(flat)] = flat
            end += len(flat)
        events = self._buffer[record.HEADER_BYTES : size].view(self.dtype)
        first_ts, last_ts = 0, 0
        if self._has_time:
            first_ts = int(events["ts"][0])
            last_ts = max(self.link.last_ts, int(events["ts"].max()))
        header = record.RecordHeader(
            stream=self.layout.name,
            first_sequence=self.link.sequence + 1,
            count=len(events),
            first_ts=first_ts,
            last_ts=last_ts,
            commit=commit,
            layout=self.layout.fingerprint,
            previous=self.link.digest,
        )
        value = self._buffer[:size].data
        digest = record.seal(value, header)
        link = Link(header.last_sequence, digest, last_ts, commit)
        return record.key_of(header.first_sequence), value, link


class Writer:
    """Appends to segments whose chains were proven; owned by one thread of one process."""

    def __init__(
        self,
        segments: Segments,
        dtypes: Mapping[str, np.dtype],
        links: Mapping[str, Link],
        sync: SyncMode,
        interval_ms: int,
        segment_bytes: int,
        options: WriteOptions,
    ) -> None:
        self._directory = segments.directory
        self._segments = segments
        self._segment_bytes = segment_bytes
        self._options = options
        self._use_active()
        self._tails = {
            name: _Tail(layout, dtypes[name], links[name])
            for name, layout in segments.active.layouts.items()
        }
        self._mode = sync
        self._interval_ns = interval_ms * 1_000_000
        self._pid = os.getpid()
        self._failure: str | None = None
        self._mark_file = watermark.WatermarkFile(self._directory)
        with self._engine.begin() as transaction:
            self._committed = self._tables.proven_commit(transaction)
        self._durable = 0
        self._synced_ns = 0
        self._sync_now()

    def link(self, stream: str) -> Link:
        """Where the stream stands."""
        return self._tails[stream].link

    @property
    def begins_segment(self) -> bool:
        """Whether the next append is the first of a segment."""
        return self._is_full() or self._is_empty()

    def durable_sequence(self, stream: str) -> int:
        """Up to which sequence a power failure would lose nothing."""
        return self._tails[stream].durable_sequence

    def append(self, batches: Sequence[Batch]) -> None:
        """Commit all batches in one transaction, or nothing; see ``Journal.append``."""
        self._require_usable()
        pending = [batch for batch in batches if any(len(array) for array in batch[2])]
        if not pending:
            return
        self._check(pending)
        if self._is_full():
            self._roll()
        try:
            try:
                commit, links = self._put(pending)
            except lmdb.MapFullError:
                if not self._roll():
                    raise
                commit, links = self._put(pending)
        except lmdb.Error as error:
            self._fail("could not append", error)
        self._committed = commit
        for name, link in links.items():
            self._tails[name].link = link
        if self._mode == "commit":
            self._note_durable()
        self._write_mark()
        self.sync_if_due()

    def sync(self) -> None:
        """Put everything that was appended on disk."""
        self._require_usable()
        if self._durable != self._committed:
            self._sync_now()

    def sync_if_due(self) -> None:
        """With ``interval``, sync if it has passed and there is something to sync."""
        pending = self._mode == "interval" and self._durable != self._committed
        if pending and time.monotonic_ns() - self._synced_ns >= self._interval_ns:
            self._sync_now()

    def close(self) -> None:
        """Sync what is not yet durable, and close the watermark."""
        try:
            if self._failure is None and self._pid == os.getpid():
                self.sync()
        finally:
            self._mark_file.close()

    def _put(self, pending: Sequence[Batch]) -> tuple[int, dict[str, Link]]:
        """All batches in one transaction; its number, and where the streams stand after it."""
        links: dict[str, Link] = {}
        with self._engine.begin(write=True) as transaction:
            commit = self._tables.note_commit(transaction)
            for name, first, arrays in pending:
                key, value, links[name] = self._tails[name].seal(arrays, commit)
                cursor = transaction.cursor(self._tables.streams[name])
                counts = cursor.putmulti([(key, value)], append=True)
                if counts != (1, 1):
                    raise lmdb.Error(f"record {first} of {name} was not taken: {counts}")
        return commit, links

    def _roll(self) -> bool:
        """Begin the next segment; False if this one holds nothing, so that it would not help."""
        if self._is_empty():
            return False
        self.sync()
        try:
            self._segments.roll(self._segments.active.format.layouts, self._options)
        except (lmdb.Error, JournalError) as error:
            self._fail("could not begin the next segment", error)
        self._use_active()
        with self._engine.begin() as transaction:
            self._committed = self._tables.proven_commit(transaction)
        self._note_durable()
        self._write_mark()
        return True

    def _is_full(self) -> bool:
        return self._segments.active.used_bytes() >= self._segment_bytes

    def _is_empty(self) -> bool:
        begin = self._segments.active.layouts
        return all(tail.link == begin[name].start() for name, tail in self._tails.items())

    def _use_active(self) -> None:
        self._engine = self._segments.active.engine
        self._tables = self._segments.active.tables

    def _check(self, pending: Sequence[Batch]) -> None:
        names = [name for name, _, _ in pending]
        unknown = [name for name in names if name not in self._tails]
        if unknown or len(set(names)) != len(names):
            raise ValueError(f"each of {', '.join(self._tails)} at most once, found {names}")
        size = sum(self._tails[name].check(first, arrays) for name, first, arrays in pending)
        if size > APPEND_BYTES_MAX:
            raise ValueError(f"one append takes at most {APPEND_BYTES_MAX} bytes, found {size}")

    def _sync_now(self) -> None:
        try:
            self._engine.sync(True)
        except lmdb.Error as error:
            self._fail("could not sync", error)
        self._synced_ns = time.monotonic_ns()
        self._note_durable()
        self._write_mark()

    def _note_durable(self) -> None:
        self._durable = self._committed
        for tail in self._tails.values():
            tail.durable_sequence = tail.link.sequence

    def _write_mark(self) -> None:
        streams = {
            name: watermark.StreamMark(tail.link.sequence, tail.durable_sequence, tail.link.digest)
            for name, tail in self._tails.items()
        }
        try:
            self._mark_file.write(watermark.Watermark(self._committed, self._durable, streams))
        except OSError as error:
            self._fail("could not write the watermark", error)

    def _require_usable(self) -> None:
        if self._failure is not None:
            raise JournalWriteError(f"the journal takes no more, as it {self._failure}")
        if self._pid != os.getpid():
            raise JournalError(
                f"the journal {self._directory} was opened by process {self._pid}; "
                "open it anew after a fork"
            )

    def _fail(self, what: str, error: Exception) -> NoReturn:
        self._failure = f"{what}: {error}"
        raise JournalWriteError(
            f"the journal {self._directory} {self._failure}; nothing of it was kept or "
            "acknowledged. Make room or mend the disk, then start again"
        ) from error
