"""Counters: self-description, one writer beside many readers, buckets against a plain model."""

from __future__ import annotations

import bisect
import itertools
import multiprocessing
import os
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disruptor.errors import LayoutMismatchError, SegmentError
from disruptor.memory.counters import (
    ABSENT,
    COUNTER,
    GAUGE,
    HISTOGRAM,
    CounterBlock,
    CounterSpec,
    Reading,
    add,
    decades,
    observe,
    observe_each,
    observe_many,
    powers_of_two,
    put,
)
from disruptor.memory.segment import Segment

SPECS = (
    CounterSpec("trades", COUNTER, "Trades.", (("symbol", "BTC"), ("side", "buy"))),
    CounterSpec("trades", COUNTER, "Trades.", (("symbol", "BTC"), ("side", "sell"))),
    CounterSpec("trades", COUNTER, "Trades.", (("symbol", "ETH"), ("side", "buy"))),
    CounterSpec("trades", COUNTER, "Trades.", (("symbol", "ETH"), ("side", "sell"))),
    CounterSpec("price", GAUGE, "Price.", scale=0.1, initially=ABSENT),
    CounterSpec("latency", HISTOGRAM, "Latency.", scale=0.001, bounds=(10, 20, 50)),
)


@pytest.fixture
def block() -> Iterator[CounterBlock]:
    made = CounterBlock.create(f"test-counters-{os.getpid()}", SPECS)
    yield made
    made.close()
    made.unlink()


def reading(block: CounterBlock, name: str) -> Reading:
    return next(each for each in block.read() if each.spec.name == name)


def test_a_reader_learns_everything_from_the_block(block: CounterBlock) -> None:
    reader = CounterBlock.attach(block.name)

    assert reader.specs == SPECS
    assert reader.read() == block.read()
    reader.close()


def test_words_are_zero_or_what_the_spec_says_before_the_first_event(block: CounterBlock) -> None:
    assert reading(block, "trades").value == 0
    assert reading(block, "price").is_absent
    assert reading(block, "latency").count == 0


def test_offsets_follow_the_labels_in_any_order(block: CounterBlock) -> None:
    add(block.words, block.offset("trades", side="sell", symbol="ETH"), 3)

    assert [each.words[0] for each in block.read()[:4]] == [0, 0, 0, 3]


def test_a_family_s_offsets_are_an_array_indexed_by_its_labels(block: CounterBlock) -> None:
    offsets = block.offsets("trades", side=["buy", "sell"], symbol=["BTC", "ETH"])

    assert offsets.tolist() == [[0, 2], [1, 3]]


def test_an_unknown_series_is_named_with_what_there_is(block: CounterBlock) -> None:
    with pytest.raises(KeyError, match=r"no trades with labels.*'symbol': 'BTC'"):
        block.offset("trades", symbol="XRP", side="buy")


def test_a_gauge_is_exposed_in_its_unit_without_binary_noise(block: CounterBlock) -> None:
    put(block.words, block.offset("price"), 3)

    assert reading(block, "price").value == 0.3


def test_a_value_on_a_bound_belongs_to_that_bucket(block: CounterBlock) -> None:
    bounds = block.bounds("latency")
    for value in (10, 11, 50, 51):
        observe(block.words, block.offset("latency"), bounds, value)

    latency = reading(block, "latency")
    assert latency.words == (1, 1, 1, 1, 122)
    assert latency.cumulative_buckets == [(0.01, 1), (0.02, 2), (0.05, 3), (float("inf"), 4)]
    assert (latency.count, latency.sum) == (4, 0.122)


def test_bounds_finer_than_the_grid_keep_their_names() -> None:
    words = np.zeros(5, np.int64)
    observe(words, 0, np.array([0, 0, 1], np.int64), 1)
    spec = CounterSpec(
        "p", HISTOGRAM, "P.", scale=0.1, bounds=(0, 0, 1), exposed_bounds=(0.01, 0.05, 0.1)
    )

    buckets = Reading(spec, tuple(words.tolist())).cumulative_buckets
    assert buckets == [(0.01, 0), (0.05, 0), (0.1, 1), (float("inf"), 1)]


def test_a_quantile_is_the_bound_that_covers_it(block: CounterBlock) -> None:
    assert np.isnan(reading(block, "latency").quantile(0.5))
    observe_many(block.words, block.offset("latency"), block.bounds("latency"), 10, 98)
    observe_many(block.words, block.offset("latency"), block.bounds("latency"), 30, 2)

    latency = reading(block, "latency")
    assert (latency.quantile(0.5), latency.quantile(0.99)) == (0.01, 0.05)


ascending = st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=40, unique=True).map(sorted)


@settings(deadline=None)  # the first example may have to compile
@given(ascending, st.lists(st.tuples(st.integers(-(10**7), 10**7), st.integers(0, 9)), max_size=50))
def test_observations_agree_with_a_plain_histogram(
    bounds: list[int], observed: list[tuple[int, int]]
) -> None:
    edges = [value + step for value in bounds[:10] for step in (-1, 0, 1)]
    observed += [(value, 1) for value in edges]
    words = np.zeros(3 + len(bounds) + 2, np.int64)
    expected = [0] * (len(bounds) + 2)
    for value, times in observed:
        observe_many(words, 3, np.array(bounds, np.int64), value, times)
        expected[bisect.bisect_left(bounds, value)] += times
        expected[-1] += value * times

    assert words.tolist() == [0, 0, 0, *expected]
    again = np.zeros_like(words)
    each = [value for value, times in observed for _ in range(times)]
    observe_each(again, 3, np.array(bounds, np.int64), np.array(each, np.int64))
    assert again.tolist() == words.tolist()


def test_bounds_of_decades_and_powers() -> None:
    assert decades(1, 100) == (1, 2, 5, 10, 20, 50, 100)
    assert decades(2, 60) == (2, 5, 10, 20, 50)
    assert powers_of_two(250, 4) == (250, 500, 1000, 2000)


@pytest.mark.parametrize(
    ("kind", "bounds", "complaint"),
    [
        ("summary", (), "not counter, gauge or histogram"),
        (HISTOGRAM, (), "every one needs them"),
        (COUNTER, (1,), "bounds belong to a histogram"),
        (HISTOGRAM, (1, 1), "must ascend"),
        (HISTOGRAM, (2, 1), "descend"),
    ],
)
def test_an_impossible_series_is_refused(
    kind: str, bounds: tuple[int, ...], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        CounterSpec("odd", kind, "Odd.", bounds=bounds)


def test_one_series_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="two series are named trades"):
        CounterBlock.create(f"test-counters-twice-{os.getpid()}", [SPECS[0], SPECS[0]])


def test_attaching_to_nothing_or_to_another_kind_is_refused() -> None:
    name = f"test-counters-other-{os.getpid()}"
    with pytest.raises(SegmentError, match="does not exist"):
        CounterBlock.attach(name)
    other = Segment.create(name, "ring", 1, 4096)
    other.publish()
    try:
        with pytest.raises(LayoutMismatchError, match="kind='ring'"):
            CounterBlock.attach(name)
    finally:
        other.close()
        other.unlink()


EVENTS = 50_000


def count_events(name: str, first: int) -> None:
    """A writing process: each event counts once and is observed once."""
    block = CounterBlock.attach(name)
    trades, latency = block.offset("trades", symbol="BTC", side="buy"), block.offset("latency")
    bounds = block.bounds("latency")
    for event in range(first, first + EVENTS):
        observe(block.words, latency, bounds, event % 64)
        add(block.words, trades, 1)
    block.close()


def run(arguments: Sequence[object]) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=count_events, args=arguments)
    process.start()
    return process


@pytest.mark.stress
def test_a_reader_sees_every_count_grow_while_another_process_writes(block: CounterBlock) -> None:
    writer = run((block.name, 0))
    seen = [block.read()]
    while writer.is_alive():
        seen.append(block.read())
    seen.append(block.read())
    writer.join()

    assert writer.exitcode == 0
    for before, after in itertools.pairwise(seen):
        assert all(
            later >= earlier
            for old, new in zip(before, after, strict=True)
            for earlier, later in zip(old.words, new.words, strict=True)
        )
    expected = [sum(low < event % 64 <= high for event in range(EVENTS))
                for low, high in ((-1, 10), (10, 20), (20, 50), (50, 64))]  # fmt: skip
    assert list(seen[-1][-1].words) == [*expected, sum(event % 64 for event in range(EVENTS))]
    assert seen[-1][0].value == EVENTS


@pytest.mark.stress
def test_a_restarted_writer_counts_on(block: CounterBlock) -> None:
    for first in (0, EVENTS):
        writer = run((block.name, first))
        writer.join()
        assert writer.exitcode == 0

    assert reading(block, "trades").value == 2 * EVENTS
