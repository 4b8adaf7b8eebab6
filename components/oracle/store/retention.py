"""Which old segments a journal may give up, and giving them up.

``trim``: only what an archive holds, bit by bit; never one of the newest ``keep``, none that was
written to within ``age_s``, and nothing that a start would need: all that follows on the sequences
``needed``.  ``expire``, for a journal from which nothing is ever derived: all beyond a number and
an age.  Segments leave from the oldest on, so that what is left has no gap.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.oracle.store import archive, environment, trimmed
from components.oracle.store.backup import BackupError
from components.oracle.store.manifest import Manifest
from components.oracle.store.segments import Place, Segments, places
from components.oracle.store.trimmed import Trim
from components.oracle.store.writer_lock import WriterLock

DAY_S: Final = 86_400.0

_Sealed = tuple[Place, Manifest]


def trim(
    directory: Path,
    archived: Path,
    *,
    keep: int,
    age_s: float,
    needed: Mapping[str, int] | None,
) -> list[str]:
    """Remove what may go; the names of the segments that went.

    ``needed``: the last sequence of each stream that no start needs any more; None if starts need
    nothing.  JournalLockedError while a process writes, BackupError if the archive is damaged.
    """
    lock = WriterLock(directory)
    try:
        problems = archive.problems(archived)
        if problems:
            raise BackupError(f"nothing was removed, as the archive is damaged: {problems[0]}")
        held = {each.position: each.manifest for each in archive.contents(archived)}
        sealed, after = _sealed(directory)
        gone: list[_Sealed] = []
        for place, found in sealed[: max(0, len(sealed) - keep)]:
            is_needed = needed is not None and any(
                part.end.sequence > needed.get(name, 0) for name, part in found.streams.items()
            )
            if held.get(place.position) != found or is_needed or _age_s(place) < age_s:
                break
            gone.append((place, found))
        return _remove(directory, gone, _begin_after(len(gone), sealed, after))
    finally:
        lock.release()


@dataclass(frozen=True)
class Retention:
    """For how long sealed segments are kept: the newest ``keep``, for ``age_s``; 0 for ever."""

    keep: int = 0
    age_s: float = 0


FOR_EVER: Final = Retention()


def expire(directory: Path, retention: Retention) -> list[str]:
    """Remove the sealed segments beyond a number or an age; the names of those that went.

    JournalLockedError while a process writes.
    """
    if retention == FOR_EVER or not places(directory):
        return []
    lock = WriterLock(directory)
    try:
        sealed, after = _sealed(directory)
        count = 0
        for number, (place, _) in enumerate(sealed):
            is_beyond = 0 < retention.keep < len(sealed) - number + 1
            is_old = 0 < retention.age_s < _age_s(place)
            if not (is_beyond or is_old):
                break
            count += 1
        return _remove(directory, sealed[:count], _begin_after(count, sealed, after))
    finally:
        lock.release()


def _begin_after(count: int, sealed: Sequence[_Sealed], after: int) -> int:
    """The position of the segment that is the first once so many are gone."""
    return sealed[count][0].position if count < len(sealed) else after


def _remove(directory: Path, gone: Sequence[_Sealed], position: int) -> list[str]:
    """Remove these, after which the segment at ``position`` is the first; their names."""
    if gone:
        ends = {name: part.end for name, part in gone[-1][1].streams.items()}
        trimmed.remove(directory, Trim(position, ends), [place.path for place, _ in gone])
    return [place.path.name for place, _ in gone]


def _sealed(directory: Path) -> tuple[list[_Sealed], int]:
    """The sealed segments up to the first one that is not, in order; the position after them."""
    segments = Segments.open_reading(directory)
    try:
        sealed: list[_Sealed] = []
        for place in segments.places:
            found = segments.manifest(place) if place != segments.active.place else None
            if found is None:
                return sealed, place.position
            sealed.append((place, found))
        return sealed, segments.active.place.position
    finally:
        segments.close()


def _age_s(place: Place) -> float:
    return time.time() - environment.data_file(place.path).stat().st_mtime
