"""Which old segments a journal may give up, and giving them up.

Only what an archive holds, bit by bit; never one of the newest ``keep``, none that was written to
within ``age_s``, and nothing that a start would need: all that follows on the sequences
``needed``.  Segments leave from the oldest on, so that what is left has no gap.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from components.oracle.store import archive, environment, trimmed
from components.oracle.store.backup import BackupError
from components.oracle.store.manifest import Manifest
from components.oracle.store.segments import Place, Segments
from components.oracle.store.trimmed import Trim
from components.oracle.store.writer_lock import WriterLock


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
        gone: list[tuple[Place, Manifest]] = []
        for place, found in sealed[: max(0, len(sealed) - keep)]:
            is_needed = needed is not None and any(
                part.end.sequence > needed.get(name, 0) for name, part in found.streams.items()
            )
            if held.get(place.position) != found or is_needed or _age_s(place) < age_s:
                break
            gone.append((place, found))
        if gone:
            following = [place.position for place, _ in sealed[len(gone) :]] + [after]
            ends = {name: part.end for name, part in gone[-1][1].streams.items()}
            trimmed.remove(directory, Trim(following[0], ends), [place.path for place, _ in gone])
        return [place.path.name for place, _ in gone]
    finally:
        lock.release()


def _sealed(directory: Path) -> tuple[list[tuple[Place, Manifest]], int]:
    """The sealed segments up to the first one that is not, in order; the position after them."""
    segments = Segments.open_reading(directory)
    try:
        sealed: list[tuple[Place, Manifest]] = []
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
