"""The chain of one stream: what must hold between a record and the one before it.

A link is where a chain stands: the last sequence and the digest of its record.  ``follow`` takes
one record further, or says exactly what is wrong.  Writer, readers and the verifier all use it,
so there is one notion of a good journal.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from components.oracle.store import record
from components.oracle.store.errors import JournalCorruptError


@dataclass(frozen=True, slots=True)
class Link:
    """Where a stream's chain stands; sequence 0 is its beginning."""

    sequence: int
    digest: bytes
    last_ts: int
    commit: int


@dataclass(frozen=True, slots=True)
class StreamLayout:
    """What every record of a stream must agree with, and where a segment's part of it begins."""

    name: str
    text: str
    fingerprint: int
    itemsize: int
    begin: Link | None = None

    def start(self) -> Link:
        """Where this part of the chain begins: behind an earlier segment, or at its genesis."""
        return self.begin or self.genesis()

    def genesis(self) -> Link:
        """The beginning: its digest binds the chain to the stream's name and layout."""
        seed = b"journal-genesis-1\0" + self.name.encode() + b"\0" + self.text.encode()
        return Link(sequence=0, digest=hashlib.sha256(seed).digest(), last_ts=0, commit=0)


def follow(layout: StreamLayout, link: Link, key: bytes | memoryview, value: memoryview) -> Link:
    """The link after this record; JournalCorruptError names stream, sequences and digests."""
    return _next(layout, link, key, value) or _judge(layout, link, key, value)


def _next(
    layout: StreamLayout, link: Link, key: bytes | memoryview, value: memoryview
) -> Link | None:
    """The link after a record with which all is well, in one go, as there may be millions of
    small ones; None if something is not."""
    if len(value) < record.HEADER_BYTES:
        return None
    magic, version, size, stream, *numbers, previous, digest = record.unpack(value)
    first, count, _, last_ts, commit, fingerprint = numbers
    if (
        (magic, version, size) == record.START
        and previous == link.digest
        and first == link.sequence + 1
        and record.key_of(first) == key
        and stream.rstrip(b"\0") == layout.name.encode()
        and fingerprint == layout.fingerprint
        and 0 < count * layout.itemsize == len(value) - record.HEADER_BYTES
        and commit > link.commit
        and last_ts >= link.last_ts
        and record.digest_of(value) == digest
    ):
        return Link(first + count - 1, digest, last_ts, commit)
    return None


def _judge(layout: StreamLayout, link: Link, key: bytes | memoryview, value: memoryview) -> Link:
    """``follow``, step by step, for a record with which something is wrong."""
    try:
        header = record.parse(value)
        _check_header(layout, link, header, record.sequence_of(key), len(value))
    except JournalCorruptError as error:
        raise JournalCorruptError(
            f"stream {layout.name}, record that starts at sequence {link.sequence + 1}: {error}"
        ) from None
    where = f"stream {layout.name}, record {header.first_sequence}–{header.last_sequence}"
    actual = record.digest_of(value)
    if actual != header.digest:
        raise JournalCorruptError(
            f"{where}: its bytes have the digest {actual.hex()}, expected {header.digest.hex()}"
        )
    if header.previous != link.digest:
        raise JournalCorruptError(
            f"{where}: it follows a record with the digest {header.previous.hex()}, "
            f"but the one before it has {link.digest.hex()}"
        )
    return Link(header.last_sequence, header.digest, header.last_ts, header.commit)


def _check_header(
    layout: StreamLayout, link: Link, header: record.RecordHeader, key: int, size: int
) -> None:
    if header.stream != layout.name:
        raise JournalCorruptError(f"it belongs to stream {header.stream!r}")
    if not header.first_sequence == key == link.sequence + 1:
        raise JournalCorruptError(
            f"it says sequence {header.first_sequence} under key {key}, "
            f"expected {link.sequence + 1}"
        )
    if header.layout != layout.fingerprint:
        raise JournalCorruptError(
            f"its layout is {header.layout:016x}, expected {layout.fingerprint:016x}"
        )
    body = size - record.HEADER_BYTES
    if header.count < 1 or header.count * layout.itemsize != body:
        raise JournalCorruptError(
            f"it says {header.count} events of {layout.itemsize} bytes, but holds {body} bytes"
        )
    if header.commit <= link.commit or header.last_ts < link.last_ts:
        raise JournalCorruptError(
            f"commit={header.commit} last_ts={header.last_ts} go back behind "
            f"commit={link.commit} last_ts={link.last_ts}"
        )
