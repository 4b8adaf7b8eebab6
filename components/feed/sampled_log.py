"""Warnings about bad input: the first few of each reason, then few, however many come."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Final

FIRST: Final = 5
THEN_EVERY: Final = 1_000
DETAIL_MAX: Final = 120


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
            self._logger.warning("%s dropped: %s (number %d) %r", where, reason, count, shown)
