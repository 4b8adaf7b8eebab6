"""Arrays that a process shares with the children that it forks: state of handlers in processes.

A handler that runs in a forked process works on a copy of ordinary arrays.  What it should leave
for its parent stands in memory that both map; it has no name and goes with its last process.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def shared_state(dtype: DTypeLike, shape: int | tuple[int, ...] = 1) -> NDArray[Any]:
    """A zeroed array that children forked later share; for any thread."""
    kind = np.dtype(dtype)
    count = int(np.prod(shape))
    memory = mmap.mmap(-1, max(1, count * kind.itemsize))
    return np.frombuffer(memory, kind, count).reshape(shape)
