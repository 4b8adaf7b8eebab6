"""Zeroed arrays whose first record begins with a cache line.

numpy aligns to 16 bytes, so of records that are one line long each would lie in two.  Memory that
is never touched is never given: a large array costs what of it is used.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

CACHE_LINE: Final = 64


def zeros(count: int, dtype: Any) -> NDArray[Any]:
    """``count`` zeroed records."""
    size = count * np.dtype(dtype).itemsize
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    begin = -raw.ctypes.data % CACHE_LINE
    return raw[begin : begin + size].view(dtype)
