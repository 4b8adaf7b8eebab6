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

The layers below: environment.py (files, LMDB), record.py (the bytes of a batch), chain.py (what
proves them), reading.py, writer.py, recovery.py (start-up), watermark.py, writer_lock.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import lmdb
import numpy as np
from numpy.typing import NDArray

from components.oracle.store import dtype_text, environment, reading, record, watermark, writer_lock
from components.oracle.store.chain import Link, StreamLayout
from components.oracle.store.environment import Format, Tables
from components.oracle.store.errors import JournalError, JournalLayoutError, JournalMissingError
from components.oracle.store.info import JournalInfo, stream_info
from components.oracle.store.recovery import recover
from components.oracle.store.writer import SYNC_MODES, Batch, SyncMode, Writer


class Journal:
    """A journal opened by ``open_writer`` or ``open_reader``; used by the thread that opened it."""

    def __init__(
        self, directory: Path, engine: lmdb.Environment, tables: Tables, form: Format
    ) -> None:
        self.path: Final = directory
        self.notes: tuple[str, ...] = ()
        """What a writer found at start-up that a person should know; empty when all was well."""
        self._engine: lmdb.Environment | None = engine
        self._tables = tables
        self._format = form
        self._layouts = form.stream_layouts()
        self._dtypes = {name: dtype_text.from_text(text) for name, text in form.layouts.items()}
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
        map_size_bytes: int = environment.MAP_SIZE_BYTES,
    ) -> Journal:
        """Create the journal, or continue it once its whole chain is proven.

        Raises JournalLockedError if another process writes it, JournalCorruptError with the first
        bad record, JournalLayoutError if a stream was stored with another dtype.
        """
        _check_options(streams, sync, interval_ms)
        directory = Path(path)
        environment.make_directories(directory)
        lock = writer_lock.WriterLock(directory)
        engine = None
        try:
            if environment.data_path(directory).exists():
                environment.refuse_damaged_pages(directory, lock_is_ours=True)
            engine = environment.open_environment(
                directory, readonly=False, sync=sync == "commit", map_size_bytes=map_size_bytes
            )
            tables = Tables(engine)
            form = _agree_on_layouts(directory, engine, tables, streams)
            environment.sync_directories(directory)
            journal = cls(directory, engine, tables, form)
            journal._start_writing(lock, sync, interval_ms)
        except BaseException:
            if engine is not None:
                engine.close()
            lock.release()
            raise
        return journal

    @classmethod
    def open_reader(cls, path: Path) -> Journal:
        """Open an existing journal for reading, also while a writer runs; takes no lock."""
        directory = Path(path)
        environment.require_journal(directory)
        environment.refuse_remote_filesystem(directory)
        environment.refuse_damaged_pages(directory, lock_is_ours=False)
        engine = environment.open_environment(directory, readonly=True)
        try:
            tables = Tables(engine)
            form = tables.attach()
            if form is None:
                raise JournalMissingError(f"the creation of the journal {directory} never finished")
            with engine.begin() as transaction:
                tables.proven_commit(transaction)
        except BaseException:
            engine.close()
            raise
        return cls(directory, engine, tables, form)

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of all streams."""
        return tuple(self._layouts)

    def dtype(self, stream: str) -> np.dtype:
        """The layout of a stream's events, as stored in the journal."""
        return self._dtypes[self._layout(stream).name]

    def append(self, batches: Sequence[Batch]) -> None:
        """Commit all batches in one transaction, or none of them.

        Each stream at most once; its first sequence must be the one after its last, its arrays of
        its dtype (ValueError otherwise, nothing changed).  With ``sync: commit`` all of it is on
        disk on return.  JournalWriteError: nothing of it was kept, and this journal takes no more.
        """
        self._require_writer().append(batches)

    def sync(self) -> None:
        """Put everything that was appended on disk; JournalWriteError if that fails, for good."""
        self._require_writer().sync()

    def sync_if_due(self) -> None:
        """With ``sync: interval``, sync if the interval has passed; cheap to call when idle."""
        self._require_writer().sync_if_due()

    def durable_sequence(self, stream: str) -> int:
        """Up to which sequence a power failure loses nothing; a reader asks the watermark."""
        self._layout(stream)
        if self._writer is not None:
            return self._writer.durable_sequence(stream)
        mark = watermark.read(self.path)
        return mark.streams[stream].durable_sequence if mark and stream in mark.streams else 0

    def last_sequence(self, stream: str) -> int:
        """The last committed sequence, 0 if there is none yet."""
        return self.link(stream).sequence

    def head(self, stream: str) -> bytes:
        """The digest of the stream's last record, which stands for the whole stream."""
        return self.link(stream).digest

    def link(self, stream: str) -> Link:
        """Where a stream stands: sequence, digest, largest timestamp, commit."""
        layout = self._layout(stream)
        if self._writer is not None:
            return self._writer.link(stream)
        with self._require_engine().begin(buffers=True) as transaction:
            return reading.last_link(transaction, self._tables.streams[stream], layout)

    def read(
        self, stream: str, first: int = 1, last: int | None = None, *, buffers: int = 0
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Events ``first`` to ``last`` (default: the last one now), in chunks of some megabytes.

        Yields each chunk's first sequence and an array of the caller's own; with ``buffers``, one
        that is overwritten when so many more were taken, which is faster.  Every record is proven
        before its events are handed out; JournalCorruptError names the one that is not.
        """
        layout = self._layout(stream)
        end = self.last_sequence(stream)
        last = end if last is None else last
        if first < 1 or last > end:
            raise ValueError(f"stream {stream} holds 1 to {end}; asked for {first} to {last}")
        if first > last:
            return iter(())
        database = self._tables.streams[stream]
        engine = self._require_engine()
        dtype = self._dtypes[stream]
        return reading.read(engine, database, layout, dtype, first, last, buffers)

    def info(self) -> JournalInfo:
        """What the journal holds, from its first and last records; does not read the rest."""
        with self._require_engine().begin(buffers=True) as transaction:
            commit = self._tables.proven_commit(transaction)
            streams = tuple(
                stream_info(transaction, self._tables.streams[name], layout, self._dtypes[name])
                for name, layout in self._layouts.items()
            )
        return JournalInfo(
            path=str(self.path),
            format_version=self._format.version,
            created_ns=self._format.created_ns,
            commit=commit,
            size_bytes=environment.size_bytes(self.path),
            streams=streams,
        )

    def close(self) -> None:
        """Sync what is not yet, and let go of everything; a second call does nothing."""
        if self._engine is None:
            return
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            self._engine.close()
            self._engine = None
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

    def _start_writing(
        self, lock: writer_lock.WriterLock, sync: SyncMode, interval_ms: int
    ) -> None:
        engine = self._require_engine()
        found = recover(self.path, engine, self._tables, self._layouts)
        self.notes = found.notes
        self._writer = Writer(
            self.path,
            engine,
            self._tables,
            self._layouts,
            self._dtypes,
            found.links,
            sync,
            interval_ms,
        )
        self._lock = lock

    def _layout(self, stream: str) -> StreamLayout:
        if stream not in self._layouts:
            raise JournalError(
                f"the journal {self.path} has no stream {stream!r}; it has {', '.join(self.streams)}"
            )
        return self._layouts[stream]

    def _require_engine(self) -> lmdb.Environment:
        if self._engine is None:
            raise JournalError(f"the journal {self.path} is closed")
        return self._engine

    def _require_writer(self) -> Writer:
        self._require_engine()
        if self._writer is None:
            raise JournalError(f"the journal {self.path} was opened for reading only")
        return self._writer


def _check_options(streams: Mapping[str, np.dtype], sync: str, interval_ms: int) -> None:
    if sync not in SYNC_MODES:
        raise ValueError(f"sync is one of {', '.join(SYNC_MODES)}, found {sync!r}")
    if interval_ms < 1:
        raise ValueError(f"interval_ms must be at least 1, found {interval_ms}")
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


def _agree_on_layouts(
    directory: Path, engine: lmdb.Environment, tables: Tables, streams: Mapping[str, np.dtype]
) -> Format:
    """The stored format, extended by the streams that are new; refuses one that differs."""
    wanted = {name: dtype_text.to_text(np.dtype(dtype)) for name, dtype in streams.items()}
    stored = tables.attach()
    if stored is None:
        return tables.create(wanted, None)
    with engine.begin() as transaction:
        tables.proven_commit(transaction)
    for name, text in wanted.items():
        if stored.layouts.get(name, text) != text:
            raise JournalLayoutError(
                f"stream {name} of the journal {directory} was stored with another layout.\n"
                f"stored: {dtype_text.to_words(dtype_text.from_text(stored.layouts[name]))}\n"
                f"asked:  {dtype_text.to_words(np.dtype(streams[name]))}"
            )
    return stored if wanted.keys() <= stored.layouts.keys() else tables.create(wanted, stored)
