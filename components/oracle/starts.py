"""Where a derivation may start: at the newest snapshot before what is asked for.

A snapshot only saves time, as what it holds follows from the commands; but a journal that has
given up its oldest segments can be derived from one only.
"""

from __future__ import annotations

from pathlib import Path

from components.oracle import snapshots
from components.oracle.derivation import Derivation
from components.oracle.snapshots import Snapshot
from components.oracle.store import Journal, JournalError, snapshot_file
from components.oracle.streams import STREAM_DTYPES


def start_before(journal: Journal, command: int) -> Snapshot | None:
    """The newest good snapshot after command ``command`` at most; None to begin at the beginning.

    JournalError if there is none and the beginning lies in an archive.
    """
    found, _ = snapshots.newest(journal, command)
    begin = journal.first_sequence("commands")
    if found is None and begin > 1:
        raise JournalError(
            f"the journal {journal.path} begins at command {begin} and has no snapshot at or before "
            f"command {command}; restore it together with its archive"
        )
    return found


def oldest_start(journal: Journal) -> Snapshot | None:
    """The oldest good snapshot from which on the journal has everything; None for its beginning.

    JournalError if the beginning lies in an archive, and there is no snapshot to begin at.
    """
    begin = journal.first_sequence("commands")
    if begin == 1:
        return None
    for place in reversed(snapshot_file.found_in(snapshots.folder(journal.path))):
        if place.sequence >= begin - 1:
            try:
                return snapshots.load(journal, place.path)
            except snapshot_file.SnapshotError:
                continue
    raise JournalError(
        f"the journal {journal.path} begins at command {begin} and has no snapshot after that to "
        "begin with; restore it together with its archive"
    )


def derivation_before(journal: Journal, command: int) -> Derivation:
    """Both engines at the newest snapshot after command ``command`` at most."""
    found = start_before(journal, command)
    if found is None:
        return Derivation()
    return Derivation(found.shards, found.sentinel, found.commands_last)


def saved_hashes(journal: Journal, first: int, last: int) -> dict[int, str]:
    """The platform's hash in each whole snapshot from command ``first`` to ``last``."""
    found = {}
    for place in snapshot_file.found_in(snapshots.folder(journal.path)):
        if first <= place.sequence <= last:
            try:
                header, _ = snapshot_file.read(place.path)
            except snapshot_file.SnapshotError:
                continue
            found[place.sequence] = str(header["platform_hash"])
    return found


def no_longer_needed(journal: Path, streams: tuple[str, ...]) -> dict[str, int] | None:
    """The last sequence of each stream that no start reads: those behind the last but one snapshot.

    The last but one, because the newest may be found damaged.  None for a journal that is not the
    platform's, as nothing is derived from it.
    """
    if not set(STREAM_DTYPES) <= set(streams):
        return None
    good = []
    for place in snapshot_file.found_in(snapshots.folder(journal)):
        try:
            good.append(snapshot_file.read(place.path)[0]["sequences"])
        except snapshot_file.SnapshotError:
            continue
    return dict(good[1]) if len(good) > 1 else {}
