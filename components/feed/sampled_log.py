"""Warnings about bad input: the first few of each reason, then few, however many come."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Final

FIRST: Final = 5
THEN_EVERY: Final = 1_000
DETAIL_MAX: Final = 120

OTHERWISE: Final = (
    "See price_feed_malformed_total; if it goes on, compare with the venue's documents."
)
ACTIONS: Final = {
    "off_grid": "Give the instrument the tick and lot size that the venue has now.",
    "unknown_symbol": "List the symbol under feed.symbols and instruments, or subscribe to less.",
    "broken_line": "Make the recording again, or cut what is behind this line.",
    "no_session": "The segment that told its venue is gone: play a journal that still has it.",
    "broken_file": "Make the recording again; it ends in the middle.",
    "out_of_bounds": "Choose a coarser tick or lot size; the number does not fit this one.",
}
"""What to do about a reason, where something can be done here."""


class SampledLog:
    """Logs the first ``FIRST`` of each reason, then one in ``THEN_EVERY``."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._seen: Counter[str] = Counter()

    def warning(self, reason: str, where: str, detail: bytes | str) -> None:
        """One dropped frame or line: why, where it came from, and how it begins."""
        self._seen[reason] += 1
        count = self._seen[reason]
        if count <= FIRST or count % THEN_EVERY == 0:
            shown = detail[:DETAIL_MAX]
            self._logger.warning(
                "%s dropped: %s (number %d) %r",
                where,
                reason,
                count,
                shown,
                extra={"reason": reason, "action": ACTIONS.get(reason, OTHERWISE)},
            )
