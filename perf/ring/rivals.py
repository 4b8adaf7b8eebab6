"""The same graphs by the peers, in the same run: LMAX Disruptor, and what carries messages in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perf.harness.crew import CrewError
from perf.harness.histogram import latency_figures
from perf.harness.measurement import Measurement, Options, absent
from perf.peers import lmax_disruptor
from perf.peers.channel_graphs import channel_round_trips, run_channel_graph
from perf.peers.channels.channel import ChannelPeer, channel_peers
from perf.ring.graph import (
    Graph,
    GraphRun,
    WrongResultError,
    check_results,
    graph_figures,
    share_of,
)
from perf.ring.round_trip import INTERVAL_NS, after_warm_up

_EVENTS = 30_000
_ROUNDS = 5_000
_QUICK_PART = 10


def rival_figures(
    graph: Graph, options: Options, events: int, waits: Sequence[str]
) -> list[Measurement]:
    """Each peer's throughput on this graph; one that is missing says why."""
    figures = []
    missing = lmax_disruptor.absence()
    if missing:
        figures.append(absent(f"ring.{graph.name}", lmax_disruptor.NAME, missing))
    else:
        for wait in lmax_disruptor.counterparts(waits):
            runs = _lmax_runs(graph, options.runs, events, wait)
            name = lmax_disruptor.peer_name()
            figures += graph_figures(graph, f"threads, {wait}", runs, wait, peer=name)
    few = _EVENTS // _QUICK_PART if options.quick else _EVENTS

    def measured(peer: ChannelPeer) -> list[Measurement]:
        runs = [run_channel_graph(peer, graph, few) for _ in range(options.runs)]
        return graph_figures(graph, "processes", runs, "", peer=peer.name)

    return [*figures, *_each_channel_peer(f"ring.{graph.name}", measured)]


def rival_round_trips(
    scenario: str, options: Options, rounds: int, waits: Sequence[str]
) -> list[Measurement]:
    """Each peer's round trips; one that is missing says why."""
    figures = []
    missing = lmax_disruptor.absence()
    if missing:
        figures.append(absent(scenario, lmax_disruptor.NAME, missing))
    else:
        for wait in lmax_disruptor.counterparts(waits):
            figures += latency_figures(
                scenario,
                f"threads, {wait}",
                "round trip",
                [
                    after_warm_up(times)
                    for times in lmax_disruptor.round_trips(rounds, options.runs, wait)
                ],
                INTERVAL_NS,
                peer=lmax_disruptor.peer_name(),
                details={"wait": wait, "rounds": rounds},
            )
    few = _ROUNDS // _QUICK_PART if options.quick else _ROUNDS

    def measured(peer: ChannelPeer) -> list[Measurement]:
        runs = [channel_round_trips(peer, few) for _ in range(options.runs)]
        return latency_figures(
            scenario,
            "processes",
            "round trip",
            runs,
            INTERVAL_NS,
            peer=peer.name,
            details={"rounds": few},
        )

    return [*figures, *_each_channel_peer(scenario, measured)]


def _each_channel_peer(
    scenario: str, measured: Callable[[ChannelPeer], list[Measurement]]
) -> list[Measurement]:
    """The figures of all that are installed and hold out; the others say what is the matter."""
    figures = []
    for peer in channel_peers():
        if peer.absence:
            figures.append(absent(scenario, peer.name, peer.absence))
            continue
        try:
            figures += measured(peer)
        except (CrewError, WrongResultError) as error:
            figures.append(absent(scenario, peer.name, str(error).splitlines()[0]))
    return figures


def _lmax_runs(graph: Graph, runs: int, events: int, wait: str) -> list[GraphRun]:
    share = share_of(graph, events)
    total = share * graph.producers
    measured = []
    for run in lmax_disruptor.measure(graph.name, total, runs, wait):
        check_results(graph, share, [share] * graph.producers + list(run.results), "LMAX")
        measured.append(GraphRun(run.events, run.seconds, run.cpu_seconds, run.batches))
    return measured
