"""How often an engine's process shows its state to people: as asked, but never at much expense.

A look over a hundred thousand accounts takes milliseconds, over two books microseconds.  So the
time that showing took decides how long it is not done again, and the pipeline keeps the rest.  What
counts is the shorter of the last two times: the first one loads code, and a process that lost its
CPU in the middle of one has not become expensive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from disruptor.memory.libc import monotonic_ns

REST: Final = 50
"""For each nanosecond of showing, at least so many of work."""


class Showing:
    """Calls ``publish``, which copies a state into shared memory; for the state's own thread."""

    def __init__(
        self, publish: Callable[[], None], now_ns: Callable[[], int] = monotonic_ns
    ) -> None:
        self._publish = publish
        self._now_ns = now_ns
        self._not_before = 0
        self._took = 0

    def offer(self) -> None:
        """Publish, unless the last times were so long that the work needs the time."""
        began = self._now_ns()
        if began < self._not_before:
            return
        self._publish()
        ended = self._now_ns()
        before, self._took = self._took, ended - began
        self._not_before = ended + REST * min(before, self._took)
