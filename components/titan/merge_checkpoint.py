"""How far the merge has come, in shared memory for its successor.

    word 0    which of the two copies holds
    a copy    events that were out, then the merge's cursor, then how far each shard's were taken

Written before the shards get their slots back: so all that a successor has to merge again is still
in their rings, and as the order is one, it gives the same events.  The copy that does not hold is
filled, then it holds; so one of them is whole wherever its writer dies.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.titan.merging import CANCELLED, SHARDS_MAX
from disruptor.compiled import inlined
from disruptor.errors import SegmentError
from disruptor.memory.atomics import store_release
from disruptor.memory.segment import HEADER, HEADER_BYTES, SHARED_MEMORY_DIRECTORY, Segment

_KIND: Final = "merge"
_VERSION: Final = 1
_CURSOR_WORDS: Final = CANCELLED + 1
_CURSOR: Final = 1
_TAKEN: Final = _CURSOR + _CURSOR_WORDS
_COPY: Final = _TAKEN + SHARDS_MAX
CHECKPOINT_WORDS: Final = 1 + 2 * _COPY


@inlined
def write_checkpoint(
    words: NDArray[np.int64], published: int, cursor: NDArray[np.int64], taken: NDArray[np.int64]
) -> None:
    """So many events are out, which is all that follows from what was taken."""
    other = 1 - words[0]
    at = 1 + other * _COPY
    words[at] = published
    for number in range(cursor.size):
        words[at + _CURSOR + number] = cursor[number]
    for shard in range(taken.size):
        words[at + _TAKEN + shard] = taken[shard]
    store_release(words, 0, other)


class Checkpoint:
    """The words of one merge; for the process that merges now."""

    def __init__(self, segment: Segment, shards: int) -> None:
        self._segment = segment
        self.words = segment.array(np.int64, CHECKPOINT_WORDS, HEADER_BYTES)
        self._copy = self.words[1 + self.words[0] * _COPY :][:_COPY].copy()
        self._shards = shards

    @classmethod
    def begun(cls, name: str, published: int, taken: list[int]) -> Checkpoint:
        """That of a merge which has no predecessor."""
        segment = Segment.create(name, _KIND, _VERSION, HEADER_BYTES + 8 * CHECKPOINT_WORDS)
        words = segment.array(np.int64, CHECKPOINT_WORDS, HEADER_BYTES)
        words[1] = published
        words[1 + _TAKEN : 1 + _TAKEN + len(taken)] = taken
        segment.publish()
        return cls(segment, len(taken))

    @classmethod
    def continued(cls, name: str, published: int, taken: list[int]) -> Checkpoint:
        """The predecessor's; if that died before it made one, it had not begun.

        SegmentError if there is one that cannot be read: who began anew would give out again what is
        out already.
        """
        if not _is_published(name):
            return cls.begun(name, published, taken)
        segment = Segment.attach(name, _KIND, _VERSION)
        segment.adopt()
        return cls(segment, len(taken))

    @property
    def published(self) -> int:
        """How many events were out, at least."""
        return int(self._copy[0])

    @property
    def cursor(self) -> NDArray[np.int64]:
        """Where the merge stood then, see merging.py."""
        return self._copy[_CURSOR:_TAKEN].copy()

    @property
    def taken(self) -> list[int]:
        """The next event of each shard then."""
        return [int(each) for each in self._copy[_TAKEN : _TAKEN + self._shards]]

    def unlink(self) -> None:
        """Remove it; at the end of a run."""
        self._segment.unlink()
        self._segment.close()


def _is_published(name: str) -> bool:
    """Whether a predecessor made one and finished it; SegmentError if that cannot be told."""
    try:
        with open(f"{SHARED_MEMORY_DIRECTORY}/{name}", "rb", buffering=0) as file:
            start = file.read(HEADER_BYTES)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise SegmentError(f"shared memory {name!r} cannot be looked at: {error}") from error
    return len(start) == HEADER_BYTES and bool(np.frombuffer(start, HEADER)[0]["magic"])
