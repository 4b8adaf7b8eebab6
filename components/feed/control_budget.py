"""How many frames we may send: the venue counts pongs too, and bans who sends more."""

from __future__ import annotations

from typing import Final

_SECOND_NS: Final = 1_000_000_000


class ControlBudget:
    """At most ``per_s`` frames in any second that is not begun in debt.

    A request waits for its turn and leaves one frame over, as a ping must be answered at once: a pong
    is sent in any case, and what it overdraws is paid back before the next request.
    """

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._sent_ns: list[int] = []

    def wait_s(self, now_ns: int) -> float:
        """How long the next request must wait, seconds."""
        self._forget(now_ns)
        over = len(self._sent_ns) - (self._per_s - 2)
        if over < 0:
            return 0.0
        return (self._sent_ns[over] + _SECOND_NS - now_ns) / 1e9

    def spend(self, now_ns: int) -> None:
        """A frame is sent."""
        self._forget(now_ns)
        self._sent_ns.append(now_ns)

    def _forget(self, now_ns: int) -> None:
        while self._sent_ns and self._sent_ns[0] + _SECOND_NS <= now_ns:
            del self._sent_ns[0]
