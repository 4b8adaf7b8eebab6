"""Any script of failures, rewinds and halts, in each tier, against a plain model of the processor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disruptor.processors.batch_event_processor import BatchEventProcessor
from disruptor.processors.exception_handler import ExceptionHandler, Verdict
from disruptor.processors.handler import HALT, REWIND, EventFailedError
from disruptor.processors.rewind import EventuallyGiveUp, RewindableError
from disruptor.ring.ring_buffer import RingBuffer
from tests.disruptor.processors.scripted import EVENT, FAIL, Script, Tier, events

CAPACITY = 16


@dataclass(frozen=True)
class Case:
    """Events after ``start``; what the handler gives at some of them, how often."""

    start: int
    count: int
    voids: frozenset[int]
    batch_size_max: int
    attempts_max: int
    skips: bool
    plan: dict[int, tuple[int, int]]


@dataclass
class Told:
    """What became of a run."""

    calls: list[tuple[int, bool]] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    sequence: int = 0
    ended: str = "returned"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    start, count = draw(st.integers(0, 40)), draw(st.integers(1, CAPACITY))
    sequences = st.integers(start + 1, start + count)
    codes = st.tuples(st.sampled_from([REWIND, REWIND, REWIND, FAIL, HALT]), st.integers(1, 3))
    return Case(
        start,
        count,
        draw(st.frozensets(sequences, max_size=4)),
        draw(st.sampled_from([1, 2, 3, 5, 20])),
        draw(st.integers(1, 4)),
        draw(st.booleans()),
        draw(st.dictionaries(sequences, codes, max_size=5)),
    )


def model(case: Case, tier: Tier) -> Told:
    """The rules of handler.py, in the plainest way."""
    told, plan, attempts = Told(sequence=case.start), dict(case.plan), 0
    end = case.start + case.count
    while told.sequence < end:
        low = told.sequence + 1
        if low in case.voids:
            told.sequence = low
            continue
        high = min([end, low + case.batch_size_max - 1, *(v - 1 for v in case.voids if v > low)])
        if tier == "batch":
            high = min(high, low | (CAPACITY - 1))
        stopped, code = _show(told, plan, low, high)
        if code == 0:
            told.sequence, attempts = high, 0
            continue
        whole = tier == "batch" and code != FAIL
        first, last = (low, high) if whole else (stopped, stopped)
        if code == HALT:
            told.sequence = last
            return told
        if code == REWIND:
            attempts += 1
            if attempts < case.attempts_max:
                continue
        attempts = 0
        told.sequence = first - 1
        if not case.skips:
            told.ended = "failed"
            return told
        told.skipped.append(first)
        told.sequence = last
    return told


def _show(told: Told, plan: dict[int, tuple[int, int]], low: int, high: int) -> tuple[int, int]:
    for sequence in range(low, high + 1):
        told.calls.append((sequence, sequence == high))
        code, times = plan.get(sequence, (0, 0))
        if times:
            plan[sequence] = code, times - 1
            return sequence, code
    return high, 0


def really(case: Case, tier: Tier, name: str) -> Told:
    told, script = Told(), Script()
    for sequence, (code, times) in case.plan.items():
        script.plan(sequence, code, times)

    class Noting(ExceptionHandler):
        def on_event(self, error: Exception, sequence: int, event: Any) -> Verdict:
            if case.skips:
                told.skipped.append(sequence)
            return Verdict.SKIP if case.skips else Verdict.HALT

    ring = RingBuffer.create(name, EVENT, CAPACITY, initial_sequence=case.start)
    try:
        consumer, producer = ring.consumer("c"), ring.producer()
        processor = BatchEventProcessor(
            consumer,
            script.handler(tier),
            batch_size_max=case.batch_size_max,
            rewind=EventuallyGiveUp(case.attempts_max),
            exception_handler=Noting(),
            timeout_ns=1_000,
        )
        for sequence in range(case.start + 1, case.start + case.count + 1):
            if sequence in case.voids:
                producer.void(producer.next())
            else:
                producer.write(events(sequence))
        end = case.start + case.count
        try:
            processor.run_while(lambda: consumer.sequence < end)
        except (EventFailedError, RewindableError):
            told.ended = "failed"
        told.sequence = consumer.sequence
    finally:
        ring.unlink()
    told.calls = [(sequence, last) for _, sequence, last in script.seen]
    return told


@pytest.mark.parametrize("tier", ["event", "batch", "compiled"])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(case=cases())
def test_a_processor_does_what_its_model_does(segment_prefix: str, tier: Tier, case: Case) -> None:
    assert really(case, tier, f"{segment_prefix}m") == model(case, tier)
