"""How long to wait before the next attempt: capped, doubled, with full jitter."""

from __future__ import annotations

import random


class Backoff:
    """Uniform between 0 and ``base · 2ⁿ``, at most ``cap``, after the n-th failure in a row.

    Full jitter keeps many clients that were cut at once from coming back at once.
    """

    def __init__(self, base_s: float, cap_s: float, generator: random.Random) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._generator = generator
        self._failures = 0

    @property
    def failures(self) -> int:
        """Failures since the last reset."""
        return self._failures

    def next_delay_s(self) -> float:
        """The wait after one more failure, seconds."""
        longest = min(self._cap_s, self._base_s * 2.0 ** min(self._failures, 60))
        self._failures += 1
        return self._generator.uniform(0.0, longest)

    def reset(self) -> None:
        """Start small again; call it after healthy data, not merely after a connect."""
        self._failures = 0
