"""Writes the raw journal: entries to a tail at once, tails to blocks in a thread beside.

    feed's thread      entry ─► tail file, mapped          before the frame is parsed
    a thread of ours   full or old tail ─► compressed ─► journal, fsynced ─► tail file removed

A tail bears the number of the block that it will become, so that a start after any death knows which
tails became blocks already: those at or below the last block are removed, the others become blocks
first.  Whatever was received is thus in the journal once, however often the process dies.  A failure to
write is raised at the next entry: frames that cannot be kept are not traded on.

Nothing is derived from what was received long ago, so old segments go as the retention says: at each
start, and whenever a segment was begun, for which the journal is closed and opened again.  What says
how to read the frames must not go with them: each tail begins with the feed's session (CONTINUED),
and the first block of a segment keeps it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import zstandard

from components.oracle.raw import BLOCK, BLOCKS, FRAMES, STREAMS
from components.oracle.raw.tail import CONTINUED, STARTED, Tail, continued_size, entries, whole_size
from components.oracle.store import Journal, JournalError
from components.oracle.store.environment import make_directory
from components.oracle.store.retention import FOR_EVER, Retention, expire
from components.oracle.store.segments import segment_path

TAIL_BYTES: Final = 1 << 20
TAIL_AGE_NS: Final = 1_000_000_000
LEVEL: Final = 3
_WAITING_MAX: Final = 64
_PREFIX: Final = "tail-"


class RawWriter:
    """Used by the one thread that opened it."""

    def __init__(
        self,
        path: Path,
        *,
        segment_bytes: int,
        tail_bytes: int = TAIL_BYTES,
        retention: Retention = FOR_EVER,
    ) -> None:
        """Open or create the journal in ``path``; what a dead writer left becomes blocks first."""
        make_directory(path)
        self._path = path
        self._tail_bytes = tail_bytes
        self._failure: Exception | None = None
        self._waiting: queue.Queue[Tail | None] = queue.Queue(_WAITING_MAX)
        self._thread = threading.Thread(
            target=self._run, args=(segment_bytes, retention), name="raw journal", daemon=True
        )
        self._ready = threading.Event()
        self._last_block = 0
        self._thread.start()
        self._ready.wait()
        self._raise_failure()
        self._next = self._last_block + 1
        self._tail: Tail | None = None
        self._began_ns = 0
        self._session = b""

    def begin(self, received_ns: int, session: bytes, now_ns: int) -> None:
        """Write that a feed begins, which each segment from now on will say again."""
        self.add(STARTED, 0, received_ns, session, now_ns)
        self._session = session

    def add(self, kind: int, source: int, received_ns: int, payload: bytes, now_ns: int) -> None:
        """Write an entry; it survives the process when this returns.

        ``now_ns``: a clock that never goes back; a tail is not kept for longer than TAIL_AGE_NS.
        """
        tail = self._tail
        if tail is not None and tail.add(kind, source, received_ns, payload):
            if now_ns - self._began_ns >= TAIL_AGE_NS:
                self.cut()
            return
        self.cut()
        session = self._session
        size = max(self._tail_bytes, Tail.size_of(session) + Tail.size_of(payload))
        tail = self._tail = Tail(self._path / f"{_PREFIX}{self._next:012d}", size)
        self._next += 1
        self._began_ns = now_ns
        if session:
            tail.add(CONTINUED, 0, received_ns, session)
        tail.add(kind, source, received_ns, payload)

    def cut(self) -> None:
        """Make a block of what there is; waits only if the disk is far behind."""
        self._raise_failure()
        if self._tail is not None:
            self._waiting.put(self._tail)
            self._tail = None

    def cut_if_old(self, now_ns: int) -> None:
        """``cut`` if the tail has waited long enough."""
        if self._tail is not None and now_ns - self._began_ns >= TAIL_AGE_NS:
            self.cut()

    def close(self) -> None:
        """Everything becomes a block on disk."""
        if self._tail is not None and self._failure is None:
            self._waiting.put(self._tail)
            self._tail = None
        self._waiting.put(None)
        self._thread.join()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self, segment_bytes: int, retention: Retention) -> None:
        """The thread: it alone touches the journal, as LMDB wants it."""
        try:
            is_over = False
            while not is_over:
                expire(self._path, retention)
                with Journal.open_writer(
                    self._path, STREAMS, segment_bytes=segment_bytes
                ) as journal:
                    if not self._ready.is_set():
                        _recover(journal, self._path)
                        self._last_block = journal.last_sequence(BLOCKS)
                        self._ready.set()
                    is_over = self._write_segment(journal)
        except Exception as problem:
            self._failure = problem
            self._ready.set()
            _drain(self._waiting)

    def _write_segment(self, journal: Journal) -> bool:
        """Write blocks until a segment is full; True if the writer was closed before."""
        segment = segment_path(self._path)
        while segment_path(self._path) == segment:
            tail = self._waiting.get()
            if tail is None:
                return True
            append_block(journal, tail.content(), tail.entries, tail.first_ns, tail.last_ns)
            tail.close()
            tail.path.unlink()
        return False


def append_block(journal: Journal, content: bytes, count: int, first_ns: int, last_ns: int) -> None:
    """Append the ``count`` entries in ``content``, all whole, as one block.

    A session at their beginning is left out unless a segment begins with them.  It does not look
    into the others: that would hold up the thread that receives, for milliseconds.
    """
    session = continued_size(content)
    if session and not journal.begins_segment:
        content, count = content[session:], count - 1
    packed = np.frombuffer(zstandard.ZstdCompressor(LEVEL).compress(content), np.uint8)
    first = journal.last_sequence(FRAMES) + 1
    block = np.zeros(1, BLOCK)
    block[0] = (first_ns, last_ns, first, len(packed), len(content), count)
    journal.append(
        [(FRAMES, first, [packed]), (BLOCKS, journal.last_sequence(BLOCKS) + 1, [block])]
    )


def _recover(journal: Journal, path: Path) -> None:
    """Make blocks of the tails that a dead writer left."""
    for tail in sorted(path.glob(f"{_PREFIX}*")):
        number = int(tail.name.removeprefix(_PREFIX))
        last = journal.last_sequence(BLOCKS)
        content = tail.read_bytes()
        size = whole_size(content)
        if number > last and size > continued_size(content):
            if number != last + 1:
                raise JournalError(
                    f"{tail} should become block {number}, but the journal ends at block {last}"
                )
            times = [entry.received_ns for entry in entries(content[:size])]
            append_block(journal, content[:size], len(times), times[0], max(times))
        tail.unlink()


def _drain(waiting: queue.Queue[Tail | None]) -> None:
    """Take what nobody writes any more, so that nobody waits for room."""
    take: Callable[[], Tail | None] = waiting.get
    while (tail := take()) is not None:
        tail.close()
