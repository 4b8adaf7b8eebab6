"""What becomes of a batch whose handler asks to see it again from its first event.

A handler that works on a batch as a whole, e.g. in one transaction, raises ``RewindableError`` (a
compiled one returns ``REWIND``) when the attempt failed for a reason that may pass.  The processor
has not advanced since the batch began, so to rewind is to go nowhere: the batch is taken again,
perhaps with more events behind it.
"""

from __future__ import annotations

import time


class RewindableError(Exception):
    """Raised by a handler, in its thread, to have its batch again from the first event."""


class RewindStrategy:
    """Rewinds at once, as often as it is asked; also the base of the others.

    Called in the processor's thread.
    """

    def should_rewind(self, error: Exception, attempts: int) -> bool:
        """Whether to take the batch again, after so many failed ``attempts`` at it (1 …).

        With False the error is the exception handler's, as any other, and the count starts anew.
        """
        return True


class SimpleRewind(RewindStrategy):
    """At once, for ever; may be shared by processors in any threads."""


class PauseRewind(RewindStrategy):
    """For ever, after a pause of the processor's thread each time."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s

    def should_rewind(self, error: Exception, attempts: int) -> bool:
        time.sleep(self._pause_s)
        return True


class EventuallyGiveUp(RewindStrategy):
    """At once, or after a pause of the thread, until ``attempts_max`` attempts have failed."""

    def __init__(self, attempts_max: int, pause_s: float = 0.0) -> None:
        if attempts_max < 1:
            raise ValueError(f"attempts_max={attempts_max} must be at least 1")
        self._attempts_max = attempts_max
        self._pause_s = pause_s

    def should_rewind(self, error: Exception, attempts: int) -> bool:
        if attempts >= self._attempts_max:
            return False
        time.sleep(self._pause_s)
        return True
