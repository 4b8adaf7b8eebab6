"""Our figures over those of the peers that did the same work in the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perf.harness.measurement import Measurement

_COMPARED: Final = ("throughput", "round trip p50", "round trip p50 uncorrected")


@dataclass(frozen=True)
class Ratio:
    """``value``: our median over theirs."""

    ours: Measurement
    theirs: Measurement
    value: float


def ratios(figures: Sequence[Measurement]) -> list[Ratio]:
    """Every figure of ours beside every peer's of the same scenario, metric and wait strategy."""
    return [
        Ratio(ours, theirs, ours.value / theirs.value)
        for ours in figures
        if not ours.peer and ours.metric in _COMPARED
        for theirs in figures
        if theirs.peer and _is_comparable(ours, theirs)
    ]


def _is_comparable(ours: Measurement, theirs: Measurement) -> bool:
    return (
        (ours.scenario, ours.metric, ours.unit) == (theirs.scenario, theirs.metric, theirs.unit)
        and theirs.details.get("wait") in (None, "", ours.details.get("wait"))
        and theirs.value > 0
    )
