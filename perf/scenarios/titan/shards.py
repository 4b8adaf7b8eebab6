"""Titans beside each other on the rings: one, two, and the same commands through an engine alone.

    commands ring, filled ──► titan ──────────────────► events ──► sink       one process and a sink
                          ├─► titan-0 ─┐
                          └─► titan-1 ─┴─► merge ─────► events ──► sink       two, and the merge

Two symbols' mixed flows, command by command in turn.  Every process is the live one's loop, counters
included.  Time runs from the gate until the sink has the last event; a run counts only if the sink
has the very number of events that a derivation gives.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import numpy as np

from components.instruments import Instrument, InstrumentTable
from components.launcher.warm_up import warm_up
from components.messages.code import OP_INSTRUMENT
from components.messages.command import COMMAND, Commands
from components.messages.event import EVENT
from components.monitor.catalogue import TITAN, specs_for
from components.titan.engine import new_outbox
from components.titan.instrumentation import titan_counters
from components.titan.merge_checkpoint import CHECKPOINT_WORDS
from components.titan.merge_pipeline import new_progress
from components.titan.merge_pipeline import serve as serve_merge
from components.titan.merge_process import wired
from components.titan.pipeline import OUTBOX_TOO_SMALL, Wiring, bound_of, serve
from components.titan.pipeline import new_progress as new_titan_progress
from components.titan.shards import Deriver, new_shards
from disruptor.memory.counters import CounterBlock
from disruptor.memory.residency import DEFAULT_PAGES
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.ring.wait_strategy import wait_strategy
from perf.harness.crew import Outcome, Work, Worker, run_crew
from perf.harness.machine import two_cpus
from perf.harness.measurement import Measurement, Options
from perf.harness.titan_replay import cost_published, fresh_state, pinned
from perf.harness.turns import Variant, take_turns
from perf.workloads.mixed import RESTING, mixed_commands

_CAPACITY = 1 << 19
_EVENTS_CAPACITY = 1 << 17
_SLICE_NS = 10_000_000
_OUTBOX_EVENTS = 1 << 14
_MERGE = "merge"
_SINK = "sink"
_INSTRUMENTS = InstrumentTable(
    Instrument(symbol, index, Decimal("0.0001"), Decimal("0.0001"))
    for index, symbol in enumerate(("FIRST", "SECOND"))
)


def run(options: Options) -> list[Measurement]:
    """Throughput of one process and of two, and what an engine alone needs for the same."""
    commands = two_flows(6_000 if options.quick else 220_000)
    warm_up(lambda _: None, merge=True)  # the processes inherit what is loaded here
    _alone(commands[: 4 * (1 + RESTING)])
    expected = events_of(commands)
    one = Variant("1 process", Live(1, commands, expected).run)
    two = Variant("2 shards and the merge", Live(2, commands, expected).run)
    alone = Variant("an engine alone, events published", partial(_alone, commands))
    take_turns((alone, one, two), options.runs)
    found = [
        _measured(alone.name, "throughput", "M commands/s", [1e3 / each for each in alone.runs])
    ]
    found.append(_measured(alone.name, "CPU cost", "ns/command", alone.runs))
    for variant in (one, two):
        runs = variant.runs
        found.append(
            _measured(variant.name, "throughput", "M commands/s", [each.rate for each in runs])
        )
        found.append(
            _measured(variant.name, "CPU cost", "ns/command", [each.cost for each in runs])
        )
        found.append(
            _measured(
                variant.name, "CPU cost of a Titan", "ns/command", [each.own for each in runs]
            )
        )
    found[0].details["commands"] = len(commands)
    return found


def _measured(variant: str, metric: str, unit: str, runs: list[float]) -> Measurement:
    return Measurement("titan.shards", variant, metric, unit, tuple(runs))


def two_flows(count: int) -> Commands:
    """Two symbols, each with ``count`` commands of the mixed flow, in turn."""
    flows = [mixed_commands(count, seed=1 + symbol) for symbol in range(2)]
    for symbol, flow in enumerate(flows):
        flow["symbol"] = symbol
        # ids of the two must differ, as they are unique in all symbols of a single engine
        named = flow["op"] != OP_INSTRUMENT
        flow["order_id"][named] += symbol << 32
    return np.stack(flows, axis=1).reshape(-1)


def events_of(commands: Commands) -> int:
    """How many events two shards tell together."""
    deriver = Deriver(new_shards(2), _OUTBOX_EVENTS)
    return sum(
        len(events)
        for start in range(0, len(commands), 1 << 12)
        for _, events in deriver.feed(commands[start : start + (1 << 12)], start + 1)
    )


def _alone(commands: Commands) -> float:
    opening, rest = commands[: 2 + 2 * RESTING], commands[2 + 2 * RESTING :]
    with pinned():
        return cost_published(*fresh_state(opening, len(rest)), rest, len(opening) + 1)


@dataclass(frozen=True)
class LiveRun:
    """What one run across processes measured."""

    rate: float  # million commands a second
    cost: float  # nanoseconds of CPU a command, of all processes
    own: float  # the same, of the Titan that needed most


def _settle(*rings: RingBuffer) -> None:
    """Fill the page tables, which a forked process has to do anew, before the time runs."""
    for ring in rings:
        ring._segment.settle(DEFAULT_PAGES)


class Live:
    """The processes around filled rings, for one run after the other."""

    def __init__(self, shards: int, commands: Commands, expected: int) -> None:
        self._shards = shards
        self._commands = commands
        self._expected = expected
        self._strategy = wait_strategy("adaptive")

    def run(self) -> LiveRun:
        """Let them work; RuntimeError if the sink has not the events that were expected."""
        with ExitStack() as rings:
            return self._run_on(rings)

    def _run_on(self, rings: ExitStack) -> LiveRun:
        count = self._shards
        commands = self._ring(rings, "commands", COMMAND, _CAPACITY, multi_producer=True)
        events = self._ring(rings, "events", EVENT, _EVENTS_CAPACITY)
        names = tuple(f"titan-{number}" for number in range(count))
        own = [events]
        if count > 1:
            own = [
                self._ring(rings, f"events-{number}", EVENT, _EVENTS_CAPACITY)
                for number in range(count)
            ]
        for name in names:
            commands.register_consumer(name, start=0)
        events.register_consumer(_SINK, start=0)
        workers = [
            Worker(
                name, partial(self._titan, number, name, commands, own[number]), frozenset({cpu})
            )
            for number, (name, cpu) in enumerate(zip(names, two_cpus(), strict=False))
        ]
        if count > 1:
            commands.register_consumer(_MERGE, start=0)
            for ring in own:
                ring.register_consumer(_MERGE, start=0)
            workers.append(Worker(_MERGE, partial(self._merge, names, commands, own, events)))
        workers.append(Worker(_SINK, partial(self._sink, events)))
        producer = commands.producer("filled")
        producer.write(self._commands)
        outcomes = run_crew(workers)
        return self._told(outcomes)

    def _told(self, outcomes: list[Outcome]) -> LiveRun:
        if outcomes[-1].result != self._expected:
            raise RuntimeError(f"the sink has {outcomes[-1].result} events, not {self._expected}")
        seconds = (outcomes[-1].ended_ns - min(each.started_ns for each in outcomes)) / 1e9
        total = len(self._commands)
        titans = [each.cpu_ns for each in outcomes if each.name.startswith("titan")]
        return LiveRun(
            rate=total / seconds / 1e6,
            cost=sum(each.cpu_ns for each in outcomes) / total,
            own=max(titans) / total,
        )

    def _ring(
        self,
        rings: ExitStack,
        name: str,
        event: np.dtype,
        capacity: int,
        *,
        multi_producer: bool = False,
    ) -> RingBuffer:
        ring = RingBuffer.create(
            f"perf.{os.getpid()}.shards.{name}", event, capacity, multi_producer=multi_producer
        )
        ring.unlink()  # the crew inherits the mapping, and whatever happens leaves no name behind
        rings.callback(ring.close)
        return ring

    def _titan(self, number: int, name: str, commands: RingBuffer, events: RingBuffer) -> Work:
        (state,) = new_shards(self._shards)[number : number + 1]
        _settle(commands, events)
        consumer = commands.consumer(name, strategy=self._strategy)
        wiring = Wiring(
            commands=commands.view,
            sequence_word=consumer.sequence_word,
            dependents=consumer.dependents,
            events=events.view,
            line=events.producer(name, self._strategy).line,
            strategy=self._strategy,
            order=np.zeros(1, np.int64),
            heartbeat=np.zeros(1, np.int64),
            never=np.zeros(1, np.int64),
        )
        block = CounterBlock.create(f"perf.{os.getpid()}.counters", specs_for(TITAN, _INSTRUMENTS))
        block.unlink()
        counters = titan_counters(block, _INSTRUMENTS, number, self._shards)
        progress = new_titan_progress(0)

        def work() -> int:
            outbox = new_outbox(_OUTBOX_EVENTS)
            while consumer.sequence < len(self._commands):
                if serve(wiring, state, outbox, counters, progress, _SLICE_NS) == OUTBOX_TOO_SMALL:
                    outbox = new_outbox(2 * max(outbox.slots.size, int(bound_of(state))))
            return consumer.sequence

        return work

    def _merge(
        self,
        names: tuple[str, ...],
        commands: RingBuffer,
        sources: list[RingBuffer],
        events: RingBuffer,
    ) -> Work:
        _settle(commands, events, *sources)
        place = commands.consumer(_MERGE, after=names, strategy=self._strategy)
        places = [ring.consumer(_MERGE, strategy=self._strategy) for ring in sources]
        wiring = wired(
            commands,
            place,
            names,
            sources,
            places,
            events,
            events.producer(_MERGE, self._strategy).line,
            self._strategy,
            np.zeros(1, np.int64),
            np.zeros(1, np.int64),
            np.zeros(CHECKPOINT_WORDS, np.int64),
        )
        progress, outbox = new_progress([1] * len(sources)), new_outbox(1 << 10)

        def work() -> int:
            while place.sequence < len(self._commands):
                serve_merge(wiring, progress, outbox, _SLICE_NS)
            return place.sequence

        return work

    def _sink(self, events: RingBuffer) -> Work:
        _settle(events)
        consumer = events.consumer(_SINK, strategy=self._strategy)

        def work() -> int:
            while consumer.sequence < self._expected:
                consumer.advance(consumer.wait(_SLICE_NS))
            return consumer.sequence

        return work
