"""The raw journal as a recording: the same frames, and what became of connections between them.

What a frame is of is told by the session before it.  Each segment says it; where the first one left
does not, as older versions wrote it only once, what comes before a session is passed over, and counted.
A journal without any is taken for one of Binance alone, read as configured.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

import orjson

from components.feed.raw_recorder import venue_of
from components.feed.raw_session import is_session
from components.feed.recording import OnBroken, RecordedFrame
from components.oracle.raw import raw_path
from components.oracle.raw.reader import has_raw, read_entries
from components.oracle.raw.tail import BOOK, CONTINUED, DOWN, FRAME, OPENED, STARTED, Entry
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


def read_raw(path: Path, on_broken: OnBroken) -> Generator[RecordedFrame]:
    """What happened, in the order of the journal; numbers count its entries."""
    journal = raw_journal_in(path)
    for number, entry in _explained(journal, on_broken):
        kind, source, received_ns, payload = entry
        venue = venue_of(source)
        if kind in (FRAME, BOOK):
            yield RecordedFrame(received_ns, payload, number, venue)
        elif kind == OPENED:
            yield RecordedFrame(received_ns, _NO_FRAME, number, venue, is_opened=True)
        elif kind == DOWN:
            lost = tuple((kind, symbol) for kind, symbol in orjson.loads(payload))
            yield RecordedFrame(received_ns, _NO_FRAME, number, venue, lost=lost)
        elif kind in (STARTED, CONTINUED):
            goes_on = kind == CONTINUED
            yield RecordedFrame(
                received_ns, _NO_FRAME, number, venue, session=payload, is_continued=goes_on
            )


def _explained(journal: Path, on_broken: OnBroken) -> Generator[tuple[int, Entry]]:
    """Each entry whose venue is known, with its number; frames of others are reported."""
    has_session = any(is_session(entry) for entry in read_entries(journal))
    is_known = False
    for number, entry in enumerate(read_entries(journal), 1):
        is_known = is_known or is_session(entry)
        if is_known or not (has_session or venue_of(entry.source)):
            yield number, entry
        elif entry.kind in (FRAME, BOOK):
            on_broken("no_session", entry.payload, f"{journal}:{number}")
