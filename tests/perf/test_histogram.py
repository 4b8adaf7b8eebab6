"""Percentiles, corrected for coordinated omission."""

from __future__ import annotations

import numpy as np

from perf.harness.histogram import corrected_histogram, latency_figures


def test_without_an_interval_nothing_is_added() -> None:
    histogram = corrected_histogram(np.array([5, 5, 1_000_000], np.int64), 0)

    assert histogram.get_total_count() == 3
    assert histogram.get_value_at_percentile(50) == 5


def test_a_late_round_stands_for_those_that_it_delayed() -> None:
    histogram = corrected_histogram(np.array([100, 5_500], np.int64), 1_000)

    # 5,500 delayed those due in the meantime by 4,500, 3,500, 2,500, 1,500 and 500.
    assert histogram.get_total_count() == 2 + 5
    values = [histogram.get_value_at_percentile(100 * n / 7) for n in range(1, 8)]
    assert [round(value, -2) for value in values] == [100, 500, 1_500, 2_500, 3_500, 4_500, 5_500]


def test_figures_tell_both_kinds_and_the_target_once() -> None:
    runs = [np.array([100, 5_000], np.int64)] * 3
    figures = latency_figures("s", "v", "round trip", runs, 1_000, target="≤ 1 µs", peer="p")

    told = {figure.metric: figure.value for figure in figures}
    assert told["round trip p50 uncorrected"] == 100
    assert told["round trip p50"] > 1_900
    assert [figure.target for figure in figures].count("≤ 1 µs") == 1
    assert {figure.peer for figure in figures} == {"p"}
    assert len(figures[0].runs) == 3


def test_zero_is_recorded_as_the_least_that_can_be_told() -> None:
    assert corrected_histogram(np.zeros(3, np.int64), 10).get_value_at_percentile(50) == 1
