"""The journal: streams of fixed-size events, appended in groups, read by any number of processes.

One writer (``open_writer``) and many readers (``open_reader``), in processes of their own: LMDB
allows one handle on a file in a process, and none may be carried across a fork.  All streams of
one ``append`` are committed in one transaction, so that a crash leaves all of it or nothing.

When is an event durable?  ``sync`` decides, and ``durable_sequence`` tells:

    commit      when ``append`` returns; the file is whole after a power failure
    interval    ``interval_ms`` later, if the writer keeps appending or calls ``sync_if_due``.
                A killed process loses nothing.  A machine that stops may lose what was not yet
                synced and, as the kernel writes pages in any order, leave a file that only a
                backup replaces; that is found and refused, never misread
    off         at ``sync`` and ``close`` only; the same risk, for longer

The layers below: segments.py (the files), environment.py (LMDB), record.py (the bytes of a batch),
chain.py (what proves them), reading.py, writer.py, recovery.py (start-up), manifest.py,
upcast.py, watermark.py, writer_lock.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.oracle.store import (
    dtype_text,
    environment,
    reading,
    record,
    recovery,
    segments,
    upcast,
    watermark,
    writer_lock,
)
from components.oracle.store.chain import Link
from components.oracle.store.errors import JournalError
from components.oracle.store.info import JournalInfo, SegmentInfo, stream_info
from components.oracle.store.manifest import StreamPart
from components.oracle.store.segments import Place, Segments, WriteOptions
from components.oracle.store.writer import SYNC_MODES, Batch, SyncMode, Writer

SEGMENT_BYTES: Final = 1 << 30
_SEGMENT_BYTES_MIN: Final = 1 << 16


class Journal:
    """A journal opened by ``open_writer`` or ``open_reader``; used by the thread that opened it."""

    def __init__(self, found: Segments, streams: Mapping[str, np.dtype] | None = None) -> None:
        self.path: Final = found.directory
        self.notes: tuple[str, ...] = ()
        """What a writer found at start-up that a person should know; empty when all was well."""
        self._segments: Segments | None = found
        self._wanted = {name: np.dtype(dtype) for name, dtype in (streams or {}).items()}
        self._writer: Writer | None = None
        self._lock: writer_lock.WriterLock | None = None

    @classmethod
    def open_writer(
        cls,
        path: Path,
        streams: Mapping[str, np.dtype],
        *,
        sync: SyncMode = "commit",
        interval_ms: int = 100,
        segment_bytes: int = SEGMENT_BYTES,
        map_size_bytes: int = environment.MAP_SIZE_BYTES,
    ) -> Journal:
        """Create the journal, or continue it once recovery.py's table says that it may be.

        A stream that was stored with an older layout, which upcast.py can carry over, goes on with
        the one given, in a new segment.  ``segment_bytes``: a segment that has grown to this size
        is sealed, and the next one begun.

        Raises JournalLockedError if another process writes it, JournalCorruptError with the first
        bad record, JournalLayoutError if a stream was stored with a layout that does not fit.
        """
        _check_options(streams, sync, interval_ms, segment_bytes)
        directory = Path(path)
        environment.make_directory(directory)
        lock = writer_lock.WriterLock(directory)
        options = WriteOptions(sync == "commit", map_size_bytes)
        texts = {name: dtype_text.to_text(np.dtype(dtype)) for name, dtype in streams.items()}
        opened = None
        try:
            opened, notes = recovery.open_segments(directory, texts, options)
            recovery.require_fit(opened, texts)
            found = recovery.recover(opened)
            links = recovery.adopt_layouts(opened, texts, options)
            journal = cls(opened)
            journal.notes = (*notes, *found.notes)
            journal._writer = Writer(
                opened, opened.active.dtypes, links, sync, interval_ms, segment_bytes, options
            )
            journal._lock = lock
        except BaseException:
            if opened is not None:
                opened.close()
            lock.release()
            raise
        return journal

    @classmethod
    def open_reader(cls, path: Path, streams: Mapping[str, np.dtype] | None = None) -> Journal:
        """Open an existing journal for reading, also while a writer runs; takes no lock.

        With ``streams``, these are read in the layouts given, whatever they were stored with;
        JournalLayoutError if that is not possible.  JournalCorruptError if it does not reach as
        far as the watermark says that it did: LMDB shows an older state when its newest is damaged.
        """
        mark = watermark.read(Path(path))  # before the state, which only grows
        opened = Segments.open_reading(Path(path))
        try:
            if mark is not None:
                recovery.refuse_lost_end(opened, mark)
            texts = {
                name: dtype_text.to_text(np.dtype(each)) for name, each in (streams or {}).items()
            }
            recovery.require_fit(opened, texts)
        except BaseException:
            opened.close()
            raise
        return cls(opened, streams)

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of all streams."""
        return tuple(self._require_open().active.layouts)

    def dtype(self, stream: str) -> np.dtype:
        """The layout in which a stream's events are read: the one asked for, or the newest."""
        self._require_stream(stream)
        return self._wanted.get(stream, self._require_open().active.dtypes[stream])

    def append(self, batches: Sequence[Batch]) -> None:
        """Commit all batches in one transaction, or none of them.

        Each stream at most once; its first sequence must be the one after its last, its arrays of
        its dtype (ValueError otherwise, nothing changed).  With ``sync: commit`` all of it is on
        disk on return.  JournalWriteError: nothing of it was kept, and this journal takes no more.
        """
        self._require_writer().append(batches)

    @property
    def begins_segment(self) -> bool:
        """Whether what is appended next will be the first of a segment."""
        return self._require_writer().begins_segment

    def sync(self) -> None:
        """Put everything that was appended on disk; JournalWriteError if that fails, for good."""
        self._require_writer().sync()

    def sync_if_due(self) -> None:
        """With ``sync: interval``, sync if the interval has passed; cheap to call when idle."""
        self._require_writer().sync_if_due()

    def clear_dead_readers(self) -> int:
        """Give back the slots of readers that were killed; how many.

        A dead reader's snapshot keeps pages from being reused, so that the file grows.  Done at
        each opening; who keeps a journal open for long calls it now and then.
        """
        return int(self._require_open().active.engine.reader_check())

    def durable_sequence(self, stream: str) -> int:
        """Up to which sequence a power failure loses nothing; a reader asks the watermark."""
        self._require_stream(stream)
        if self._writer is not None:
            return self._writer.durable_sequence(stream)
        mark = watermark.read(self.path)
        return mark.streams[stream].durable_sequence if mark and stream in mark.streams else 0

    def last_sequence(self, stream: str) -> int:
        """The last committed sequence, 0 if there is none yet."""
        return self.link(stream).sequence

    def first_sequence(self, stream: str) -> int:
        """The first sequence that the journal still holds, or will: 1 unless it was trimmed."""
        self._require_stream(stream)
        found = self._require_open()
        return _begin(found.begin(found.places[0]), stream) + 1

    def head(self, stream: str) -> bytes:
        """The digest of the stream's last record, which stands for the whole stream."""
        return self.link(stream).digest

    def link(self, stream: str) -> Link:
        """Where a stream stands: sequence, digest, largest timestamp, commit."""
        if self._writer is not None:
            self._require_stream(stream)
            return self._writer.link(stream)
        self._require_open().refresh()
        self._require_stream(stream)
        return self._require_open().active.last_link(stream)

    def anchor(self, stream: str, sequence: int) -> Link:
        """The link of the last record that ends at or before ``sequence``, by its header."""
        end = self.link(stream)
        if sequence > end.sequence:
            raise ValueError(f"stream {stream} ends at {end.sequence}; asked for {sequence}")
        if sequence == end.sequence:
            return end
        found = self._require_open()
        for place in reversed(found.places):
            if _begin(found.begin(place), stream) <= sequence:
                with found.using(place) as segment:
                    if stream in segment.layouts:
                        return segment.link_before(stream, sequence + 1)
        raise JournalError(f"the journal {self.path} has no record of stream {stream}")

    def read(
        self, stream: str, first: int = 1, last: int | None = None, *, buffers: int = 0
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Events ``first`` to ``last`` (default: the last one now), in chunks of some megabytes.

        Yields each chunk's first sequence and an array of the caller's own; with ``buffers``, one
        that is overwritten when so many more were taken, which is faster.  Every record is proven
        before its events are handed out; JournalCorruptError names the one that is not.
        """
        end = self.last_sequence(stream)
        last = end if last is None else last
        if first < 1 or last > end:
            raise ValueError(f"stream {stream} holds 1 to {end}; asked for {first} to {last}")
        begin = self.first_sequence(stream)
        if first < begin and first <= last:
            raise JournalError(
                f"stream {stream} of the journal {self.path} begins at sequence {begin}: what came "
                f"before lies in its archive; restore both into one to read sequence {first}"
            )
        return self._read(stream, first, last, buffers)

    def end_by_time(self, stream: str, ts: int) -> int:
        """The last sequence whose time is at most ``ts``, inclusive; 0 if there is none.

        An event's time is the largest timestamp of its stream so far.  ValueError for a stream
        without timestamps.
        """
        self._require_stream(stream)
        found = self._require_open()
        found.refresh()
        if "ts" not in (found.active.dtypes[stream].names or ()):
            raise ValueError(f"stream {stream} has no timestamps")
        for place in reversed(found.places):
            begin = found.begin(place).get(stream)
            if begin is None or begin.last_ts <= ts:
                with found.using(place) as segment:
                    layout = segment.layouts.get(stream)
                    if layout is None:
                        continue
                    return reading.end_by_time(
                        segment.engine,
                        segment.tables.streams[stream],
                        layout,
                        segment.dtypes[stream],
                        ts,
                    )
        return 0

    def info(self) -> JournalInfo:
        """What the journal holds, from manifests, first and last records; reads nothing else."""
        found = self._require_open()
        found.refresh()
        parts = [found.parts(place) for place in found.places]
        streams = tuple(
            stream_info(name, [each[name] for _, each in parts if name in each], layout)
            for name, layout in found.active.layouts.items()
        )
        return JournalInfo(
            path=str(self.path),
            format_version=found.active.format.version,
            created_ns=found.active.format.created_ns,
            commit=parts[-1][0],
            size_bytes=segments.size_bytes(self.path),
            streams=streams,
            segments=tuple(
                self._segment_info(place, each)
                for place, (_, each) in zip(found.places, parts, strict=True)
            ),
        )

    def close(self) -> None:
        """Sync what is not yet, and let go of everything; a second call does nothing."""
        if self._segments is None:
            return
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            self._segments.close()
            self._segments = None
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(
        self, stream: str, first: int, last: int, buffers: int
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        found = self._require_open()
        wanted = self.dtype(stream)
        places = found.places
        begins = [_begin(found.begin(place), stream) for place in places]
        for place, begin, end in zip(places, begins, [*begins[1:], last], strict=True):
            low, high = max(first, begin + 1), min(last, end)
            if low > high:
                continue
            with found.using(place) as segment:
                for start, chunk in reading.read(
                    segment.engine,
                    segment.tables.streams[stream],
                    segment.layouts[stream],
                    segment.dtypes[stream],
                    low,
                    high,
                    buffers,
                ):
                    yield start, upcast.upcast(chunk, wanted)

    def _segment_info(self, place: Place, parts: Mapping[str, StreamPart]) -> SegmentInfo:
        found = self._require_open()
        data = environment.data_file(place.path)
        return SegmentInfo(
            name=place.path.name,
            sealed=place != found.active.place and found.manifest(place) is not None,
            size_bytes=data.stat().st_blocks * 512,
            first_sequences={name: part.begin.sequence + 1 for name, part in parts.items()},
            last_sequences={name: part.end.sequence for name, part in parts.items()},
        )

    def _require_stream(self, stream: str) -> None:
        if stream not in self.streams:
            raise JournalError(
                f"the journal {self.path} has no stream {stream!r}; it has {', '.join(self.streams)}"
            )

    def _require_open(self) -> Segments:
        if self._segments is None:
            raise JournalError(f"the journal {self.path} is closed")
        return self._segments

    def _require_writer(self) -> Writer:
        self._require_open()
        if self._writer is None:
            raise JournalError(f"the journal {self.path} was opened for reading only")
        return self._writer


def _begin(links: Mapping[str, Link], stream: str) -> int:
    link = links.get(stream)
    return link.sequence if link else 0


def _check_options(
    streams: Mapping[str, np.dtype], sync: str, interval_ms: int, segment_bytes: int
) -> None:
    if sync not in SYNC_MODES:
        raise ValueError(f"sync is one of {', '.join(SYNC_MODES)}, found {sync!r}")
    if interval_ms < 1:
        raise ValueError(f"interval_ms must be at least 1, found {interval_ms}")
    if segment_bytes < _SEGMENT_BYTES_MIN:
        raise ValueError(
            f"segment_bytes must be at least {_SEGMENT_BYTES_MIN}, found {segment_bytes}"
        )
    for name in streams:
        if (
            not name.isidentifier()
            or not name.isascii()
            or len(name) > record.STREAM_NAME_BYTES_MAX
        ):
            raise ValueError(
                f"a stream's name is an identifier of at most {record.STREAM_NAME_BYTES_MAX} "
                f"letters, found {name!r}"
            )
