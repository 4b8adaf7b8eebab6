"""A file, what it extends and --set become one model; every mistake has its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from disruptor.errors import ConfigurationError
from disruptor.topology.load import load_topology, load_yaml
from tests.disruptor.topology.topologies import PIPELINE, topology, written


def mistakes_of(folder: Path, text: str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        topology(folder, text, *overrides)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_a_topology_is_read_as_written(tmp_path: Path) -> None:
    read = topology(tmp_path)

    assert read.name == "pipeline"
    assert read.rings["commands"].producers == "multi"
    assert read.rings["events"].producers == "single"
    assert read.processes["oracle"].reads == ("commands", "events", "risk")
    assert read.processes["sentinel"].written() == ("risk", "commands")
    assert read.processes["sentinel"].written(blocking=True) == ("risk",)
    assert read.processes["titan"].cpu == "auto"
    assert read.processes["titan"].wait == "adaptive"


@pytest.mark.parametrize(
    ("was", "becomes", "line"),
    [
        (
            'capacity: 64, event: "numpy:int64", producers: multi',
            'capacity: 1000, event: "numpy:int64", producers: multi',
            (
                "topology.yaml:3: rings.commands.capacity: found 1000; write a power of two from 2 to "
                "67108864 (did you mean 1024?)"
            ),
        ),
        (
            "producers: multi",
            "producers: mutli",
            (
                'topology.yaml:3: rings.commands.producers: found "mutli"; write single or multi '
                '(did you mean "multi"?)'
            ),
        ),
        (
            "producers: multi",
            "producer: multi",
            'topology.yaml:3: rings.commands.producer: unknown key (did you mean "producers"?)',
        ),
        (
            "producers: multi",
            "zzz: 1",
            (
                "topology.yaml:3: rings.commands.zzz: unknown key; known are capacity, event, "
                "producers"
            ),
        ),
        (
            'event: "numpy:int64", producers: multi',
            "event: numpy, producers: multi",
            (
                'topology.yaml:3: rings.commands.event: found "numpy"; write where the event\'s dtype '
                "is, as package.module:NAME"
            ),
        ),
        (
            'capacity: 64, event: "numpy:int64", producers: multi',
            'capacity: "64", event: "numpy:int64", producers: multi',
            (
                'topology.yaml:3: rings.commands.capacity: found "64"; write a power of two from 2 to '
                "67108864"
            ),
        ),
        (
            "    writes: [commands]",
            "    writes: [1]",
            (
                "topology.yaml:9: processes.feed.writes.0: found 1; write a ring's name, or "
                "{ring: NAME, blocking: false}"
            ),
        ),
        (
            "    writes: [commands]",
            "    writes: commands",
            (
                'topology.yaml:9: processes.feed.writes: found "commands"; write a list of ring names, '
                "or of {ring: NAME, blocking: false}"
            ),
        ),
        (
            "    writes: [commands]",
            "    writes: [{ring: commands, blocking: 0}]",
            (
                "topology.yaml:9: processes.feed.writes.0.blocking: found 0; write true, or false if "
                "the process never stops reading to wait for space"
            ),
        ),
        (
            "    writes: [commands]",
            "    writes: [commands]\n    cpu: none of them",
            (
                'topology.yaml:10: processes.feed.cpu: found "none of them"; write a CPU\'s number '
                "from 0, auto or none"
            ),
        ),
        (
            "    writes: [commands]",
            "    writes: [commands]\n    cpu: true",
            (
                "topology.yaml:10: processes.feed.cpu: found true; write a CPU's number from 0, "
                "auto or none"
            ),
        ),
        (
            "    writes: [commands]",
            "    writes: [commands]\n    wait: bussy_spin",
            (
                'topology.yaml:10: processes.feed.wait: found "bussy_spin"; write busy_spin, yielding, '
                'sleeping, blocking, timed_blocking, phased_backoff or adaptive (did you mean "busy_spin"?)'
            ),
        ),
        (
            "    writes: [commands]",
            "    writes: [commands]\n    max_restarts: 1.5",
            (
                "topology.yaml:10: processes.feed.max_restarts: found 1.5; write a number from 0 to "
                "1000000"
            ),
        ),
        (
            "    run: some.module:run\n    writes: [commands]",
            "    - some.module:run",
            "topology.yaml:7: processes.feed: found a list; write a mapping",
        ),
        (
            "name: pipeline",
            "name: Pipe line",
            (
                'topology.yaml:1: name: found "Pipe line"; write a name of 1 to 32 characters out of '
                "a-z, 0-9, _ and -"
            ),
        ),
        (
            "  feed:",
            "  fe ed:",
            (
                'topology.yaml:7: processes.fe ed: found "fe ed"; write a name of 1 to 32 characters '
                "out of a-z, 0-9, _ and -"
            ),
        ),
        (
            "name: pipeline",
            "",
            (
                "topology.yaml:2: name: missing; write a name of 1 to 32 characters out of a-z, 0-9, _ "
                "and -"
            ),
        ),
    ],
)
def test_each_mistake_has_its_line_key_and_what_would_be_right(
    tmp_path: Path, was: str, becomes: str, line: str
) -> None:
    assert was in PIPELINE

    assert mistakes_of(tmp_path, PIPELINE.replace(was, becomes, 1)) == [line]


def test_all_mistakes_are_told_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = PIPELINE.replace("capacity: 64", "capacity: 65").replace("some.module:run", "run")

    lines = mistakes_of(tmp_path, text)

    assert [line.split(": ")[0] for line in lines] == [
        f"topology.yaml:{number}" for number in (3, 4, 5, 8, 11, 15, 19)
    ]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("nonsense", "--set nonsense: found no key.path=value; write e.g. --set name=second"),
        ("a..b=1", "--set a..b=1: found no key.path=value; write e.g. --set name=second"),
        ("rngs.x=1", '--set rngs.x: rngs: unknown key (did you mean "rings"?)'),
        (
            "processes.titan.wiat=blocking",
            '--set processes.titan.wiat: unknown key (did you mean "wait"?)',
        ),
        (
            "rings.commands.capacity=100",
            (
                "--set rings.commands.capacity: found 100; write a power of two from 2 to 67108864 "
                "(did you mean 128?)"
            ),
        ),
        (
            "rings.commands.capacity.x=1",
            (
                "--set rings.commands.capacity.x: rings.commands.capacity is a single value; "
                "it has no key x"
            ),
        ),
        (
            "processes.titan.reads.7=events",
            (
                "--set processes.titan.reads.7: processes.titan.reads is a list of 1, numbered from 0; "
                "it has no entry 7"
            ),
        ),
        (
            "name=[1",
            (
                "--set name: not valid YAML: expected ',' or ']', but got '<stream end>' (while "
                "parsing a flow sequence)"
            ),
        ),
        (
            "name=null",
            "--set name: missing; write a name of 1 to 32 characters out of a-z, 0-9, _ and -",
        ),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, override: str, line: str) -> None:
    assert mistakes_of(tmp_path, PIPELINE, override) == [line]


def test_overrides_take_yaml_values_and_the_last_one_counts(tmp_path: Path) -> None:
    read = topology(
        tmp_path,
        PIPELINE,
        "rings.commands.capacity=128",
        "rings.commands.capacity=256",
        "processes.sentinel.writes.1={ring: commands, blocking: false}",
        "processes.titan.options.depth=3",
        "processes.titan.cpu=3",
    )

    assert read.rings["commands"].capacity == 256
    assert read.processes["titan"].options == {"depth": 3}
    assert read.processes["titan"].cpu == 3


def test_an_override_with_null_removes_a_process(tmp_path: Path) -> None:
    read = topology(tmp_path, PIPELINE, "processes.feed=null")

    assert tuple(read.processes) == ("titan", "sentinel", "oracle")


def test_a_file_says_only_what_differs_from_the_one_that_it_extends(tmp_path: Path) -> None:
    written(tmp_path, PIPELINE, "base.yaml")
    path = written(tmp_path, "extends: base.yaml\nname: other\nrings: {risk: {capacity: 8}}\n")

    read = load_topology(path)

    assert read.name == "other"
    assert read.rings["risk"].capacity == 8
    assert read.rings["risk"].event == "numpy:int64"


def test_a_mistake_names_the_file_that_made_it(tmp_path: Path) -> None:
    written(tmp_path, PIPELINE.replace("producers: multi", "producers: 3"), "base.yaml")
    text = "extends: base.yaml\nrings:\n  risk: {capacity: 9}\n"

    lines = mistakes_of(tmp_path, text)

    assert lines == [
        "base.yaml:3: rings.commands.producers: found 3; write single or multi",
        (
            "topology.yaml:3: rings.risk.capacity: found 9; write a power of two from 2 to 67108864 "
            "(did you mean 16?)"
        ),
    ]


def test_files_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "extends: topology.yaml\n", "base.yaml")

    assert mistakes_of(tmp_path, "extends: base.yaml\n") == [
        "base.yaml:1: extends: topology.yaml leads back to this file; extend one that does not"
    ]


def test_extending_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (line,) = mistakes_of(tmp_path, "name: x\nextends: bse.yaml\n")

    assert line.startswith("topology.yaml:2: extends: there is no file bse.yaml; write a path from")
    assert mistakes_of(tmp_path, "extends: 3\n") == [
        "topology.yaml:1: extends: write the path of another YAML file"
    ]


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"name: \xff\n")

    for path, reason in (
        (tmp_path / "absent.yaml", "cannot be read: no such file or directory"),
        (tmp_path, "cannot be read: is a directory"),
        (binary, "byte 6 is not UTF-8 text"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            load_yaml(path)
        assert str(caught.value) == f"{path}: {reason}"
