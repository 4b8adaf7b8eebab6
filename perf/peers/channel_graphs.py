"""The ring's graphs built of channels: every edge is one, and events travel along it as bytes.

    multicast   one channel to each consumer, and the producer sends each event to all
    pipeline    each step sends what it made of the event on to the next
    diamond     fizz and buzz each send their event on; the last puts the two together
    batches     travel as one message

The workers are Python, as the users of these libraries write them; results are compared with the
same expected values as the ring's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from perf.harness.crew import Work, Worker, run_crew, shared_array
from perf.peers import plain_handlers
from perf.peers.channels.channel import Channel, ChannelPeer, Receiver, Sender
from perf.peers.plain_handlers import Event
from perf.ring.graph import (
    Graph,
    GraphRun,
    Stage,
    WrongResultError,
    check_results,
    places,
    share_of,
)
from perf.ring.round_trip import INTERVAL_NS, after_warm_up

WORDS = 8
LIMIT_SECONDS = 60


def run_channel_graph(peer: ChannelPeer, graph: Graph, events: int) -> GraphRun:
    """Send ``events`` through the graph once, over this rival's channels."""
    share = share_of(graph, events)
    prefix = f"perf.{os.getpid()}"
    edges = {
        (source, stage.name): peer.open_channel(
            f"{prefix}.{graph.name}_{number}_{at}".replace(" ", "_"),
            graph.producers if source == "" else 1,
        )
        for number, stage in enumerate(graph.stages)
        for at, source in enumerate(stage.after or ("",))
    }
    cpus = places(graph.workers)
    total = share * graph.producers
    workers = [
        _producer(graph, f"producer {number}", edges, share, cpus[number])
        for number in range(graph.producers)
    ]
    for stage, where in zip(graph.stages, cpus[graph.producers :], strict=True):
        workers.append(_stage(graph, stage, edges, total, where))
    try:
        outcomes = run_crew(workers, limit_seconds=LIMIT_SECONDS)
    finally:
        peer.remove_remains(prefix)
    check_results(graph, share, [outcome.result for outcome in outcomes], peer.name)
    started = min(each.started_ns for each in outcomes[: graph.producers])
    ended = max(each.ended_ns for each in outcomes[graph.producers :])
    cpu_ns = sum(each.cpu_ns for each in outcomes)
    return GraphRun(total, (ended - started) / 1e9, cpu_ns / 1e9, total // graph.batch)


Edges = dict[tuple[str, str], Channel]
Ends = list[Sender] | list[Receiver]


def _producer(graph: Graph, name: str, edges: Edges, share: int, cpus: frozenset[int]) -> Worker:
    senders: list[Sender] = []

    def prepare() -> Work:
        first: Callable[[int], Event] = getattr(plain_handlers, graph.produce.__name__)
        senders.extend(channel.sender() for (source, _), channel in edges.items() if source == "")
        pack = Struct(f"<{WORDS * graph.batch}q").pack

        def work() -> int:
            for low in range(0, share, graph.batch):
                words: list[int] = []
                for number in range(low, low + graph.batch):
                    words += first(number)
                message = pack(*words)
                for sender in senders:
                    sender.send(message)
            return share

        return work

    return Worker(name, prepare, cpus, _closing(senders))


def _stage(graph: Graph, stage: Stage, edges: Edges, total: int, cpus: frozenset[int]) -> Worker:
    receivers: list[Receiver] = []
    senders: list[Sender] = []

    def prepare() -> Work:
        handle: Callable[[int, Event], int] = getattr(plain_handlers, stage.handler.__name__)
        receivers.extend(edges[edge].receiver() for edge in edges if edge[1] == stage.name)
        senders.extend(edges[edge].sender() for edge in edges if edge[0] == stage.name)
        layout = Struct(f"<{WORDS * graph.batch}q")

        def work() -> int:
            result = 0
            for _ in range(total // graph.batch):
                words = list(layout.unpack(receivers[0].receive()))
                for receiver in receivers[1:]:
                    # What several stages wrote into the same event: each left 0 where it did not.
                    other = layout.unpack(receiver.receive())
                    words = [mine or theirs for mine, theirs in zip(words, other, strict=True)]
                for at in range(0, len(words), WORDS):
                    event = words[at : at + WORDS]
                    result = handle(result, event)
                    words[at : at + WORDS] = event
                for sender in senders:
                    sender.send(layout.pack(*words))
            return result

        return work

    return Worker(stage.name, prepare, cpus, _closing(receivers, senders))


def _closing(*groups: Ends) -> Callable[[], None]:
    """What a worker does when it leaves; what it closes is opened in the meantime."""

    def leave() -> None:
        for ends in groups:
            for end in ends:
                end.close()

    return leave


def channel_round_trips(peer: ChannelPeer, rounds: int) -> NDArray[np.int64]:
    """The ping-pong over two channels, each round timed."""
    prefix = f"perf.{os.getpid()}"
    ping = peer.open_channel(f"{prefix}.ping", 1)
    pong = peer.open_channel(f"{prefix}.pong", 1)
    times = shared_array(rounds, np.int64)
    layout = Struct(f"<{WORDS}q")

    receivers: list[Receiver] = []
    senders: list[Sender] = []

    def ask() -> Work:
        senders.append(ping.sender())
        receivers.append(pong.receiver())
        send, receive = senders[0].send, receivers[0].receive

        def work() -> int:
            right = 0
            for number in range(rounds):
                started = time.perf_counter_ns()
                send(layout.pack(number, 0, 0, 0, 0, 0, 0, 0))
                right += layout.unpack(receive())[0] == number
                ended = time.perf_counter_ns()
                times[number] = ended - started
                while time.perf_counter_ns() < ended + INTERVAL_NS:
                    pass
            return right

        return work

    def answer() -> Work:
        receivers.append(ping.receiver())
        senders.append(pong.sender())
        send, receive = senders[0].send, receivers[0].receive

        def work() -> int:
            for _ in range(rounds):
                send(receive())
            return rounds

        return work

    cpus, leave = places(2), _closing(receivers, senders)
    crew = [Worker("asker", ask, cpus[0], leave), Worker("answerer", answer, cpus[1], leave)]
    try:
        asked, _ = run_crew(crew, limit_seconds=LIMIT_SECONDS)
    finally:
        peer.remove_remains(prefix)
    if asked.result != rounds:
        raise WrongResultError(f"{peer.name}: {asked.result} of {rounds} answers were right")
    return after_warm_up(times)
