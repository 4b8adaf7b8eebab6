"""Whether a mapping's pages are really there: prefaulted, huge, locked; and what the kernel made of it.

Pages of shared memory are allocated when the segment is made, so that no store can fail.  That
leaves the page tables of each process, whose first touch of a page costs some 0.1-0.5 µs in the
middle of the hot path: ``settle`` fills them beforehand.  Huge pages and locking are wishes that a
machine may refuse; nothing fails then, and ``Residency`` says what came of them.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_MADV_HUGEPAGE: Final = 14
_MADV_POPULATE_WRITE: Final = 23  # Linux 5.14
_MADV_COLLAPSE: Final = 25  # Linux 6.1


@dataclass(frozen=True)
class PageOptions:
    """What is wished of a mapping; each process says it for its own."""

    huge_pages: bool = False
    lock: bool = False  # never swapped out


DEFAULT_PAGES: Final = PageOptions()


@dataclass(frozen=True)
class Residency:
    """What the kernel did, in bytes of this process's mapping."""

    mapped: int
    resident: int
    huge: int
    locked: int
    refusals: tuple[str, ...]  # why a wish was not granted, a sentence each


def settle(mapping: mmap.mmap, options: PageOptions) -> tuple[str, ...]:
    """Fill the page tables and try what is wished; why a wish was not granted."""
    refusals = []
    if options.huge_pages and not (_advise(mapping, _MADV_HUGEPAGE) and _collapse(mapping)):
        refusals.append("huge pages: the kernel has none for this shared memory")
    if not _advise(mapping, _MADV_POPULATE_WRITE):
        np.frombuffer(mapping, np.uint8)[:: mmap.PAGESIZE].sum()  # reading maps a page, too
    if options.lock:
        refusals += _lock(mapping)
    return tuple(refusals)


def residency(mapping: mmap.mmap, refusals: tuple[str, ...]) -> Residency:
    """What the kernel tells of a mapping of this process now."""
    address, told = _address(mapping), {}
    with open("/proc/self/smaps", encoding="ascii", errors="replace") as smaps:
        is_ours = False
        for line in smaps:
            key, *rest = line.split()
            if not key.endswith(":"):
                low, high = (int(each, 16) for each in key.split("-"))
                is_ours = low <= address < high
            elif is_ours and rest[-1:] == ["kB"]:
                told[key] = int(rest[0]) * 1024
    return Residency(
        mapped=told.get("Size:", 0),
        resident=told.get("Rss:", 0),
        huge=told.get("ShmemPmdMapped:", 0) + told.get("FilePmdMapped:", 0),
        locked=told.get("Locked:", 0),
        refusals=refusals,
    )


def _address(mapping: mmap.mmap) -> int:
    return int(np.frombuffer(mapping, np.uint8).ctypes.data)


def _advise(mapping: mmap.mmap, advice: int) -> bool:
    try:
        mapping.madvise(advice)
    except OSError:
        return False
    return True


def _collapse(mapping: mmap.mmap) -> bool:
    """Put huge pages in the place of the small ones that are there already."""
    return _advise(mapping, _MADV_COLLAPSE)


def _lock(mapping: mmap.mmap) -> list[str]:
    libc = ctypes.CDLL(None, use_errno=True)
    size = ctypes.c_size_t(len(mapping))
    if libc.mlock(ctypes.c_void_p(_address(mapping)), size) == 0:
        return []
    return [f"lock: {os.strerror(ctypes.get_errno())}; see ulimit -l"]


def fault_in(array: NDArray[Any]) -> None:
    """Let the kernel give an array of this process all of its memory now, not at each first touch.

    The contents stay as they are; nobody else may write to them meanwhile.
    """
    if array.size == 0:
        return
    begin = array.ctypes.data
    first = begin - begin % mmap.PAGESIZE
    size = begin + array.nbytes - first
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(size), _MADV_POPULATE_WRITE) != 0:
        array.view(np.uint8).reshape(-1)[:: mmap.PAGESIZE] |= np.uint8(0)
