"""A graph of producers and handlers around one ring, run with every worker at work of its own.

The consumers are ordinary batch event processors around compiled handlers; the producers are
compiled loops over the ring's verbs.  Time runs from the first claim until the last handler has
seen the last event.  Each result is compared with a value that was computed beforehand.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from disruptor import BatchEventProcessor, Compiled, Producer, RingBuffer, WaitStrategy
from disruptor.processors.handler import Handler
from perf.harness.crew import Across, Work, Worker, run_crew, shared_array
from perf.harness.machine import two_cpus
from perf.harness.measurement import Measurement
from perf.ring.handlers import BATCHES, LAST, RESULT, Tally
from perf.ring.producers import produce_values

TALLY_WORDS = 16

Produce = Callable[[Any, int, int, int, WaitStrategy, Any], int]
MakeHandler = Callable[[Any, Any, Any], Handler]


def compiled_tier(handler: Any, words: Any, control: Any) -> Handler:
    """The handler as it is: it never enters the interpreter."""
    return Compiled(handler, Tally(words, control))


@dataclass(frozen=True)
class Stage:
    """One handler; ``expected`` says what it must have computed after so many events."""

    name: str
    handler: Callable[..., Any]
    expected: Callable[[int], int]
    after: tuple[str, ...] = ()
    tier: MakeHandler = compiled_tier


@dataclass(frozen=True)
class Graph:
    """A scenario's shape; ``events`` is the work of a full run, shared among the producers."""

    name: str
    event: np.dtype[Any]
    capacity: int
    events: int
    stages: tuple[Stage, ...]
    produce: Produce = produce_values
    python_produce: Callable[[Producer, int], int] | None = None
    batch: int = 1
    producers: int = 1
    wait: str = "yielding"

    @property
    def workers(self) -> int:
        """How many would like a CPU of their own."""
        return self.producers + len(self.stages)


@dataclass(frozen=True)
class GraphRun:
    """What one run measured."""

    events: int
    seconds: float
    cpu_seconds: float
    batches: int  # of the last stage

    @property
    def rate(self) -> float:
        """Events a second, in millions."""
        return self.events / self.seconds / 1e6

    @property
    def cpus(self) -> float:
        """CPU seconds a second, of all workers together."""
        return self.cpu_seconds / self.seconds

    @property
    def cpu_per_million(self) -> float:
        """CPU seconds a million events, of all workers together."""
        return self.cpu_seconds / self.events * 1e6

    @property
    def batch_size(self) -> float:
        """Events that the last stage was given at a time, on average."""
        return self.events / max(1, self.batches)


class WrongResultError(RuntimeError):
    """A handler computed something else than it had to: the figure would be worth nothing."""


def run_graph(graph: Graph, events: int, wait: str, across: Across) -> GraphRun:
    """Send ``events`` through the graph once; WrongResultError when a result is not the expected."""
    share = share_of(graph, events)
    total = share * graph.producers
    ring = RingBuffer.create(
        f"perf.{os.getpid()}.{graph.name}",
        graph.event,
        graph.capacity,
        multi_producer=graph.producers > 1,
    )
    try:
        ring.unlink()  # the crew inherits the mapping, and whatever happens leaves no name behind
        compile_graph(graph, ring, wait)
        tallies = shared_array(len(graph.stages) * TALLY_WORDS, np.int64).reshape(-1, TALLY_WORDS)
        first = ring.cursor
        for stage in graph.stages:
            ring.register_consumer(stage.name, start=first)
        cpus = places(graph.workers)
        workers = [
            Worker(f"producer {number}", _producer(graph, ring, share, wait), cpus[number])
            for number in range(graph.producers)
        ]
        for stage, tally, where in zip(graph.stages, tallies, cpus[graph.producers :], strict=True):
            tally[LAST] = first + total
            workers.append(Worker(stage.name, _consumer(stage, ring, tally, wait), where))
        outcomes = run_crew(workers, across=across)
    finally:
        ring.close()
    check_results(graph, share, [outcome.result for outcome in outcomes])
    producing, consuming = outcomes[: graph.producers], outcomes[graph.producers :]
    started = min(each.started_ns for each in producing)
    ended = max(each.ended_ns for each in consuming)
    return GraphRun(
        events=total,
        seconds=(ended - started) / 1e9,
        cpu_seconds=sum(each.cpu_ns for each in outcomes) / 1e9,
        batches=int(tallies[-1][BATCHES]),
    )


def share_of(graph: Graph, events: int) -> int:
    """What each producer sends so that all together send ``events``, rounded up to whole batches."""
    return -(-events // (graph.producers * graph.batch)) * graph.batch


def compile_graph(graph: Graph, ring: RingBuffer, wait: str) -> None:
    """Compile what the crew will run, or load it, before there is a crew."""
    producer = ring.producer("compile", wait)
    graph.produce(ring.view, producer.line, 0, graph.batch, producer._strategy, producer.control)
    producer.close()
    for stage in graph.stages:
        consumer = ring.consumer("compile", strategy=wait)
        handler = stage.tier(stage.handler, np.zeros(TALLY_WORDS, np.int64), consumer.control)
        BatchEventProcessor(consumer, handler).run_once(0)
        ring.remove_consumer("compile")


def _producer(graph: Graph, ring: RingBuffer, share: int, wait: str) -> Callable[[], Work]:
    def prepare() -> Work:
        producer = ring.producer("producer", wait)
        if graph.python_produce is not None:
            return partial(graph.python_produce, producer, share)
        call = (ring.view, producer.line, share, graph.batch, producer._strategy, producer.control)
        return lambda: graph.produce(*call)

    return prepare


def _consumer(stage: Stage, ring: RingBuffer, words: Any, wait: str) -> Callable[[], Work]:
    def prepare() -> Work:
        consumer = ring.consumer(stage.name, after=stage.after, strategy=wait)
        handler = stage.tier(stage.handler, words, consumer.control)
        processor = BatchEventProcessor(consumer, handler)

        def work() -> int:
            processor.run_while(lambda: bool(consumer.sequence < words[LAST]))
            return int(words[RESULT])

        return work

    return prepare


def places(workers: int) -> list[frozenset[int]]:
    """A CPU each for two; more than two share both, as the scheduler likes."""
    here, there = two_cpus()
    if workers == 2:
        return [frozenset({here}), frozenset({there})]
    return [frozenset({here, there})] * workers


def check_results(graph: Graph, share: int, results: Sequence[int], who: str = "") -> None:
    """WrongResultError unless producers and stages, in this order, have the expected results."""
    names = [f"producer {number}" for number in range(graph.producers)]
    expected = [share] * graph.producers
    for stage in graph.stages:
        names.append(stage.name)
        expected.append(stage.expected(share))
    for name, result, value in zip(names, results, expected, strict=True):
        if result != value:
            of = f"{graph.name}, {who}" if who else graph.name
            raise WrongResultError(f"{of}: {name!r} computed {result} instead of {value}")


def graph_figures(
    graph: Graph,
    variant: str,
    runs: Sequence[GraphRun],
    wait: str,
    target: str = "",
    peer: str = "",
    scenario: str = "",
) -> list[Measurement]:
    """What several runs of one variant say: throughput, and what it cost."""
    details: dict[str, float | int | str] = {
        "wait": wait,
        "events": runs[0].events,
        "average batch": round(median(run.batch_size for run in runs), 1),
    }
    told = (
        ("throughput", "M events/s", [run.rate for run in runs], target),
        ("CPUs busy", "CPU s/s", [run.cpus for run in runs], ""),
        ("CPU cost", "CPU s/M events", [run.cpu_per_million for run in runs], ""),
    )
    return [
        Measurement(
            scenario or f"ring.{graph.name}",
            variant,
            metric,
            unit,
            tuple(values),
            aim,
            peer,
            details,
        )
        for metric, unit, values, aim in told
    ]
