"""Latency between two clocks that disagree: what is left after the smallest difference seen.

Receive time minus the venue's time is transport plus the offset of the two clocks, and may be far
below zero (a recorder 1.27 s behind its exchange is among the data that we test with).  The
running minimum of that difference estimates offset plus the fastest transport; what a frame took
beyond it is the delay that matters, and never negative.  The minimum is taken over two windows in
turn, so that it follows a drifting clock upwards within ``2 * WINDOW_NS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

DIFFERENCES_MAX: Final = 4_096
WINDOW_NS: Final = 300 * 1_000_000_000
_NOTHING: Final = np.iinfo(np.int64).max


class ClockOffset:
    """The running minimum of receive time minus venue's time, ns."""

    def __init__(self) -> None:
        self._window_start_ns = 0
        self._minimum = int(_NOTHING)
        self._minimum_before = int(_NOTHING)

    @property
    def offset_ns(self) -> int | None:
        """The offset now; None before the first frame."""
        least = min(self._minimum, self._minimum_before)
        return None if least == _NOTHING else least

    def latencies_ns(
        self, now_ns: int, differences_ns: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The latency of each difference, in order received; ``now_ns`` moves the windows on."""
        if now_ns - self._window_start_ns > WINDOW_NS:
            self._window_start_ns = now_ns
            self._minimum_before, self._minimum = self._minimum, int(_NOTHING)
        values = np.array(differences_ns, np.int64)
        known = min(self._minimum, self._minimum_before)
        least = np.minimum(np.minimum.accumulate(values), known)
        self._minimum = min(self._minimum, int(values.min()))
        latencies: NDArray[np.int64] = values - least
        return latencies
