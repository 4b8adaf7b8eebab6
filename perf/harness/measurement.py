"""What a scenario returns: figures from several runs, told by their median."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan
from statistics import median

from perf.harness.crew import ACROSS, Across


@dataclass(frozen=True)
class Measurement:
    """One figure of one scenario: all its runs, from which the median speaks."""

    scenario: str  # e.g. "titan"
    variant: str  # e.g. "batch 10", "2000 resting orders"
    metric: str  # e.g. "throughput", "latency p99"
    unit: str  # e.g. "M events/s", "ns/op"
    runs: tuple[float, ...]
    target: str = ""  # what the project means to reach, as text, e.g. "≤ 60 ns/op"
    peer: str = ""  # set when this is a rival's or the machine's own figure
    details: dict[str, float | int | str] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The median of the runs; not a number when there are none."""
        return median(self.runs) if self.runs else nan

    @property
    def absence(self) -> str:
        """Why there are no runs, if there are none."""
        return str(self.details.get("absent", ""))


def absent(scenario: str, peer: str, reason: str) -> Measurement:
    """In the place of the figures of a peer that cannot be measured on this machine."""
    return Measurement(scenario, "", "absent", "", (), peer=peer, details={"absent": reason})


@dataclass(frozen=True)
class Options:
    """How thorough a run is; every scenario takes the same."""

    runs: int = 5
    quick: bool = False  # a tenth of the work, for CI: shows that it runs, measures little
    peers: bool = False
    waits: tuple[str, ...] = ()  # wait strategies to compare; empty: the scenario's own
    across: tuple[Across, ...] = ACROSS
    soak_minutes: float = 0.0  # of the scenario that runs for long; 0: leave it out
