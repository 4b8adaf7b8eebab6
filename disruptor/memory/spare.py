"""Memory that is not needed any more, given back: before a process forks, or begins to serve.

Loading leaves gaps that the allocator keeps for itself, garbage that the collector has yet to find,
and pages of the compiler's code, though nothing will be compiled.  Whatever is there when a process forks is
shared with its children, and copied page by page for whoever writes to it first; so the collector,
which writes to every object that it looks at, is told to leave alone what is there.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_MADV_DONTNEED: Final = 4


def give_back(*libraries: str) -> None:
    """Collect, keep what is left out of later collections, and give free pages back.

    ``libraries``: parts of the names of shared libraries whose code is read from the file again if it
    is called once more.
    """
    gc.collect()
    gc.freeze()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.malloc_trim(ctypes.c_size_t(0))
    for first, size in _code_of(libraries):
        # Code is never written to, so dropping it loses nothing: the next call maps it again.
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(size), _MADV_DONTNEED)


def _code_of(libraries: tuple[str, ...]) -> list[tuple[int, int]]:
    """Address and size of each mapping of their code."""
    found = []
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            place, rights, *_, name = line.split()
            if rights == "r-xp" and any(each in name.rpartition("/")[2] for each in libraries):
                first, last = (int(each, 16) for each in place.split("-"))
                found.append((first, last - first))
    return found
