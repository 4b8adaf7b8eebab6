"""Any interleaving of claims, publishes, voids and reads, against a plain model of the ring."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from disruptor.ring import layout
from disruptor.ring.ring_buffer import Consumer, Producer, RingBuffer

EVENT = np.dtype([("value", np.int64)])
CAPACITY = 8
PRODUCERS = 3


class Interleavings(RuleBasedStateMachine):
    """Three producers and two consumers, one behind the other, on a ring of eight slots."""

    @initialize()
    def make(self) -> None:
        self.ring = RingBuffer.create(
            f"test-{os.getpid()}.interleavings", EVENT, CAPACITY, multi_producer=True
        )
        self.first: Consumer = self.ring.consumer("first")
        self.second: Consumer = self.ring.consumer("second", after=("first",))
        self.producers: list[Producer] = [self.ring.producer(str(n)) for n in range(PRODUCERS)]
        self.claims: list[list[tuple[int, int]]] = [[] for _ in range(PRODUCERS)]
        self.claimed = 0
        self.published: set[int] = set()
        self.voids: set[int] = set()
        self.read = [0, 0]

    def teardown(self) -> None:
        self.ring.unlink()
        self.ring.close()

    def readable(self) -> int:
        """The end of the unbroken run of published sequences."""
        high = self.read[0]
        while high + 1 in self.published:
            high += 1
        return high

    @rule(who=st.integers(0, PRODUCERS - 1), count=st.integers(1, CAPACITY))
    def claim(self, who: int, count: int) -> None:
        fits = self.claimed + count - CAPACITY <= self.read[1]
        claimed = self.producers[who].try_next(count)

        assert (claimed is not None) == fits
        if claimed is not None:
            assert claimed == self.claimed + count
            self.claims[who].append((self.claimed + 1, claimed))
            self.claimed = claimed

    @rule(who=st.integers(0, PRODUCERS - 1), which=st.integers(0, 10))
    def publish(self, who: int, which: int) -> None:
        if not self.claims[who]:
            return
        low, high = self.claims[who].pop(which % len(self.claims[who]))
        for sequence in range(low, high + 1):
            self.producers[who].slot(sequence)["value"] = sequence * 7
        self.producers[who].publish(low, high)
        self.published.update(range(low, high + 1))

    @rule(who=st.integers(0, PRODUCERS - 1), which=st.integers(0, 10))
    def give_up(self, who: int, which: int) -> None:
        if not self.claims[who]:
            return
        low, high = self.claims[who].pop(which % len(self.claims[who]))
        self.producers[who].slot(low)["value"] = -1
        self.producers[who].void(low, high)
        self.published.update(range(low, high + 1))
        self.voids.update(range(low, high + 1))

    @rule(most=st.integers(1, CAPACITY))
    def read_first(self, most: int) -> None:
        self.read[0] = self.read_up_to(self.first, min(self.readable(), self.read[0] + most))

    @precondition(lambda self: self.read[0] > self.read[1])
    @rule(most=st.integers(1, CAPACITY))
    def read_second(self, most: int) -> None:
        self.read[1] = self.read_up_to(self.second, min(self.read[0], self.read[1] + most))

    def read_up_to(self, consumer: Consumer, high: int) -> int:
        low = consumer.sequence + 1
        seen = {
            first + number: value
            for first, events in consumer.runs(high)
            for number, value in enumerate(events["value"].tolist())
        }

        assert {s: s * 7 for s in range(low, high + 1) if s not in self.voids} == seen
        consumer.advance(high)
        return high

    @invariant()
    def consumers_see_exactly_what_the_model_sees(self) -> None:
        if hasattr(self, "ring"):
            assert self.readable() == self.first.available()
            assert self.read[0] == self.second.available()
            assert (
                CAPACITY - (self.claimed - self.read[1]) == self.producers[0].remaining_capacity()
            )
            assert len(self.voids) == self.ring.view.words[layout.VOIDED]


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
