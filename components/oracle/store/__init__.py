"""The event store: hash-chained streams of fixed-size events on LMDB; knows no trading."""

from components.oracle.store.errors import (
    JournalCorruptError,
    JournalError,
    JournalLayoutError,
    JournalLockedError,
    JournalMissingError,
    JournalTrimmedError,
    JournalWriteError,
)
from components.oracle.store.info import JournalInfo, SegmentInfo, StreamInfo
from components.oracle.store.journal import Journal
from components.oracle.store.repair import Repaired, repair
from components.oracle.store.verify import Report, StreamReport, verify

__all__ = [
    "Journal",
    "JournalCorruptError",
    "JournalError",
    "JournalInfo",
    "JournalLayoutError",
    "JournalLockedError",
    "JournalMissingError",
    "JournalTrimmedError",
    "JournalWriteError",
    "Repaired",
    "Report",
    "SegmentInfo",
    "StreamInfo",
    "StreamReport",
    "repair",
    "verify",
]
