"""Looks into segments without being able to change them, and without being noticed.

Everybody else attaches with write access, because a consumer's own line lies in the segment.  Who
only inspects maps it read-only: the kernel itself sees to it that a live ring is not disturbed.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from disruptor.errors import SegmentError
from disruptor.memory.process_identity import ProcessIdentity, pid_namespace
from disruptor.memory.segment import HEADER, HEADER_BYTES, MAGIC, SHARED_MEMORY_DIRECTORY, existing


@dataclass(frozen=True)
class SegmentInfo:
    """What a segment's first line says."""

    name: str
    kind: str
    version: int
    size: int
    owner: ProcessIdentity
    is_provable: bool  # False in another PID namespace: whether its owner lives cannot be told

    @property
    def owner_is_alive(self) -> bool:
        """Whether the owner lives, or may live."""
        return not self.is_provable or self.owner.is_alive()


class SegmentView:
    """A segment that is mapped read-only; any process of its user."""

    def __init__(self, name: str) -> None:
        """Raises SegmentError when there is none, or it is not one of ours."""
        path = f"{SHARED_MEMORY_DIRECTORY}/{name}"
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise SegmentError(
                f"shared memory {name!r} cannot be looked at: {error.strerror}"
            ) from None
        try:
            size = os.fstat(descriptor).st_size
            if size < HEADER_BYTES:
                raise SegmentError(f"shared memory {name!r} is too small to be one of ours")
            self._mapping = mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ)
        finally:
            os.close(descriptor)
        self._bytes = np.frombuffer(self._mapping, np.uint8)
        header = self.array(HEADER, 1, 0)[0]
        if header["magic"] != MAGIC:
            raise SegmentError(
                f"shared memory {name!r} holds magic={int(header['magic']):#x}; "
                f"a segment of ours holds {MAGIC:#x}"
            )
        self.info = SegmentInfo(
            name=name,
            kind=bytes(header["kind"]).decode(errors="replace"),
            version=int(header["version"]),
            size=int(header["size"]),
            owner=ProcessIdentity(int(header["pid"]), int(header["start_time"])),
            is_provable=bool(header["pid_namespace"] == pid_namespace()),
        )

    def array(self, dtype: DTypeLike, count: int, offset: int) -> NDArray[Any]:
        """A read-only view of ``count`` items from byte ``offset``."""
        kind = np.dtype(dtype)
        end = offset + count * kind.itemsize
        if end > len(self._bytes):
            raise SegmentError(f"the segment has {len(self._bytes)} bytes and not {end}")
        return self._bytes[offset:end].view(kind)


def segments(prefix: str = "") -> list[SegmentInfo]:
    """All segments of ours on this machine whose names start with ``prefix``."""
    found = []
    for name in existing(prefix):
        try:
            found.append(SegmentView(name).info)
        except SegmentError:
            continue  # somebody else's, not yet published, or gone meanwhile
    return found
