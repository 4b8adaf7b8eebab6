"""Rivals do the same work with the same results; one that is missing or fails tells why."""

from __future__ import annotations

import importlib
import os
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from perf.harness.measurement import Options
from perf.harness.turns import take_turns
from perf.peers import lmax_disruptor
from perf.peers.channel_graphs import channel_round_trips, run_channel_graph
from perf.peers.channels import channel
from perf.peers.channels.channel import ChannelPeer, channel_peers, nothing_remains
from perf.peers.lmax_disruptor import LmaxSession
from perf.report.ratios import ratios
from perf.ring import rivals
from perf.ring.graph import Graph, WrongResultError, graph_figures, run_graph
from perf.ring.scenario import run_scenario
from tests.perf.test_graphs import NAMES

PEERS = channel_peers()


def graph(name: str) -> Graph:
    found: Graph = importlib.import_module(f"perf.scenarios.ring.{name}").GRAPH
    return found


def remains() -> list[str]:
    mark = f"perf.{os.getpid()}"
    folders = (Path("/dev/shm"), Path(tempfile.gettempdir()))
    return [path.name for folder in folders for path in folder.iterdir() if mark in path.name]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("name", NAMES)
def test_a_rival_computes_the_same(peer: ChannelPeer, name: str) -> None:
    if peer.absence:
        pytest.skip(peer.absence)
    run = run_channel_graph(peer, graph(name), 300)

    assert run.events >= 300
    assert run.rate > 0
    assert remains() == []


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_rival_s_round_trips_are_timed(peer: ChannelPeer) -> None:
    if peer.absence:
        pytest.skip(peer.absence)
    assert channel_round_trips(peer, 100).size == 90


def test_a_rival_with_a_wrong_result_is_caught() -> None:
    (last,) = graph("unicast").stages
    wrong = replace(graph("unicast"), stages=(replace(last, expected=lambda count: -1),))

    with pytest.raises(WrongResultError, match=r"unicast, multiprocessing.Pipe: 'addition'"):
        run_channel_graph(PEERS[1], wrong, 50)


@pytest.mark.skipif(bool(lmax_disruptor.absence()), reason=lmax_disruptor.absence())
def test_lmax_computes_the_same_and_is_compared_by_wait_strategy() -> None:
    wanted = graph("diamond")
    ours = run_graph(wanted, 5_000, "yielding", "processes")
    with ExitStack() as sessions:
        (variant,) = rivals.lmax_graphs(wanted, 5_000, "yielding", sessions)
        take_turns([variant], 2)
    theirs = variant.runs
    figures = [
        *graph_figures(wanted, "processes, yielding", [ours], "yielding"),
        *graph_figures(wanted, "threads, yielding", theirs, "yielding", peer="LMAX"),
        *graph_figures(wanted, "threads, blocking", theirs, "blocking", peer="LMAX"),
    ]

    assert [run.events for run in theirs] == [5_000, 5_000]
    (ratio,) = ratios(figures)
    assert ratio.theirs.variant == "threads, yielding"


@pytest.mark.skipif(bool(lmax_disruptor.absence()), reason=lmax_disruptor.absence())
def test_lmax_s_round_trips_are_timed_and_its_errors_told() -> None:
    with ExitStack() as sessions:
        (variant,) = rivals.lmax_round_trips(1_000, "blocking", sessions)
        take_turns([variant], 2)
    assert [times.size for times in variant.runs] == [900, 900]
    assert all((times > 0).all() for times in variant.runs)

    with pytest.raises(RuntimeError, match="unknown scenario nonsense"):
        LmaxSession("nonsense", 1, "blocking").__enter__()


def test_a_missing_lmax_and_a_missing_library_tell_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMAX_DISRUPTOR_JAR", "/nowhere/disruptor.jar")
    monkeypatch.setenv("PATH", "")
    missing = ChannelPeer("pigeons", PEERS[0].open_channel, nothing_remains, "no pigeons")
    monkeypatch.setattr(rivals, "channel_peers", lambda: [missing])

    options = Options(runs=1, peers=True, across=("processes",))
    figures = run_scenario(replace(graph("unicast"), events=1_000), options)

    absent = {figure.peer: figure.absence for figure in figures if figure.peer}
    assert absent == {"LMAX Disruptor": "there is no java on the PATH", "pigeons": "no pigeons"}


def test_a_rival_that_fails_in_the_middle_tells_why_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str, senders: int) -> channel.Channel:
        whole = PEERS[1].open_channel(name, senders)

        def sender() -> channel.Sender:
            raise OSError("the pipe leaks")

        return replace(whole, sender=sender)

    leaking = ChannelPeer("leaking", broken, nothing_remains)
    monkeypatch.setattr(rivals, "channel_peers", lambda: [leaking, PEERS[1]])

    figures = rivals.channel_figures(graph("unicast"), Options(runs=1, quick=True))

    assert "the pipe leaks" in figures[0].absence
    assert [figure.metric for figure in figures[1:]] == ["throughput", "CPUs busy", "CPU cost"]
