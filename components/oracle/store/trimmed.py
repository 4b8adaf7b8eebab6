"""Where a journal begins that has given up its oldest segments: ``trimmed.json``.

They lie in an archive, from which a whole journal can be made again, or were kept for as long as
was asked (retention.py).  The note says which segment
is the first now, and where each stream's chain stood before it, so that what is left still hangs
on what was there.  It is on disk before anything is removed: what a removal that was broken off
has left of older segments no longer belongs to the journal.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.oracle.store import environment
from components.oracle.store.chain import Link
from components.oracle.store.errors import JournalCorruptError

_FILE_NAME: Final = "trimmed.json"
_VERSION: Final = 1


@dataclass(frozen=True)
class Trim:
    """The position of the first segment that is left, and where the streams stood before it."""

    position: int
    ends: Mapping[str, Link]


_NONE: Final = Trim(1, {})


def read(directory: Path) -> Trim:
    """The note; position 1 and no ends for a whole journal.  JournalCorruptError if damaged."""
    path = directory / _FILE_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return _NONE
    try:
        values = json.loads(text)
        if values.pop("digest") != _digest(values) or values["version"] != _VERSION:
            raise ValueError("its digest is another one")
        ends = {name: environment.link_from_json(link) for name, link in values["ends"].items()}
        return Trim(values["position"], ends)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalCorruptError(
            f"{path} is damaged ({error}); restore the journal from its archive"
        ) from None


def copy(source: Path, target: Path) -> None:
    """Let a copy of a journal begin where the journal does."""
    if (source / _FILE_NAME).exists():
        shutil.copyfile(source / _FILE_NAME, target / _FILE_NAME)


def remove(directory: Path, trim: Trim, segments: Sequence[Path]) -> None:
    """Note the new beginning, then remove the segments before it; the caller holds the lock."""
    values: dict[str, Any] = {
        "version": _VERSION,
        "position": trim.position,
        "ends": {name: environment.link_to_json(link) for name, link in trim.ends.items()},
    }
    text = json.dumps({**values, "digest": _digest(values)}, indent=1, sort_keys=True)
    temporary = directory / f"{_FILE_NAME}.new"
    with temporary.open("w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(directory / _FILE_NAME)
    environment.sync_directories(directory)
    for segment in segments:
        shutil.rmtree(segment)
    environment.sync_directories(directory)


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
