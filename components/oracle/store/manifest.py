"""What a sealed segment holds, beside its file: ``manifest.json``.

A segment is sealed once nothing will ever be added: its file is hashed, described here, and made
read-only.  The manifest tells where each stream begins and ends in it, so that a start need not
read what was proven when it was written, and carries a digest of its own.  It is written beside
its name, synced and renamed, so that there is either a whole one or none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.oracle.store import environment
from components.oracle.store.chain import Link
from components.oracle.store.errors import JournalCorruptError

FILE_NAME: Final = "manifest.json"
_VERSION: Final = 1
_SEALED_MODE: Final = 0o400
_HASHED_AT_ONCE: Final = 4 << 20


@dataclass(frozen=True)
class StreamPart:
    """One stream's part of a segment; empty when it ends where it begins."""

    begin: Link
    end: Link
    records: int
    first_ts: int


@dataclass(frozen=True)
class Manifest:
    """All that is known of a sealed segment without opening it."""

    position: int
    commit: int
    file_bytes: int
    file_sha256: str
    streams: Mapping[str, StreamPart]


def read(segment: Path) -> Manifest | None:
    """The segment's manifest; None if it has none.  JournalCorruptError if it is damaged."""
    return read_file(segment / FILE_NAME)


def read_file(path: Path) -> Manifest | None:
    """The manifest in this file, wherever it lies."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        values = json.loads(text)
        digest = values.pop("digest")
        if digest != _digest(values) or values.pop("version") != _VERSION:
            raise ValueError("its digest is another one")
        streams = {
            name: StreamPart(
                environment.link_from_json(part["begin"]),
                environment.link_from_json(part["end"]),
                part["records"],
                part["first_ts"],
            )
            for name, part in values.pop("streams").items()
        }
        return Manifest(**values, streams=streams)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalCorruptError(
            f"{path} is damaged ({error}); if {path.parent} verifies without it, "
            "remove it, and the next start seals the segment again"
        ) from None


def seal(segment: Path, position: int, commit: int, streams: Mapping[str, StreamPart]) -> None:
    """Hash the file, describe it, make it read-only; its content is on disk already."""
    data = environment.data_file(segment)
    data.chmod(_SEALED_MODE)
    found = Manifest(position, commit, data.stat().st_size, file_sha256(data), streams)
    _write(segment, found)


def problem(segment: Path, found: Manifest, *, deep: bool) -> str | None:
    """What of the file is not as its manifest says: its size, or with ``deep`` its digest."""
    data = environment.data_file(segment)
    size = data.stat().st_size
    if size != found.file_bytes:
        return f"{data} has {size} bytes; it was sealed with {found.file_bytes}"
    if deep:
        digest = file_sha256(data)
        if digest != found.file_sha256:
            return f"{data} has the SHA-256 {digest}; it was sealed with {found.file_sha256}"
    return None


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_HASHED_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()


def _write(segment: Path, found: Manifest) -> None:
    values: dict[str, Any] = {
        "version": _VERSION,
        "position": found.position,
        "commit": found.commit,
        "file_bytes": found.file_bytes,
        "file_sha256": found.file_sha256,
        "streams": {
            name: {
                "begin": environment.link_to_json(part.begin),
                "end": environment.link_to_json(part.end),
                "records": part.records,
                "first_ts": part.first_ts,
            }
            for name, part in found.streams.items()
        },
    }
    text = json.dumps({**values, "digest": _digest(values)}, indent=1, sort_keys=True)
    temporary = segment / f"{FILE_NAME}.new"
    with temporary.open("w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(_SEALED_MODE)
    temporary.rename(segment / FILE_NAME)
    environment.sync_directories(segment)


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
