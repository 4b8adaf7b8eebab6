"""Reading a journal in a thread of its own, a few chunks ahead of who uses them.

Proving a record is SHA-256 over its bytes, which leaves the interpreter alone, as the compiled
engines do; so reading and replaying share two cores instead of one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final

from numpy.typing import NDArray

from components.oracle.store import Journal

Chunk = tuple[int, NDArray[Any]]
"""The sequence of the first record, and the records."""

_CHUNKS_AHEAD: Final = 4
"""Chunks that wait; one more is being read, one waits for room, and one is in use."""
_LOOK_S: Final = 0.05


class ReadAhead:
    """The records ``first`` to ``last`` of a stream, in chunks that are valid until the next one.

    A context manager: whoever stops early must not leave the thread in the journal.
    """

    def __init__(self, journal: Journal, stream: str, first: int, last: int) -> None:
        self._chunks: queue.Queue[Chunk | BaseException | None] = queue.Queue(_CHUNKS_AHEAD)
        self._is_over = threading.Event()
        self._source = journal.read(stream, first, last, buffers=_CHUNKS_AHEAD + 3)
        self._thread = threading.Thread(target=self._read, name=f"read-{stream}", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Chunk]:
        while True:
            item = self._chunks.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Stop reading; returns when the thread has left the journal."""
        self._is_over.set()
        self._thread.join()

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> None:
        last: BaseException | None = None
        try:
            for chunk in self._source:
                if not self._put(chunk):
                    return
        except BaseException as error:  # it belongs to who asked for the records
            last = error
        self._put(last)

    def _put(self, item: Chunk | BaseException | None) -> bool:
        while not self._is_over.is_set():
            try:
                self._chunks.put(item, timeout=_LOOK_S)
            except queue.Full:
                continue
            return True
        return False
