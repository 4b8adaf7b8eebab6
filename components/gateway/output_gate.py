"""What may leave the platform: what Oracle has made durable, and nothing after it.

The gate reads no ring.  It follows the journal up to the durable sequence of each stream, so that
nothing unsynced can be seen outside, however the machine stops, and so that nobody whom it serves
can hold up the pipeline.  With ``sync: off`` nobody asked for a sync, and what is journaled may
leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from numpy.typing import NDArray

from components.configuration.model import EVENTS, RISK
from components.oracle.store import Journal
from components.oracle.store.writer import SyncMode

_STREAMS: Final = (EVENTS, RISK)
"""In this order: a risk record follows from events."""


class OutputGate:
    """Follows one journal; for one thread."""

    def __init__(self, journal: Journal, sync: SyncMode) -> None:
        self._journal = journal
        self._sync = sync
        self.left = dict.fromkeys(_STREAMS, 0)
        """Of each stream, the last sequence that left or was passed over."""
        self.skip()

    def skip(self) -> None:
        """Pass over what nobody waited for."""
        for stream in _STREAMS:
            self.left[stream] = self._open_up_to(stream)

    def released(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """What may leave now and has not yet: streams and records, each valid until the next."""
        for stream in _STREAMS:
            upto = self._open_up_to(stream)
            if upto == self.left[stream]:
                continue
            for _, records in self._journal.read(stream, self.left[stream] + 1, upto, buffers=2):
                yield stream, records
                self.left[stream] += len(records)

    def _open_up_to(self, stream: str) -> int:
        if self._sync == "off":
            return self._journal.last_sequence(stream)
        # a watermark that is being written reads as 0 for a moment
        return max(self.left[stream], self._journal.durable_sequence(stream))
