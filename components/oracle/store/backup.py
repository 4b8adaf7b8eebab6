"""A copy of a whole journal, made while it is written, and proven before it bears its name.

The watermark and what lies beside the segments are copied first, then the segments in order: so
the copy never promises more than it holds.  Sealed files are copied as they are, the one that is
written to through LMDB, which sees one commit of it.  The copy grows in ``<target>.partial`` and
is renamed once every record is proven, each file synced, and the heads that the journal had at
the beginning are met in it.  Retention may give up the oldest segments meanwhile: then the copy
begins again with those that are left.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import lmdb

from components.oracle.store import environment, trimmed, watermark
from components.oracle.store.errors import JournalError, JournalTrimmedError
from components.oracle.store.segments import Place, Segments, places
from components.oracle.store.verify import Report, verify

_PARTIAL: Final = ".partial"
_ATTEMPTS: Final = 10


class BackupError(JournalError):
    """A copy could not be made, or is not what it was copied from."""


def backup(
    source: Path, target: Path, beside: Sequence[str] = (), within: Sequence[str] = ()
) -> tuple[Report, ...]:
    """Copy the journal at ``source`` to a new directory; what the copy's proof found.

    ``beside`` names folders of the journal that belong to the copy too, ``within`` those that
    are journals themselves, each copied after it and proven like it, with a report of its own.
    BackupError if the target exists, there is no room, or a copy cannot be proven; nothing is
    left of it then.
    """
    with growing(target) as partial:
        for folder in beside:
            if (source / folder).is_dir():
                shutil.copytree(source / folder, partial / folder, ignore=_unfinished)
        reports = [_copied(source, partial)]
        for folder in within:
            if places(source / folder):
                (partial / folder).mkdir(mode=0o700)
                reports.append(_copied(source / folder, partial / folder))
        return tuple(reports)


def _copied(source: Path, target: Path) -> Report:
    """Copy the journal at ``source`` into an empty directory, and prove the copy.

    A segment that vanished was older than all that are left, as are those copied before it.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _copied_at_once(source, target)
        except JournalTrimmedError:
            continue
    raise BackupError(
        f"retention removes segments of {source} faster than they can be copied; keep more of them"
    )


def _copied_at_once(source: Path, target: Path) -> Report:
    """``_copied``; JournalTrimmedError, and no segment is left, if one goes before it is copied."""
    mark = watermark.read(source)
    segments = Segments.open_reading(source)
    try:
        active = segments.active
        heads = [active.last_link(name).digest for name in active.layouts]
        trimmed.copy(source, target)
        for place in segments.places:
            copy_segment(segments, place, target)
    except JournalTrimmedError:
        for place in segments.places:
            shutil.rmtree(target / place.path.name, ignore_errors=True)
        raise
    finally:
        segments.close()
    write_watermark(target, mark)
    return proven(target, heads)


@contextmanager
def growing(target: Path) -> Iterator[Path]:
    """A directory that becomes ``target`` at the end of the block, and nothing if it fails."""
    if target.exists():
        raise BackupError(f"{target} exists already; choose a directory that does not")
    partial = target.with_name(target.name + _PARTIAL)
    try:
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(mode=0o700, parents=True)
        environment.refuse_remote_filesystem(partial)
        yield partial
        sync_tree(partial)
        partial.rename(target)
        environment.sync_directories(target.resolve().parent)
    except (OSError, lmdb.Error) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise BackupError(f"cannot write {target}: {error}") from None
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def copy_segment(segments: Segments, place: Place, directory: Path) -> None:
    """Copy one segment into ``directory``, under its name; JournalTrimmedError if it is gone."""
    with segments.present(place):
        _copy_segment(segments, place, directory)


def _copy_segment(segments: Segments, place: Place, directory: Path) -> None:
    copy = directory / place.path.name
    copy.mkdir(mode=0o700)
    is_sealed = place != segments.active.place and segments.manifest(place) is not None
    if is_sealed:
        shutil.copytree(place.path, copy, dirs_exist_ok=True, ignore=_locks)
        environment.data_file(copy).stat()  # a folder that is being removed may be empty already
        return
    with segments.using(place) as segment:
        segment.engine.copy(str(copy))


def write_watermark(directory: Path, mark: watermark.Watermark | None) -> None:
    """Note in a copy how far it is known to reach."""
    if mark is None:
        return
    file = watermark.WatermarkFile(directory)
    try:
        file.write(mark)
    finally:
        file.close()


def proven(directory: Path, heads: Sequence[bytes]) -> Report:
    """The proof of a copy; BackupError if it is not whole or lacks one of these heads."""
    report = verify(directory, deep=True, expected=heads)
    if not report.ok:
        raise BackupError(f"the copy could not be proven: {report.problems[0]}")
    return report


def sync_tree(directory: Path) -> None:
    """Put every file and directory below on disk."""
    for path in (*directory.rglob("*"), directory):
        sync(path)


def sync(path: Path) -> None:
    """Put one file, or the names in one directory, on disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_Ignore = Callable[[str, list[str]], set[str]]
_locks: Final[_Ignore] = shutil.ignore_patterns("lock.mdb")
_unfinished: Final[_Ignore] = shutil.ignore_patterns("*.new")
