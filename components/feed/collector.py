"""How the feed's process lives with Python's garbage collector."""

from __future__ import annotations

import gc
from typing import Final

_THRESHOLD: Final = 100_000
"""Frames make no cycles, yet each allocates enough to have the collector walk everything that is kept."""


def spare_the_collector() -> None:
    """What exists now is never looked at again, what comes seldom."""
    gc.freeze()
    gc.set_threshold(_THRESHOLD)
