"""What follows from the arrows of a topology, and which topologies are impossible."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disruptor.errors import GraphError
from disruptor.topology.graph import Graph, mistakes
from disruptor.topology.model import Process, Ring, Topology, Write
from tests.disruptor.topology.topologies import PIPELINE, topology


def mistake_of(folder: Path, *changes: tuple[str, str]) -> str:
    text = PIPELINE
    for was, becomes in changes:
        assert was in text
        text = text.replace(was, becomes, 1)
    with pytest.raises(GraphError) as caught:
        topology(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_consumers_start_before_their_producers_and_drain_after_them(tmp_path: Path) -> None:
    graph = Graph.of(topology(tmp_path))

    assert graph.drain_order() == ("feed", "titan", "sentinel", "oracle")
    assert graph.start_order() == ("oracle", "sentinel", "titan", "feed")


def test_all_readers_gate_a_ring(tmp_path: Path) -> None:
    graph = Graph.of(topology(tmp_path))

    assert graph.gating("commands") == ("titan", "oracle")
    assert graph.gating("risk") == ("oracle",)
    assert graph.dependencies("titan", "commands") == ()


@pytest.mark.parametrize("after", ["[oracle]", "{commands: [oracle]}"])
def test_a_reader_that_follows_another_gates_for_both(tmp_path: Path, after: str) -> None:
    graph = Graph.of(topology(tmp_path, PIPELINE, f"processes.titan.after={after}"))

    assert graph.dependencies("titan", "commands") == ("oracle",)
    assert graph.gating("commands") == ("titan",)
    assert graph.gating("events") == ("sentinel", "oracle")


def test_a_circle_without_a_non_blocking_write_is_drawn(tmp_path: Path) -> None:
    assert mistake_of(tmp_path, ("{ring: commands, blocking: false}", "commands")) == (
        "topology.yaml:17: processes.sentinel.writes.1: the circle sentinel → commands → titan → "
        "events → sentinel can fill up and stop for ever; write {ring: commands, blocking: false} "
        "here, or make another of its writes non-blocking; the process of that write must go on "
        "reading while the ring is full"
    )


def test_a_reader_for_which_others_wait_cannot_be_detached(tmp_path: Path) -> None:
    changes = (
        ("  oracle:\n", "  oracle:\n    lag_max: 32\n"),
        ("reads: [commands]\n", "reads: [commands]\n    after: [oracle]\n"),
    )

    assert mistake_of(tmp_path, *changes) == (
        "topology.yaml:20: processes.oracle.lag_max: found 32, but titan waits for it on commands; "
        "write 0"
    )


def test_a_reader_cannot_be_further_behind_than_its_ring_is_long(tmp_path: Path) -> None:
    assert mistake_of(tmp_path, ("  oracle:\n", "  oracle:\n    lag_max: 64\n")).startswith(
        "topology.yaml:19: processes.oracle.lag_max: found 64, which commands with its 64 slots "
        "cannot hold; write a number from 1 to 63"
    )


def test_a_process_that_reads_what_it_writes_is_a_circle(tmp_path: Path) -> None:
    message = mistake_of(tmp_path, ("reads: [commands]", "reads: [commands, events]"))

    assert "the circle titan → events → titan can fill up" in message


@pytest.mark.parametrize(
    ("was", "becomes", "line"),
    [
        (
            "writes: [events]",
            "writes: [evnts]",
            (
                'topology.yaml:13: processes.titan.writes.0: found "evnts", which is no ring '
                '(did you mean "events"?)'
            ),
        ),
        (
            "reads: [commands]",
            "reads: [orders]",
            (
                'topology.yaml:12: processes.titan.reads.0: found "orders", which is no ring; '
                "rings are commands, events, risk"
            ),
        ),
        (
            "reads: [commands]",
            "reads: [commands, commands]",
            'topology.yaml:12: processes.titan.reads: found "commands" twice; name each ring once',
        ),
        (
            "reads: [commands, events, risk]",
            "reads: [commands, events]",
            "topology.yaml:5: rings.risk: no process reads it; add risk to the reads of one",
        ),
        (
            "writes: [events]",
            "writes: []",
            "topology.yaml:4: rings.events: no process writes it; add events to the writes of one",
        ),
        (
            ", producers: multi",
            "",
            (
                "topology.yaml:3: rings.commands: found one producer allowed, but feed and sentinel "
                "write it; write producers: multi"
            ),
        ),
        (
            "reads: [commands]",
            "reads: [commands]\n    after: [orcle]",
            (
                'topology.yaml:13: processes.titan.after: found "orcle", which is no process '
                '(did you mean "oracle"?)'
            ),
        ),
        (
            "reads: [commands]",
            "reads: [commands]\n    after: [feed]",
            (
                'topology.yaml:13: processes.titan.after: found "feed", which does not read a ring '
                "in common; wait for a process that does"
            ),
        ),
        (
            "reads: [commands]",
            "reads: [commands]\n    after: {commands: [sentinel]}",
            (
                'topology.yaml:13: processes.titan.after.commands: found "sentinel", which does not '
                "read commands; wait for a process that does"
            ),
        ),
        (
            "reads: [commands]",
            "reads: [commands]\n    after: {events: [oracle]}",
            (
                'topology.yaml:13: processes.titan.after.events: found "events", which titan does not '
                "read; name a ring that it reads"
            ),
        ),
        (
            "reads: [commands]",
            "reads: [commands]\n    after: [titan]",
            (
                'topology.yaml:13: processes.titan.after: found "titan", which is the process itself; '
                "name another reader of the ring"
            ),
        ),
    ],
)
def test_what_is_impossible_is_named_at_its_key(
    tmp_path: Path, was: str, becomes: str, line: str
) -> None:
    assert mistake_of(tmp_path, (was, becomes)) == line


def test_readers_that_wait_for_each_other_are_refused(tmp_path: Path) -> None:
    message = mistake_of(
        tmp_path,
        ("reads: [commands]", "reads: [commands]\n    after: [oracle]"),
        ("reads: [commands, events, risk]", "reads: [commands, events, risk]\n    after: [titan]"),
    )

    assert message == (
        "topology.yaml:13: processes.titan.after: on commands, titan waits for oracle waits for "
        "titan: none could start; remove one of these waits"
    )


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Any arrows between some rings and processes, many of them impossible."""
    rings = ["r0", "r1", "r2"][: draw(st.integers(1, 3))]
    chosen = st.lists(st.sampled_from(rings), unique=True)
    processes = {}
    for number in range(draw(st.integers(1, 4))):
        writes = draw(st.lists(st.tuples(st.sampled_from(rings), st.booleans()), max_size=2))
        processes[f"p{number}"] = Process(
            run="m:f",
            reads=tuple(draw(chosen)),
            writes=tuple(Write(ring=ring, blocking=stops) for ring, stops in writes),
            after={"*": ("p0",)} if number and draw(st.booleans()) else {},
        )
    made = {ring: Ring(capacity=2, event="m:d", producers="multi") for ring in rings}
    return Topology(name="t", rings=made, processes=processes)


def has_blocking_circle(topology: Topology) -> bool:
    """The plain reference: does following blocking writes ever lead back?"""
    step = {
        name: {
            other
            for ring in process.written(blocking=True)
            for other, reader in topology.processes.items()
            if ring in reader.reads
        }
        for name, process in topology.processes.items()
    }
    reached = {name: set(others) for name, others in step.items()}
    for _ in step:
        for others in reached.values():
            others.update(*(step[other] for other in set(others)))
    return any(name in others for name, others in reached.items())


@given(topologies())
def test_circles_are_found_exactly_when_there_are_any(topology: Topology) -> None:
    found = mistakes(topology)

    if any("the circle" in each.text for each in found):
        assert has_blocking_circle(topology)
    elif not found:
        assert not has_blocking_circle(topology)
        graph = Graph.of(topology)
        order = graph.drain_order()
        assert sorted(order) == sorted(topology.processes)
        assert all(graph.gating(ring) for ring in topology.rings)
