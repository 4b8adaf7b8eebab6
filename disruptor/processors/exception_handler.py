"""What becomes of an event whose handler raised, and of errors at a processor's start and end.

The default is ``Halt``: the processor stops in front of the event and raises, so that nothing is
lost silently; its sequence still gates, and whoever supervises it decides.
"""

from __future__ import annotations

import logging
from enum import Enum
from typing import Any

_log = logging.getLogger(__name__)
_MEND_HOOK = {"action": "Mend the handler's lifecycle hook; events are handled all the same."}


class Verdict(Enum):
    """What the processor does next; a value for any thread."""

    SKIP = "the event counts as handled"
    HALT = "the processor stops in front of the event and raises"


class ExceptionHandler:
    """Decides over errors, in the processor's thread; override what should not halt.

    An error that one of its methods raises itself ends the processor in front of the event.
    """

    def on_event(self, error: Exception, sequence: int, event: Any) -> Verdict:
        """The handler failed on ``event``: a record, a batch, or None outside of the handler."""
        return Verdict.HALT

    def on_start(self, error: Exception) -> Verdict:
        """``Lifecycle.on_start`` failed; SKIP starts all the same."""
        return Verdict.HALT

    def on_shutdown(self, error: Exception) -> Verdict:
        """``Lifecycle.on_shutdown`` failed; SKIP forgets it."""
        return Verdict.HALT


class Halt(ExceptionHandler):
    """Stop in front of the event and raise, out of ``run`` in the processor's thread."""


class Ignore(ExceptionHandler):
    """Go on as if nothing had happened; may be shared by processors in any threads."""

    def on_event(self, error: Exception, sequence: int, event: Any) -> Verdict:
        return Verdict.SKIP

    def on_start(self, error: Exception) -> Verdict:
        return Verdict.SKIP

    def on_shutdown(self, error: Exception) -> Verdict:
        return Verdict.SKIP


class Log(ExceptionHandler):
    """Log the error with its sequence, and go on; may be shared by processors in any threads."""

    def on_event(self, error: Exception, sequence: int, event: Any) -> Verdict:
        _log.error(
            "event %d was skipped: %s: %s",
            sequence,
            type(error).__name__,
            error,
            extra={"action": "See what this event holds, and mend the handler that refused it."},
        )
        return Verdict.SKIP

    def on_start(self, error: Exception) -> Verdict:
        _log.error(
            "the start of a processor: %s: %s", type(error).__name__, error, extra=_MEND_HOOK
        )
        return Verdict.SKIP

    def on_shutdown(self, error: Exception) -> Verdict:
        _log.error(
            "the shutdown of a processor: %s: %s", type(error).__name__, error, extra=_MEND_HOOK
        )
        return Verdict.SKIP
