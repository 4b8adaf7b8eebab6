"""How far the journal is known to reach, kept outside of the database.

LMDB alone cannot tell that its end is missing: with the newest of its two meta pages damaged it
opens the state before and is content.  So after each commit the writer notes here, in one small
``pwrite`` without a sync of its own (about 2 µs), which commit was the last, which was the last
that is safely on disk, and where each stream stood.  A journal that reaches less far than
``durable`` has lost something that was acknowledged.

::

    "JMRK" │ version u16 │ streams u16 │ committed u64 │ durable u64
    then for each stream:  name 16s │ last sequence u64 │ durable sequence u64 │ digest 32s
    then SHA-256 over all before it

After a power failure this file may be older than the database (harmless: it promises less) or
torn (its checksum tells; then nothing counts as unacknowledged, and nothing is ever cut).
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FILE_NAME: Final = "watermark"
_MAGIC: Final = b"JMRK"
_VERSION: Final = 1
_HEAD: Final = struct.Struct("<4sHHQQ")
_STREAM: Final = struct.Struct("<16sQQ32s")
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class StreamMark:
    """How far one stream was committed, and how far it is safely on disk."""

    sequence: int
    durable_sequence: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Watermark:
    """What the writer last knew."""

    committed: int
    durable: int
    streams: Mapping[str, StreamMark]


def encode(mark: Watermark) -> bytes:
    """The file's bytes."""
    parts = [_HEAD.pack(_MAGIC, _VERSION, len(mark.streams), mark.committed, mark.durable)]
    for name, stream in sorted(mark.streams.items()):
        fields = (stream.sequence, stream.durable_sequence, stream.digest)
        parts.append(_STREAM.pack(name.encode(), *fields))
    content = b"".join(parts)
    return content + hashlib.sha256(content).digest()


def decode(data: bytes) -> Watermark | None:
    """What the bytes say; None if they are torn, damaged or of another version."""
    content, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if len(content) < _HEAD.size or hashlib.sha256(content).digest() != digest:
        return None
    magic, version, count, committed, durable = _HEAD.unpack_from(content)
    if magic != _MAGIC or version != _VERSION or len(content) != _HEAD.size + count * _STREAM.size:
        return None
    streams = {}
    for name, *fields in _STREAM.iter_unpack(content[_HEAD.size :]):
        streams[name.rstrip(b"\0").decode()] = StreamMark(*fields)
    return Watermark(committed, durable, streams)


def read(directory: Path) -> Watermark | None:
    """The journal's watermark; None if there is no readable one."""
    try:
        return decode((directory / _FILE_NAME).read_bytes())
    except FileNotFoundError:
        return None


class WatermarkFile:
    """The writer's open handle on the file."""

    def __init__(self, directory: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._handle = os.open(directory / _FILE_NAME, flags, 0o600)
        self._size = os.fstat(self._handle).st_size

    def write(self, mark: Watermark) -> None:
        """Replace the content; visible to other processes at once, on disk when the kernel likes.

        A reader that looks in between sees a checksum that does not fit and looks again.
        """
        data = encode(mark)
        os.pwrite(self._handle, data, 0)
        if len(data) != self._size:
            os.ftruncate(self._handle, len(data))
            self._size = len(data)

    def close(self) -> None:
        """Put it on disk and close it."""
        os.fsync(self._handle)
        os.close(self._handle)
