"""What ``python -m disruptor`` shows of a live ring, and what it removes of a dead owner's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from click.testing import CliRunner, Result

from disruptor.__main__ import main
from disruptor.errors import LayoutMismatchError, SegmentError
from disruptor.inspector import RingView, inspect
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY, Segment
from disruptor.memory.segment_view import SegmentView, segments
from disruptor.ring.ring_buffer import RingBuffer
from tests.disruptor.ring.conftest import EVENT, in_a_child, values


@pytest.fixture
def ring(segment_prefix: str) -> Iterator[RingBuffer]:
    made = RingBuffer.create(f"{segment_prefix}ring", EVENT, 8, multi_producer=True)
    yield made
    made.unlink()


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_everything_of_a_ring_is_told(ring: RingBuffer) -> None:
    first = ring.consumer("first")
    ring.consumer("second", after=("first",))
    ring.tap("tap")
    in_a_child(lambda: ring.consumer("dead", lag_max=7))
    producer = ring.producer("feed")
    producer.write(values(1, 2, 3))
    producer.void(producer.next())
    producer.next(2)
    first.wait(1)
    first.advance(2)

    answer = call("inspect", ring.name, "--json", "--interval", "0")
    told = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert told["segment"]["owner"]["pid"] == os.getpid()
    assert told["event"] == {"value": "<i8 at 0", "note": "|S8 at 8"}
    assert (told["at"]["cursor"], told["at"]["in_flight"], told["at"]["voided"]) == (6, 2, 1)
    consumers = {each["name"]: each for each in told["at"]["consumers"]}
    assert (consumers["first"]["sequence"], consumers["first"]["lag"]) == (2, 4)
    assert consumers["second"]["after"] == ["first"]
    assert consumers["tap"]["policy"] == "tap"
    assert (consumers["dead"]["policy"], consumers["dead"]["owner_is_alive"]) == ("evict", False)
    (feed,) = told["at"]["producers"]
    assert (feed["name"], feed["low"], feed["high"], feed["unpublished"]) == ("feed", 5, 6, 2)


def test_a_person_reads_who_is_behind_and_who_is_dead(ring: RingBuffer) -> None:
    ring.consumer("slow")
    in_a_child(lambda: ring.consumer("gone"))
    ring.producer("feed").write(values(1, 2, 3))

    text = call("inspect", ring.name, "--interval", "0").stdout
    assert f"{ring.name}: 8 slots of 16 bytes, several producers" in text
    assert f"slow                 at 0, 3 behind, 0/s, 0 waits, gate, pid {os.getpid()}\n" in text
    assert "gone                 at 0, 3 behind" in text
    assert text.count("(DEAD)") == 1
    assert f"feed                 idle, pid {os.getpid()}" in text


def test_rates_come_from_two_looks(ring: RingBuffer) -> None:
    ring.consumer("c")
    ring.producer("p").write(values(1, 2))
    seen = inspect(ring.name, 0)

    assert (seen.rates.published, seen.rates.consumers) == (0, {"c": 0})


def test_a_look_cannot_change_anything(ring: RingBuffer) -> None:
    view = SegmentView(ring.name).array(np.int64, 1, 0)

    with pytest.raises(ValueError, match="read-only"):
        view[0] = 0


def test_what_is_no_ring_is_told_in_one_line(segment_prefix: str) -> None:
    other = Segment.create(f"{segment_prefix}other", "counters", 1, 4096)
    unpublished = call("inspect", other.name)
    other.publish()
    with pytest.raises(
        LayoutMismatchError, match="holds kind='counters' version=1; expected kind='ring'"
    ):
        RingView(other.name)
    for name, message in (
        (other.name, "holds kind='counters'"),
        (f"{segment_prefix}none", "cannot be looked at: No such file"),
    ):
        answer = call("inspect", name)
        assert (answer.exit_code, message in answer.stderr) == (1, True)
        assert len(answer.stderr.splitlines()) == 1
    assert (unpublished.exit_code, "magic=0x0" in unpublished.stderr) == (1, True)
    other.unlink()


def test_segments_are_listed_with_their_owners(ring: RingBuffer, segment_prefix: str) -> None:
    in_a_child(lambda: RingBuffer.create(f"{segment_prefix}left", EVENT, 8))
    with open(f"{SHARED_MEMORY_DIRECTORY}/{segment_prefix}foreign", "w") as foreign:
        foreign.write("not ours")
    os.unlink(foreign.name)

    assert [each.name for each in segments(segment_prefix)] == [f"{segment_prefix}left", ring.name]
    told = json.loads(call("list", segment_prefix, "--json").stdout)
    assert [(each["kind"], each["owner_is_alive"]) for each in told] == [
        ("ring", False),
        ("ring", True),
    ]
    assert call("list", segment_prefix).stdout.count("(DEAD)") == 1
    assert call("reclaim", f"{segment_prefix}left").exit_code == 0
    assert [each.name for each in segments(segment_prefix)] == [ring.name]


def test_a_living_owners_segment_is_not_reclaimed(ring: RingBuffer) -> None:
    answer = call("reclaim", ring.name)

    assert answer.exit_code == 1
    assert f"belongs to the running process {os.getpid()}" in answer.stderr
    assert RingView(ring.name).capacity == 8


def test_what_is_not_ours_is_not_reclaimed(segment_prefix: str) -> None:
    path = f"{SHARED_MEMORY_DIRECTORY}/{segment_prefix}foreign"
    with open(path, "wb") as foreign:
        foreign.write(b"\1" * 4096)
    answer = call("reclaim", f"{segment_prefix}foreign")
    survived = os.path.exists(path)
    os.unlink(path)

    assert (answer.exit_code, survived) == (1, True)
    with pytest.raises(SegmentError):
        SegmentView(f"{segment_prefix}foreign")


@pytest.mark.parametrize(
    "arguments", [("reclaim",), ("reclaim", "a", "--all"), ("inspect",), ("x",)]
)
def test_wrong_usage_is_exit_code_two(arguments: tuple[str, ...]) -> None:
    assert call(*arguments).exit_code == 2


def test_it_needs_no_compiler(ring: RingBuffer) -> None:
    """So that it answers at once, also on a machine in trouble."""
    program = (
        "import sys; from disruptor.inspector import inspect;"
        f"inspect({ring.name!r}, 0); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
