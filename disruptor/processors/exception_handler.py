"""What becomes of an event whose handler raised.

The default is ``halt``: the processor stops in front of the event and raises, so that nothing is
lost silently; its sequence still gates, and whoever supervises it decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
from typing import Any

_log = logging.getLogger(__name__)


class Verdict(Enum):
    """What the processor does next."""

    SKIP = "the event counts as handled"
    HALT = "the processor stops in front of the event and raises"


ExceptionHandler = Callable[[Exception, int, Any], Verdict]
"""(error, sequence, event or batch) -> Verdict"""


def halt(error: Exception, sequence: int, event: Any) -> Verdict:
    """Stop in front of the event."""
    return Verdict.HALT


def ignore(error: Exception, sequence: int, event: Any) -> Verdict:
    """Go on as if nothing had happened."""
    return Verdict.SKIP


def log(error: Exception, sequence: int, event: Any) -> Verdict:
    """Log the error with its sequence, and go on."""
    _log.error("event %d was skipped: %s: %s", sequence, type(error).__name__, error)
    return Verdict.SKIP
