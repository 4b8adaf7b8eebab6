"""A point in time of a journal: a command's sequence, or a wall-clock time that becomes one.

A time is *inclusive*: it means the last command at which the platform's time, the largest
timestamp seen so far, was not after it.  Commands before the first timestamp are found by
sequence only.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.oracle.store import Journal, JournalError

_NS: Final = 1_000_000_000
_ISO: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:\d{2})?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class MomentError(JournalError):
    """A point in time that is none, or that the journal does not reach."""


def time_from_text(text: str) -> int:
    """Nanoseconds since the epoch of an ISO 8601 time; UTC unless it says otherwise."""
    match = _ISO.fullmatch(text.strip())
    if match is not None:
        day, clock, fraction, zone = match.groups()
        offset = "+00:00" if zone in (None, "Z") else zone
        try:
            moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{offset}")
        except ValueError:
            moment = None
        if moment is not None:
            seconds = (moment - _EPOCH) // timedelta(seconds=1)
            return seconds * _NS + int((fraction or "").ljust(9, "0"))
    raise MomentError(
        f"{text!r} is no time; write it as 2026-01-02T03:04:05.678Z (UTC unless it ends in +hh:mm)"
    )


def time_to_text(nanoseconds: int) -> str:
    """The time as ISO 8601 in UTC, to the nanosecond if need be; "–" for 0."""
    if nanoseconds == 0:
        return "–"
    seconds, rest = divmod(nanoseconds, _NS)
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return str(nanoseconds)
    digits = f"{rest:09d}"
    fraction = digits[:3] if digits.endswith("000000") else digits
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def command_at(journal: Journal, at: str | int | None) -> int:
    """The sequence of the last command at ``at``: a sequence, a time, or None for the end.

    MomentError if the journal does not reach that sequence, or begins after that time.
    """
    last = journal.last_sequence("commands")
    if at is None:
        return last
    if isinstance(at, int) or at.strip().isdecimal():
        if int(at) > last:
            raise MomentError(f"the journal ends at command {last}; asked for {int(at)}")
        return int(at)
    found = journal.end_by_time("commands", time_from_text(at))
    if found == 0:
        raise MomentError(f"the journal {journal.path} has no command at or before {at}")
    return found


def last_where(journal: Journal, stream: str, name: str, value: int) -> int:
    """The last record whose field is at most ``value``; the one before the journal's first if none
    is (0, unless it was trimmed).  The field never falls.

    What follows from commands rises in ``seq``.
    """
    low, high = journal.first_sequence(stream) - 1, journal.last_sequence(stream)
    while low < high:
        middle = (low + high + 1) // 2
        if int(_record(journal, stream, middle)[name]) <= value:
            low = middle
        else:
            high = middle - 1
    return low


def last_after(journal: Journal, stream: str, command: int) -> int:
    """The last record of a stream that a command up to ``command`` caused; 0 if none did."""
    if stream == "commands":
        return min(command, journal.last_sequence(stream))
    return last_where(journal, stream, "seq", command)


def range_of_times(
    journal: Journal, stream: str, since: int | None, until: int | None
) -> tuple[int, int]:
    """The first and last sequence of a stream between two times, both inclusive."""
    first, last = journal.first_sequence(stream), journal.last_sequence(stream)
    if since is not None:
        first = max(first, journal.end_by_time(stream, since - 1) + 1)
    if until is not None:
        last = min(last, journal.end_by_time(stream, until))
    return first, last


def _record(journal: Journal, stream: str, sequence: int) -> np.void:
    chunk: NDArray[Any] = next(iter(journal.read(stream, sequence, sequence)))[1]
    return chunk[0]
