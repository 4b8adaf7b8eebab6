"""A latency histogram for compiled code: exact below 128 ns, then 64 steps an octave (1.6 %)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from disruptor.compiled import inlined

_EXACT: Final = 128
_STEPS: Final = 64
_OCTAVES: Final = 36
BUCKETS: Final = _EXACT + _STEPS * _OCTAVES
PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 99.99)


@inlined
def count(histogram: NDArray[np.int64], value: int) -> None:
    """Count one value, in nanoseconds; ``histogram`` has the shape (BUCKETS,)."""
    histogram[bucket(value)] += 1


@inlined
def bucket(value: int) -> int:
    """Where a value is counted; a negative one counts as 0, one beyond two hours as that."""
    if value < _EXACT:
        return max(value, 0)
    octave = 0
    while value >= 2 * _STEPS and octave < _OCTAVES:
        value >>= 1
        octave += 1
    if octave >= _OCTAVES:
        return BUCKETS - 1
    return min(_EXACT + (octave - 1) * _STEPS + value - _STEPS, BUCKETS - 1)


def bounds() -> NDArray[np.int64]:
    """The largest value of each bucket."""
    exact = np.arange(_EXACT)
    octaves = np.arange(1, _OCTAVES + 1).reshape(-1, 1)
    steps = np.arange(_STEPS, 2 * _STEPS)
    return np.concatenate([exact, (((steps + 1) << octaves) - 1).ravel()])


def percentile(histogram: NDArray[np.int64], wanted: float) -> float:
    """The value below or at which so many per cent lie; not a number when nothing was counted."""
    total = int(histogram.sum())
    if not total:
        return float("nan")
    rank = max(1, int(np.ceil(total * wanted / 100)))
    return float(bounds()[int(np.searchsorted(np.cumsum(histogram), rank))])


def largest(histogram: NDArray[np.int64]) -> float:
    """The largest value, to a bucket's width; not a number when nothing was counted."""
    filled = np.flatnonzero(histogram)
    return float(bounds()[filled[-1]]) if len(filled) else float("nan")
