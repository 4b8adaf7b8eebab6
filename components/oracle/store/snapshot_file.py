"""Snapshot files: named parts under one checksum, written whole or not at all.

::

    "JSNP" │ version u16 │ spare u16 │ header's length u32 │ header, JSON │ parts │ SHA-256

The header holds what the caller tells, and the length of each part in order.  A file is written
beside its name, synced, renamed, and its directory synced, so that whatever carries the name is
whole; it is proven all the same whenever it is read.  The name carries the sequence, so the
newest is found without opening any.  A bad file is passed over, never removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.oracle.store import environment
from components.oracle.store.errors import JournalError

_MAGIC: Final = b"JSNP"
_VERSION: Final = 1
_HEAD: Final = struct.Struct("<4sHHI")
_PREFIX: Final = "snapshot-"
_SUFFIX: Final = ".snap"
_DIGEST_BYTES: Final = 32
KEPT_AT_LEAST: Final = 2
"""However old: one damaged snapshot must leave another."""


class SnapshotError(JournalError):
    """A snapshot that is damaged, or that does not belong to what it is used for."""


@dataclass(frozen=True, order=True)
class SnapshotPlace:
    """Where a snapshot lies, and the sequence at which it was taken."""

    sequence: int
    path: Path


def write(
    directory: Path, sequence: int, header: Mapping[str, Any], parts: Mapping[str, bytes]
) -> SnapshotPlace:
    """Write one, on disk when this returns; an existing one of the same sequence is replaced.

    SnapshotError if the disk refuses; what was there before is untouched then.
    """
    sizes = [[name, len(part)] for name, part in parts.items()]
    text = json.dumps({**header, "parts": sizes}, sort_keys=True).encode()
    place = SnapshotPlace(sequence, directory / f"{_PREFIX}{sequence:020d}{_SUFFIX}")
    temporary = directory / f"{_PREFIX}{sequence:020d}.{os.getpid()}.new"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        _remove_unfinished(directory)
        with open(temporary, "xb", opener=_private) as file:
            digest = hashlib.sha256()
            for block in (_HEAD.pack(_MAGIC, _VERSION, 0, len(text)), text, *parts.values()):
                digest.update(block)
                file.write(block)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(place.path)
        environment.sync_directories(directory)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SnapshotError(f"cannot write the snapshot {place.path}: {error.strerror}") from None
    return place


def read(path: Path) -> tuple[dict[str, Any], dict[str, memoryview]]:
    """The header and the parts; SnapshotError unless every byte is as it was written."""
    try:
        content = memoryview(path.read_bytes())
    except OSError as error:
        raise SnapshotError(f"cannot read the snapshot {path}: {error.strerror}") from None
    body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if len(body) < _HEAD.size or hashlib.sha256(body).digest() != digest:
        raise SnapshotError(f"the snapshot {path} is damaged: its bytes have another digest")
    magic, version, _, length = _HEAD.unpack_from(body)
    if magic != _MAGIC or version != _VERSION:
        raise SnapshotError(f"the snapshot {path} has version {version}, expected {_VERSION}")
    header = json.loads(bytes(body[_HEAD.size : _HEAD.size + length]))
    parts = {}
    start = _HEAD.size + length
    for name, size in header.pop("parts"):
        parts[name] = body[start : start + size]
        start += size
    return header, parts


def found_in(directory: Path) -> list[SnapshotPlace]:
    """All snapshots, the newest first."""
    found = []
    for path in directory.glob(f"{_PREFIX}*{_SUFFIX}"):
        number = path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
        if number.isdecimal():
            found.append(SnapshotPlace(int(number), path))
    return sorted(found, reverse=True)


def retire(directory: Path, keep: int, age_s: float) -> list[SnapshotPlace]:
    """Remove those that have ``keep`` newer ones, and those older than ``age_s``; at least two stay.

    Age is that of the file.  Returns what was removed.
    """
    now = time.time()
    removed = []
    for number, place in enumerate(found_in(directory)):
        if number < KEPT_AT_LEAST:
            continue
        if number >= keep or now - place.path.stat().st_mtime > age_s:
            place.path.unlink()
            removed.append(place)
    return removed


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _remove_unfinished(directory: Path) -> None:
    """What a process that was killed left; there is one writer of snapshots at a time."""
    for path in directory.glob(f"{_PREFIX}*.new"):
        path.unlink(missing_ok=True)
