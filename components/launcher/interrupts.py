"""Ctrl+C, SIGTERM and SIGHUP: what they mean in each phase of a run.

    preparing    end at once: nothing is started, so nothing needs to be drained
    starting     end at once, at the next safe place
    operational  the first asks to drain; a second ends at once, at the next safe place

SIGHUP asks an operational platform to read its configuration anew; before that it is ignored.

The handler never raises.  An exception at an arbitrary instruction can strike inside a callback
of the compiler or while shared memory is unmapped; so it only counts, and loops ask in ``pause``.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType

from disruptor.errors import DisruptorError


class EndedAtOnceError(DisruptorError):
    """The operator does not want to wait for a drain."""


_WHY = "stopped at once; the journal holds everything that was durable"


class Interrupts:
    """Counts the signals of one run; for its main thread."""

    def __init__(self) -> None:
        self.count = 0
        self._leave: Callable[[], None] | None = lambda: None
        self._is_operational = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        self._is_reload_wanted = False
        signal.signal(signal.SIGHUP, self._on_hangup)

    def prepare(self, leave: Callable[[], None]) -> None:
        """While preparing, ``leave`` is called before the process ends at a signal."""
        self._leave = leave

    def start(self) -> None:
        """From now on there are processes and shared memory to clean up."""
        self._leave = None

    def operate(self) -> None:
        """From now on a first signal asks for a drain."""
        self._is_operational = True

    def ask_to_drain(self) -> None:
        """As a first signal does."""
        self.count = max(self.count, 1)

    def ask_to_end(self) -> None:
        """As a second signal does."""
        self.count = 2

    def take_reload(self) -> bool:
        """Whether SIGHUP came since the last call."""
        wanted, self._is_reload_wanted = self._is_reload_wanted, False
        return wanted

    def pause(self, seconds: float) -> None:
        """Sleep a moment; EndedAtOnceError when the run is to be ended without a drain."""
        time.sleep(seconds)
        if self.count > (1 if self._is_operational else 0):
            raise EndedAtOnceError(_WHY)

    def _on_hangup(self, number: int, frame: FrameType | None) -> None:
        self._is_reload_wanted = self._is_operational

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self._leave is not None:
            self._leave()
            os.write(2, f"\nError: {_WHY}\n".encode())
            os._exit(1)
