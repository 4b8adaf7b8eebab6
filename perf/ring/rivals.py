"""The same graphs by the peers, in the same run: LMAX Disruptor, and what carries messages in Python."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from perf.harness.crew import CrewError
from perf.harness.histogram import latency_figures
from perf.harness.measurement import Measurement, Options, absent
from perf.harness.turns import Variant
from perf.peers import lmax_disruptor
from perf.peers.channel_graphs import channel_round_trips, run_channel_graph
from perf.peers.channels.channel import ChannelPeer, channel_peers
from perf.peers.lmax_disruptor import LmaxSession
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


def lmax_absence(scenario: str) -> list[Measurement]:
    """Why LMAX Disruptor was not measured, if it was not."""
    reason = lmax_disruptor.absence()
    return [absent(scenario, lmax_disruptor.NAME, reason)] if reason else []


def lmax_graphs(graph: Graph, events: int, wait: str, sessions: ExitStack) -> list[Variant]:
    """LMAX Disruptor on this graph, if it is there and knows this way of waiting."""
    share = share_of(graph, events)
    session = _lmax_session(graph.name, share * graph.producers, wait, sessions)

    def once() -> GraphRun:
        assert session is not None
        run = session.run()
        check_results(graph, share, [share] * graph.producers + list(run.results), "LMAX")
        return GraphRun(run.events, run.seconds, run.cpu_seconds, run.batches)

    return [_lmax_variant(once, wait)] if session else []


def lmax_round_trips(rounds: int, wait: str, sessions: ExitStack) -> list[Variant]:
    """LMAX Disruptor's ping-pong, if it is there and knows this way of waiting."""
    session = _lmax_session("ping_pong", rounds, wait, sessions)
    if session is None:
        return []
    return [_lmax_variant(lambda: after_warm_up(session.round_trips()), wait)]


def _lmax_session(scenario: str, events: int, wait: str, sessions: ExitStack) -> LmaxSession | None:
    if lmax_disruptor.absence() or wait not in lmax_disruptor.WAITS:
        return None
    return sessions.enter_context(LmaxSession(scenario, events, wait))


def _lmax_variant(once: Callable[[], object], wait: str) -> Variant:
    return Variant(f"threads, {wait}", once, wait, peer=lmax_disruptor.peer_name())


def channel_figures(graph: Graph, options: Options) -> list[Measurement]:
    """Each message carrier's throughput on this graph; one that is missing says why."""
    few = _EVENTS // _QUICK_PART if options.quick else _EVENTS

    def measured(peer: ChannelPeer) -> list[Measurement]:
        runs = [run_channel_graph(peer, graph, few) for _ in range(options.runs)]
        return graph_figures(graph, "processes", runs, "", peer=peer.name)

    return _each_channel_peer(f"ring.{graph.name}", measured)


def channel_latencies(scenario: str, options: Options) -> list[Measurement]:
    """Each message carrier's round trips; one that is missing says why."""
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

    return _each_channel_peer(scenario, measured)


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
