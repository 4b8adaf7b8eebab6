"""A merge begins anew only if its predecessor left nothing to go on from: else events would go out twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import pytest

from components.titan.merge_checkpoint import Checkpoint
from disruptor.errors import LayoutMismatchError, SegmentError
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY, Segment

_VERSION_AT = 8


@pytest.fixture
def name(segment_prefix: str) -> str:
    return f"{segment_prefix}checkpoint"


@pytest.fixture
def left(name: str) -> Iterator[Checkpoint]:
    """What a predecessor left after 7 events."""
    made = Checkpoint.begun(name, 7, [3, 4])
    yield made
    made.unlink()


def test_who_finds_none_begins(name: str) -> None:
    checkpoint = Checkpoint.continued(name, 9, [1, 2])
    try:
        assert (checkpoint.published, checkpoint.taken) == (9, [1, 2])
    finally:
        checkpoint.unlink()


@pytest.mark.parametrize("size", [0, 40, 4096], ids=["not sized", "cut", "not published"])
def test_who_finds_one_that_was_never_finished_begins(name: str, size: int) -> None:
    with open(f"{SHARED_MEMORY_DIRECTORY}/{name}", "wb") as file:
        file.truncate(size)
    checkpoint = Checkpoint.continued(name, 9, [1, 2])
    try:
        assert checkpoint.published == 9
    finally:
        checkpoint.unlink()


def test_who_finds_one_goes_on_from_there(name: str, left: Checkpoint) -> None:
    found = Checkpoint.continued(name, 9, [1, 2])

    assert (found.published, found.taken) == (left.published, left.taken) == (7, [3, 4])


def test_who_finds_one_of_another_layout_does_not_begin(name: str, left: Checkpoint) -> None:
    with open(f"{SHARED_MEMORY_DIRECTORY}/{name}", "r+b") as file:
        file.seek(_VERSION_AT)
        file.write((99).to_bytes(8, "little"))

    with pytest.raises(LayoutMismatchError, match="version=99"):
        Checkpoint.continued(name, 9, [1, 2])


@pytest.mark.parametrize("what_fails", ["attach", "open"])
def test_who_cannot_look_at_it_now_does_not_begin(
    name: str, left: Checkpoint, monkeypatch: pytest.MonkeyPatch, what_fails: str
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        if what_fails == "open":
            raise OSError(24, "Too many open files")
        raise SegmentError("it cannot be attached: Too many open files")

    with monkeypatch.context() as now:
        if what_fails == "open":
            now.setattr("components.titan.merge_checkpoint.open", fail, raising=False)
        else:
            now.setattr(Segment, "attach", fail)
        with pytest.raises(SegmentError, match="Too many open files"):
            Checkpoint.continued(name, 9, [1, 2])

    assert Checkpoint.continued(name, 9, [1, 2]).published == 7
