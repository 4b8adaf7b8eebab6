"""Sealed segments as compressed files, and journals made of them again.

::

    archive/
      journal-00000001.mdb.zst    the segment's file, zstandard
      journal-00000001.json       its manifest, as it is in the journal

The manifest holds the file's SHA-256 and where each stream's chain begins and ends in it, so an
archive is proven without unpacking it to disk, and a journal that is restored from it bit by bit
is the very one that was archived.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import zstandard

from components.oracle.store import backup, environment, manifest, watermark
from components.oracle.store.backup import BackupError
from components.oracle.store.errors import JournalCorruptError
from components.oracle.store.manifest import Manifest
from components.oracle.store.recovery import joint_problem
from components.oracle.store.segments import Place, Segments, place_at, places
from components.oracle.store.verify import Report

_DATA_SUFFIX: Final = ".mdb.zst"
_MANIFEST_SUFFIX: Final = ".json"
_PREFIX: Final = "journal-"
_BLOCK: Final = 4 << 20
_LEVEL: Final = 6


@dataclass(frozen=True)
class Archived:
    """One segment in an archive."""

    position: int
    name: str
    path: Path
    manifest: Manifest
    size_bytes: int


def archive(source: Path, target: Path) -> list[Archived]:
    """Compress each sealed segment that the archive does not have yet; those that are new.

    Each is unpacked again and compared with its manifest before it bears its name.
    """
    segments = Segments.open_reading(source)
    try:
        sealed = [
            (place, found)
            for place in segments.places
            if place != segments.active.place and (found := segments.manifest(place)) is not None
        ]
    finally:
        segments.close()
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = {each.position: each for each in contents(target)}
        added = []
        for place, found in sealed:
            there = known.get(place.position)
            if there is None:
                added.append(_add(place, found, target))
            elif there.manifest != found:
                raise BackupError(
                    f"{there.path} is of another journal than {source}; "
                    "choose an archive of its own"
                )
        return added
    except OSError as error:
        raise BackupError(f"cannot write the archive {target}: {error.strerror}") from None


def contents(directory: Path) -> list[Archived]:
    """What an archive holds, in order; JournalCorruptError if a manifest is damaged."""
    found = []
    for path in sorted(directory.glob(f"{_PREFIX}*{_DATA_SUFFIX}")):
        name = path.name.removesuffix(_DATA_SUFFIX)
        told = manifest.read_file(directory / f"{name}{_MANIFEST_SUFFIX}")
        if told is None:
            raise JournalCorruptError(f"{path} has no manifest beside it")
        found.append(Archived(told.position, name, path, told, path.stat().st_size))
    return sorted(found, key=lambda each: each.position)


def problems(directory: Path) -> list[str]:
    """Prove an archive without unpacking it to disk: each file's digest, and the joints."""
    try:
        held = contents(directory)
    except JournalCorruptError as error:
        return [str(error)]
    found = [problem for each in held if (problem := _problem(each))]
    for before, after in pairwise(held):
        ends = {name: part.end for name, part in before.manifest.streams.items()}
        begins = {name: part.begin for name, part in after.manifest.streams.items()}
        joint = joint_problem(Place(after.position, after.path), ends, begins)
        found += [joint] if joint else []
    return found


def restore(sources: Sequence[Path], target: Path) -> Report:
    """Make a journal of what archives, backups and journals hold together; its proof.

    A segment that several have is taken from the first.  BackupError if the target exists, if
    nothing is found, or if the journal cannot be proven: then nothing is left of it.
    """
    with backup.growing(target) as partial:
        heads: list[bytes] = []
        for source in sources:
            if places(source):
                heads += _restore_journal(source, partial)
            else:
                _restore_archive(source, partial)
        _reopen_last(partial)
        return backup.proven(partial, heads)


def _restore_archive(source: Path, target: Path) -> None:
    held = contents(source)
    if not held:
        raise BackupError(f"{source} holds neither a journal nor an archive of one")
    for each in held:
        path = place_at(target, each.position).path
        if path.exists():
            continue
        path.mkdir(mode=0o700)
        data = environment.data_file(path)
        digest = hashlib.sha256()
        with data.open("xb") as file:
            for block in _unpacked(each.path):
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != each.manifest.file_sha256:
            raise JournalCorruptError(_changed(each, digest.hexdigest()))
        data.chmod(0o400)
        shutil.copyfile(source / f"{each.name}{_MANIFEST_SUFFIX}", path / manifest.FILE_NAME)


def _restore_journal(source: Path, target: Path) -> list[bytes]:
    """Copy the segments that are not there yet; the heads that the journal had."""
    mark = watermark.read(source)
    segments = Segments.open_reading(source)
    try:
        active = segments.active
        for place in segments.places:
            if not (target / place.path.name).exists():
                backup.copy_segment(segments, place, target)
        heads = [active.last_link(name).digest for name in active.layouts]
    finally:
        segments.close()
    backup.write_watermark(target, mark)
    return heads


def _reopen_last(directory: Path) -> None:
    """Let a writer go on in the newest segment: it is sealed no more."""
    newest = places(directory)[-1].path
    (newest / manifest.FILE_NAME).unlink(missing_ok=True)
    environment.data_file(newest).chmod(0o600)


def _add(place: Place, found: Manifest, target: Path) -> Archived:
    name = place.path.name
    path = target / f"{name}{_DATA_SUFFIX}"
    growing = target / f"{path.name}.new"
    try:
        with environment.data_file(place.path).open("rb") as data, growing.open("wb") as file:
            zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).copy_stream(data, file)
            file.flush()
            os.fsync(file.fileno())
        added = Archived(place.position, name, growing, found, growing.stat().st_size)
        problem = _problem(added)
        if problem:
            raise JournalCorruptError(problem)
        told = target / f"{name}{_MANIFEST_SUFFIX}"
        shutil.copyfile(place.path / manifest.FILE_NAME, told)
        backup.sync(told)
        growing.rename(path)
        backup.sync(target)
    finally:
        growing.unlink(missing_ok=True)
    return Archived(place.position, name, path, found, path.stat().st_size)


def _problem(each: Archived) -> str | None:
    digest = hashlib.sha256()
    try:
        for block in _unpacked(each.path):
            digest.update(block)
    except JournalCorruptError as error:
        return str(error)
    if digest.hexdigest() != each.manifest.file_sha256:
        return _changed(each, digest.hexdigest())
    return None


def _changed(each: Archived, digest: str) -> str:
    return (
        f"{each.path} unpacks to a file with the SHA-256 {digest}; "
        f"it was sealed with {each.manifest.file_sha256}"
    )


def _unpacked(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from zstandard.ZstdDecompressor().read_to_iter(file, write_size=_BLOCK)
    except (zstandard.ZstdError, OSError) as error:
        raise JournalCorruptError(f"{path} cannot be unpacked: {error}") from None
