"""One supervised process: who runs in its place, how the last one ended, and who shall follow."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from disruptor.supervisor.control_block import RUNNING, STARTING, ControlLine
from disruptor.supervisor.handover import Candidate, Proposal
from disruptor.supervisor.pulse import Pulse


@dataclass
class Child:
    """``pid`` is 0 while none runs."""

    line: ControlLine
    pid: int = 0
    pidfd: int = -1
    pulse: Pulse = field(default_factory=lambda: Pulse(time.monotonic()))
    restart_at: float = 0.0
    restarts_at: list[float] = field(default_factory=list)
    is_expected_to_end: bool = False
    killed_because: str = ""
    is_asked_to_restart: bool = False
    kill_at: float = 0.0
    is_wanted_anew: bool = False
    """Whether a candidate is to be made, as soon as no other gets ready."""
    candidate: Candidate | None = None
    proposal: Proposal | None = None
    """The parameters of a candidate that is made or to be made, if they are others."""
    tried: Proposal | None = None
    """The same of one that is on trial."""
    refusal: str = ""
    """Why the successor that was asked for last did not take the place."""
    is_anew: bool = False
    """Whether it runs code that was read after the supervisor's."""
    is_on_trial: bool = False
    """Whether it has the place, and has not yet run in it."""

    @property
    def is_coming_back(self) -> bool:
        """Whether none runs now, and another try is due."""
        is_made = self.candidate is not None or self.is_wanted_anew
        return self.restart_at > 0 or (not self.pid and is_made)

    @property
    def has_passed(self) -> bool:
        """Whether it came to run, which nobody has taken note of yet."""
        return self.is_on_trial and self.line.state == RUNNING

    def begin(self) -> None:
        """Forget how the predecessor ended."""
        self.line.state = STARTING
        self.line.failure = ""
        self.is_expected_to_end = False
        self.killed_because = ""
        self.pulse = Pulse(time.monotonic())
        self.restart_at = 0.0
