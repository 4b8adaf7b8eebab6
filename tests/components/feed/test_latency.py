"""Latency is what is left after the clocks' offset, and never negative."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from components.feed.latency import WINDOW_NS, ClockOffset


def test_a_clock_that_is_behind_does_not_make_latency_negative() -> None:
    offset = ClockOffset()

    assert offset.offset_ns is None
    assert offset.latencies_ns(1, [-1_270, -1_272, -1_245]).tolist() == [0, 0, 27]
    assert offset.latencies_ns(2, [-1_271]).tolist() == [1]
    assert offset.offset_ns == -1_272


def test_a_drifting_clock_is_followed_upwards_after_two_windows() -> None:
    offset = ClockOffset()
    offset.latencies_ns(1, [100])
    now = WINDOW_NS + 2

    assert offset.latencies_ns(now, [150]).tolist() == [50]
    assert offset.latencies_ns(2 * now, [160]).tolist() == [10]
    assert offset.offset_ns == 150


@given(st.lists(st.lists(st.integers(-(2**60), 2**60), min_size=1, max_size=5), max_size=8))
def test_batches_do_not_matter_and_nothing_is_negative(batches: list[list[int]]) -> None:
    offset, least = ClockOffset(), 2**62
    for batch in batches:
        found = offset.latencies_ns(1, batch).tolist()
        for value, latency in zip(batch, found, strict=True):
            least = min(least, value)
            assert latency == value - least >= 0
