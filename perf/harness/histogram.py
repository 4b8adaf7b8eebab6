"""Latencies as percentiles, corrected for coordinated omission."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from perf.harness.measurement import Measurement

PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 99.99, 100.0)
_HIGHEST_NS: Final = 3_600_000_000_000
_DIGITS: Final = 3


def corrected_histogram(times_ns: NDArray[np.int64], interval_ns: int) -> HdrHistogram:
    """The times of rounds that were due every ``interval_ns``.

    A round that takes longer than that delays those behind it, which are recorded as late by what
    is left of it; 0 corrects nothing.
    """
    histogram = HdrHistogram(1, _HIGHEST_NS, _DIGITS)
    values, counts = np.unique(np.maximum(times_ns, 1), return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        if not interval_ns or value <= interval_ns:
            histogram.record_value(value, count)
            continue
        for late in range(value, interval_ns - 1, -interval_ns):
            histogram.record_value(late, count)
    return histogram


def latency_figures(
    scenario: str,
    variant: str,
    metric: str,
    histograms: Sequence[HdrHistogram],
    *,
    target: str = "",
    peer: str = "",
    details: dict[str, Any] | None = None,
) -> list[Measurement]:
    """A measurement a percentile; the target belongs to the median."""
    return [
        Measurement(
            scenario,
            variant,
            f"{metric} {'max' if percentile == PERCENTILES[-1] else f'p{percentile:g}'}",
            "ns",
            tuple(float(each.get_value_at_percentile(percentile)) for each in histograms),
            target if percentile == PERCENTILES[0] else "",
            peer,
            dict(details or {}),
        )
        for percentile in PERCENTILES
    ]
