"""The tail of the raw journal: entries in a mapped file, until they are a block.

    byte 0       one entry after the other:
                 size      uint32   bytes of the payload
                 check     uint32   CRC-32 of the payload
                 received  int64    ns since the epoch
                 source    uint16   number of the connection
                 kind      uint16   FRAME … ; 0: there is no entry here
                 payload
    zeros to the end

A mapped page belongs to the kernel: what is written survives the death of the process, at the price
of a copy and no system call.  The payload is written before its header, so that a death between
the two leaves a kind of 0, which ends the file; after a power failure, which may keep any pages, the
check ends it at the first entry that is not whole.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

FRAME: Final = 1
STARTED: Final = 2  # a feed begins; payload: what it parses with, as JSON
OPENED: Final = 3  # a connection was made; payload: its name, address and streams, as JSON
CLOSED: Final = 4  # it ended; payload: why
DOWN: Final = 5  # nothing stands in for it; payload: its streams, as JSON
BOOK: Final = 6  # the answer to a request for a whole book
CONTINUED: Final = 7  # first of a segment: the feed that began before it, with STARTED's payload
KINDS: Final = frozenset((FRAME, STARTED, OPENED, CLOSED, DOWN, BOOK, CONTINUED))

_HEADER: Final = struct.Struct("<IIqHH")
assert _HEADER.size == 20


class Entry(NamedTuple):
    """One thing that happened: a frame, or something with a connection."""

    kind: int
    source: int
    received_ns: int
    payload: bytes


class Tail:
    """A tail file that is written, by one thread."""

    def __init__(self, path: Path, capacity: int) -> None:
        self.path = path
        self.filled = 0
        self.entries = 0
        self.first_ns = 0
        self.last_ns = 0
        self._capacity = capacity
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.posix_fallocate(descriptor, 0, capacity)  # a full disk fails here, not in the map
            self._map = mmap.mmap(descriptor, capacity)
        finally:
            os.close(descriptor)

    def add(self, kind: int, source: int, received_ns: int, payload: bytes) -> bool:
        """Write an entry; False if it does not fit."""
        start = self.filled + _HEADER.size
        end = start + len(payload)
        if end > self._capacity:
            return False
        self._map[start:end] = payload
        check = zlib.crc32(payload)
        _HEADER.pack_into(self._map, self.filled, len(payload), check, received_ns, source, kind)
        self.filled = end
        self.first_ns = received_ns if self.entries == 0 else self.first_ns
        self.last_ns = max(self.last_ns, received_ns)
        self.entries += 1
        return True

    def content(self) -> bytes:
        """Everything written so far."""
        return self._map[: self.filled]

    def close(self) -> None:
        """Let go of the map; the file stays."""
        self._map.close()

    @staticmethod
    def size_of(payload: bytes) -> int:
        """How much room an entry takes."""
        return _HEADER.size + len(payload)


def entries(content: bytes) -> Iterator[Entry]:
    """The whole entries at the beginning of ``content``."""
    at = 0
    while at + _HEADER.size <= len(content):
        size, check, received_ns, source, kind = _HEADER.unpack_from(content, at)
        start = at + _HEADER.size
        payload = content[start : start + size]
        if kind not in KINDS or len(payload) < size or zlib.crc32(payload) != check:
            return
        yield Entry(kind, source, received_ns, payload)
        at = start + size


def continued_size(content: bytes) -> int:
    """How many bytes a CONTINUED at the beginning of ``content`` takes, 0 if there is none."""
    first = next(entries(content), None)
    return Tail.size_of(first.payload) if first is not None and first.kind == CONTINUED else 0


def whole_size(content: bytes) -> int:
    """How many bytes of ``content`` whole entries take."""
    return sum(Tail.size_of(entry.payload) for entry in entries(content))
