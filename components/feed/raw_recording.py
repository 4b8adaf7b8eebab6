"""The raw journal as a recording: the same frames, and what became of connections between them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

import orjson

from components.feed.raw_recorder import venue_of
from components.feed.recording import RecordedFrame
from components.oracle.raw import raw_path
from components.oracle.raw.reader import has_raw, read_entries
from components.oracle.raw.tail import BOOK, DOWN, FRAME, OPENED, STARTED
from components.oracle.store.segments import places
from disruptor.errors import ConfigurationError

_NO_FRAME: Final = b""


def raw_journal_in(path: Path) -> Path:
    """The raw journal in ``path``, or beside the platform's journal in ``path``.

    Raises ConfigurationError if there is none.
    """
    if has_raw(path):
        return raw_path(path)
    if path.name == raw_path(path).name and places(path):
        return path
    raise ConfigurationError(f"feed.recorded.path: there is no raw journal in {str(path)!r}")


def read_raw(path: Path) -> Generator[RecordedFrame]:
    """What happened, in the order of the journal; numbers count its entries."""
    for number, (kind, source, received_ns, payload) in enumerate(
        read_entries(raw_journal_in(path)), 1
    ):
        venue = venue_of(source)
        if kind in (FRAME, BOOK):
            yield RecordedFrame(received_ns, payload, number, venue)
        elif kind == OPENED:
            yield RecordedFrame(received_ns, _NO_FRAME, number, venue, is_opened=True)
        elif kind == DOWN:
            lost = tuple((kind, symbol) for kind, symbol in orjson.loads(payload))
            yield RecordedFrame(received_ns, _NO_FRAME, number, venue, lost=lost)
        elif kind == STARTED:
            yield RecordedFrame(received_ns, _NO_FRAME, number, venue, session=payload)
