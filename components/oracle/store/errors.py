"""What can go wrong with a journal.

JournalError                one clear sentence; nothing was changed unless it says so
├── JournalMissingError     there is no journal at this path
├── JournalTrimmedError     a segment was given up while it was read
├── JournalCorruptError     a record, or the file around it, is not what was written
├── JournalLayoutError      a stream was stored with another layout, or by a newer version
├── JournalLockedError      another writer holds it
└── JournalWriteError       disk full, map full, failed fsync: rolled back, never retried
"""

from __future__ import annotations

from disruptor.errors import DisruptorError


class JournalError(DisruptorError):
    """Base of all; also raised for a path that cannot hold a journal."""


class JournalMissingError(JournalError):
    """There is no journal at the path, or its creation was never finished."""


class JournalTrimmedError(JournalError):
    """A segment that was to be read was given up meanwhile; what is left can be read anew."""


class JournalCorruptError(JournalError):
    """Stored bytes differ from what was written; the text names the first bad record exactly."""


class JournalLayoutError(JournalError):
    """The stored layout of a stream differs from the one asked for, or is of a newer version."""


class JournalLockedError(JournalError):
    """A living process writes this journal; the text names it."""


class JournalWriteError(JournalError):
    """A write or sync failed.  The transaction is rolled back and the journal refuses further
    appends: after a failed fsync nobody knows what the disk holds until it is read again."""
