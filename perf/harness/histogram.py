"""Latencies as percentiles: corrected for coordinated omission, and as they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from perf.harness.measurement import Measurement

PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 99.99, 100.0)
UNCORRECTED: Final = (50.0, 99.0)
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
        histogram.record_corrected_value(value, interval_ns, count)
    return histogram


def latency_figures(
    scenario: str,
    variant: str,
    metric: str,
    runs: Sequence[NDArray[np.int64]],
    interval_ns: int,
    *,
    target: str = "",
    peer: str = "",
    details: dict[str, Any] | None = None,
) -> list[Measurement]:
    """A measurement a percentile of the times of several runs; the target is the first median's."""
    figures: list[Measurement] = []
    kinds = [("uncorrected", 0, UNCORRECTED)] if interval_ns else []
    for word, correction, percentiles in (*kinds, ("", interval_ns, PERCENTILES)):
        histograms = [corrected_histogram(times, correction) for times in runs]
        for percentile in percentiles:
            told = "max" if percentile == PERCENTILES[-1] else f"p{percentile:g}"
            values = tuple(float(each.get_value_at_percentile(percentile)) for each in histograms)
            figures.append(
                Measurement(
                    scenario,
                    variant,
                    " ".join(filter(None, (metric, told, word))),
                    "ns",
                    values,
                    "" if figures else target,
                    peer,
                    dict(details or {}),
                )
            )
    return figures
