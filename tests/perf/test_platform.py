"""The platform under load: what is sent, how it is stamped, and what is told of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.instruments import InstrumentTable
from components.messages.code import EVENT_REJECTED, RISK_LIQUIDATION
from components.messages.command import COMMAND
from components.oracle.derivation import Derivation
from disruptor.compiled import entry
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.ring.wait_strategy import wait_strategy
from perf.harness.measurement import Options
from perf.platform import load
from perf.platform.histogram import BUCKETS, bounds, bucket, largest, percentile
from perf.platform.run import Outcome, Setting, Usage, run_platform
from perf.platform.workloads import WORKLOADS, workload
from perf.scenarios.platform import latency, soak
from tests.components.oracle.platform_samples import TABLE

INTERVAL_NS = 20_000
ONE_SYMBOL = [name for name in WORKLOADS if not name.endswith("crash")]


@entry
def bucket_of(value: int) -> int:
    return bucket(value)


@given(value=st.integers(0, 2**40))
def test_a_value_is_counted_at_a_bound_that_is_at_most_two_per_cent_above(value: int) -> None:
    found = int(bounds()[bucket_of(value)])

    assert value <= found <= value * 1.02 + 1


def test_percentiles_are_those_of_the_values() -> None:
    histogram = np.zeros(BUCKETS, np.int64)
    values = np.arange(1, 10_001) * 1_000
    for value in values:
        histogram[bucket_of(int(value))] += 1

    assert percentile(histogram, 50) == pytest.approx(5_000_000, rel=0.02)
    assert percentile(histogram, 99.9) == pytest.approx(9_990_000, rel=0.02)
    assert largest(histogram) == pytest.approx(10_000_000, rel=0.02)
    assert np.isnan(percentile(np.zeros(BUCKETS, np.int64), 50))


@pytest.mark.parametrize("name", ONE_SYMBOL)
def test_the_engines_take_a_workload_and_a_cascade_liquidates_everybody(name: str) -> None:
    load_ = workload(name)
    derivation = Derivation()
    kinds: list[np.ndarray] = []
    rejected = 0
    for commands in (
        InstrumentTable(list(TABLE.values())).to_commands(),
        load_.opening,
        load_.tile,
    ):
        for derived in derivation.feed(commands):
            rejected += int((derived.events["kind"] == EVENT_REJECTED).sum())
            kinds.append(derived.risks["kind"].copy())
    liquidations = int((np.concatenate(kinds) == RISK_LIQUIDATION).sum())

    assert rejected < len(load_.tile) // 4  # cancels of what was filled
    assert (liquidations >= 900) == (name == "cascades")


def sent(ring: RingBuffer, source: load.Source, total: int, start: int, interval: int) -> None:
    producer = ring.producer("load")
    while not load.send(
        ring.view, producer.line, wait_strategy("yielding"), producer.control,
        source, total, start, interval,
    ):  # fmt: skip
        pass


@pytest.mark.parametrize("interval", [INTERVAL_NS, 0])
def test_commands_are_stamped_when_they_were_due_and_every_order_is_new(
    segment_prefix: str, interval: int
) -> None:
    tile = workload("mixed").tile[:1_000]
    ring = RingBuffer.create(f"{segment_prefix}commands", COMMAND, 4096, multi_producer=True)
    try:
        consumer = ring.consumer("titan", start=0)
        source = load.new_source(tile, 0)
        sent(ring, source, 2_500, 1_000_000, interval)
        found = ring.events(1, consumer.available())
    finally:
        ring.unlink()
        ring.close()

    assert len(found) == 2_500
    assert not source.rejected.any()
    assert (found["order_id"][1_000:2_000] == tile["order_id"] + 1_000).all()
    if interval:
        assert (found["ts"] == 1_000_000 + np.arange(2_500) * interval).all()
        assert int(source.lateness.sum()) == 2_500
    else:
        assert (np.diff(found["ts"]) >= 0).all()


@pytest.mark.system
@pytest.mark.timeout(600)
def test_a_run_of_the_platform_tells_every_hop(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERF_DIRECTORY", str(tmp_path_factory.mktemp("perf")))
    setting = Setting(rate=2_000, seconds=0.3, slice_s=0.05)
    outcome = run_platform(setting)

    assert outcome.commands == 600
    assert int(outcome.latencies["event"].sum()) >= 550  # a cancel of what is gone says nothing
    assert int(outcome.latencies["durable"].sum()) == 600
    assert outcome.seconds > 0.29
    figures = {each.metric: each.value for each in latency.told("mixed", setting, [outcome])}
    assert figures["ingress → durable p50"] > figures["generator p50"]
    assert figures["written a command"] > 0
    assert sum(int(each["durable"].sum()) for each in outcome.slices) <= 600
    assert all(each > 1e6 for each in outcome.usage.own_over_time)


def test_a_soak_says_whether_the_end_is_as_the_beginning() -> None:
    def slice_of(value: int) -> dict[str, np.ndarray]:
        histogram = np.zeros(BUCKETS, np.int64)
        histogram[bucket_of(value)] = 10
        return {"event": histogram, "durable": histogram}

    usage = Usage(1.0, 1, 1, 10**8, tuple(10**8 for _ in range(10)))
    rising = tuple(slice_of(100_000 * (1 + number)) for number in range(10))
    figures = soak.told(Outcome(1.0, usage, slices=rising))
    ends = {each.metric: each.value for each in figures if "over first" in each.variant}
    verdicts = {each.metric: each.target for each in figures if "over first" in each.variant}

    assert ends["ingress → event p50"] == pytest.approx(9.5 / 1.5, rel=0.05)
    assert verdicts["ingress → event p50"].endswith(": not flat")
    assert ends["memory of all processes"] == 1.0
    assert verdicts["memory of all processes"].endswith(": flat")
    assert soak.run(Options())[0].absence
