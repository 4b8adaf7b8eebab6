"""Several Titans in YAML: which processes and rings come of it, what stays as written, mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.configuration import load_platform
from components.configuration.sharding import refuse_another_number
from components.messages.code import OP_SHARDS
from disruptor.errors import ConfigurationError
from disruptor.topology.graph import Graph
from tests.components.configuration.platforms import CONFIG, TRADING, changed, mistakes_of, platform


def test_one_shard_is_the_platform_as_it_is_written() -> None:
    assert platform("titan.shards=1") == platform()
    assert "titan" in platform().processes


def test_shards_take_the_place_of_titan() -> None:
    found = platform("titan.shards=3")
    shards = ("titan-0", "titan-1", "titan-2")
    assert tuple(found.processes) == (
        *("feed", *shards, "merge", "sentinel", "oracle", "monitor", "snapshots"),
    )
    alone = platform().processes["titan"]
    for number, name in enumerate(shards):
        shard = found.processes[name]
        assert shard.reads == ("commands",)
        assert shard.written() == (f"events-{number}",)
        assert shard.options == {"shard": number}
        for key in ("run", "wait", "group", "restart", "max_restarts", "hang_after_s"):
            assert getattr(shard, key) == getattr(alone, key)
        assert found.rings[f"events-{number}"] == found.rings["events"]
    merge = found.processes["merge"]
    assert merge.reads == ("commands", "events-0", "events-1", "events-2")
    assert merge.written() == ("events",)
    assert (merge.restart, merge.max_restarts) == (alone.restart, alone.max_restarts)
    graph = Graph.of(found)
    assert graph.dependencies("merge", "commands") == shards
    assert graph.gating("commands") == ("merge", "oracle")
    assert graph.dependencies("sentinel", "events") == ()


def test_what_the_file_says_of_a_shard_stays(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        (
            "  sentinel:  ",
            (
                "  titan-1:\n    run: components.titan.process:run\n    reads: [commands]\n"
                "    writes: [events-1]\n    options: {shard: 1}\n    cpu: 1\n  sentinel:  "
            ),
        ),
        ("  shards: 1", "  shards: 2"),
    )
    found = load_platform(path, (), {})
    assert (found.processes["titan-0"].cpu, found.processes["titan-1"].cpu) == ("auto", 1)
    assert list(found.processes)[1:4] == ["titan-0", "titan-1", "merge"]


def test_a_topology_with_its_shards_written_by_hand_is_taken(tmp_path: Path) -> None:
    text = TRADING.read_text("utf-8")
    begin = text.index("  titan:  ")
    end = text.index("  sentinel:  ")
    shard = (
        "  titan-{n}:\n    run: components.titan.process:run\n    reads: [commands]\n"
        "    writes: [events-{n}]\n    options: {{shard: {n}}}\n    cpu: {n}\n"
    )
    merge = (
        "  merge:\n    run: components.titan.merge_process:run\n"
        "    reads: [commands, events-0, events-1]\n    writes: [events]\n"
        "    after: {commands: [titan-0, titan-1]}\n"
    )
    ring = "  events-{n}:\n    capacity: 64\n    event: components.messages.event:EVENT\n"
    path = changed(
        tmp_path,
        (text[begin:end], shard.format(n=0) + shard.format(n=1) + merge),
        ("  risk:  ", ring.format(n=0) + ring.format(n=1) + "  risk:  "),
        ("  shards: 1", "  shards: 2"),
    )
    found = load_platform(path, (), {})
    assert [found.processes[name].cpu for name in found.shard_names()] == [0, 1]
    assert found.rings["events-1"].capacity == 64
    path = changed(
        tmp_path,
        (text[begin:end], shard.format(n=0) + merge),
        ("  shards: 1", "  shards: 2"),
    )
    (mistake,) = mistakes_of(path)
    assert mistake.endswith(
        "titan.shards: found 2, but there is no process titan of which to make titan-1; "
        "write it, or these"
    )


@pytest.mark.parametrize("count", ["0", "17", "two"])
def test_a_number_that_is_none_is_refused(count: str) -> None:
    (mistake,) = mistakes_of(TRADING, f"titan.shards={count}")
    assert "titan.shards: found" in mistake
    assert mistake.endswith("write a number of processes from 1 to 16")


def test_under_input_gating_the_shards_wait_for_the_journal_and_the_merge_for_them() -> None:
    graph = Graph.of(platform("titan.shards=2", "durability.gate=input"))
    assert graph.dependencies("titan-0", "commands") == ("oracle",)
    assert graph.dependencies("titan-1", "commands") == ("oracle",)
    assert graph.dependencies("merge", "commands") == ("titan-0", "titan-1")
    assert graph.gating("commands") == ("merge",)


def test_the_number_is_the_first_command_of_a_new_journal_only() -> None:
    two, alone = platform("titan.shards=2"), platform()
    first, *others = two.setup_commands()
    assert (first["op"], first["qty"]) == (OP_SHARDS, 2)
    assert [each.tobytes() for each in others] == [
        each.tobytes() for each in alone.setup_commands()
    ]
    again = two.setup_commands_after(
        two.instrument_table(), (), None, two.capacity, two.sentinel.capacity, shards=2
    )
    assert OP_SHARDS not in again["op"]


def test_another_number_than_the_journals_is_refused() -> None:
    two = platform("titan.shards=2", "oracle.path=./old")
    refuse_another_number(two, 2)
    with pytest.raises(ConfigurationError) as caught:
        refuse_another_number(two, 1)
    assert str(caught.value) == (
        "titan.shards: found 2, but the journal ./old was written with 1; write 1, or another "
        "oracle.path for a new journal"
    )


def test_the_example_has_two() -> None:
    found = load_platform(CONFIG / "sharded.yaml", (), {})
    assert found.shard_names() == ("titan-0", "titan-1")
    assert len(found.feed.symbols) == 3


def test_a_risk_gate_needs_one_titan() -> None:
    (mistake,) = mistakes_of(TRADING, "titan.shards=2", "titan.risk_gate=true")
    assert mistake == (
        "--set titan.risk_gate: found true with shards: 2; write false, or shards: 1, because the "
        "gate must see an account's orders in all symbols"
    )
