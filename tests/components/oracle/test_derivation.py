"""Titan in a thread of its own: the same bytes as one after the other, and nothing left running."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.messages.command import Commands
from components.oracle import derivation
from components.oracle.derivation import Derivation, StateHashes
from components.oracle.one_ahead import one_ahead
from tests.components.oracle.platform_samples import Platform
from tests.components.risk_gate.test_around_the_gate import journaled


def numbers(made: list[int], end: int) -> Generator[int]:
    for number in range(1, end + 1):
        made.append(number)
        yield number


def test_items_come_in_order_and_the_next_is_made_while_one_is_used() -> None:
    made: list[int] = []
    used, third_is_made = [], threading.Event()

    def items() -> Generator[int]:
        for number in numbers(made, 5):
            if number == 3:
                third_is_made.set()
            yield number

    with ThreadPoolExecutor(1) as thread:
        for item in one_ahead(items(), thread):
            used.append(item)
            assert item != 2 or third_is_made.wait(60), "nothing is made meanwhile"

    assert used == made == [1, 2, 3, 4, 5]


def test_an_error_comes_in_its_place() -> None:
    def items() -> Generator[int]:
        yield 1
        yield 2
        raise ValueError("no third one")

    with ThreadPoolExecutor(1) as thread:
        ahead = one_ahead(items(), thread)

        assert [next(ahead), next(ahead)] == [1, 2]
        with pytest.raises(ValueError, match="no third one"):
            next(ahead)


def test_who_stops_early_leaves_nothing_that_is_being_made() -> None:
    made: list[int] = []
    items = numbers(made, 100)
    with ThreadPoolExecutor(1) as thread:
        ahead = one_ahead(items, thread)
        assert next(ahead) == 1
        ahead.close()

    assert made == [1, 2]
    assert next(items, None) is None


def derived(commands: Commands, *, is_threaded: bool) -> tuple[str, StateHashes]:
    """The digest of all that follows, and the states' hashes."""
    told = hashlib.sha256()
    run = Derivation(is_threaded=is_threaded)
    for start in range(0, len(commands), 100):
        for answers in run.feed(commands[start : start + 100]):
            for records in answers:
                told.update(records.tobytes())
    return told.hexdigest(), run.hashes()


@pytest.mark.parametrize("kind", ["one engine", "two shards", "gated"])
def test_both_engines_at_once_tell_what_they_tell_one_after_the_other(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "gated":
        commands = journaled(200, 50)[0].commands
    else:
        platform = Platform(seed=5, shards=1 if kind == "one engine" else 2)
        platform.run(400)
        commands = platform.streams()["commands"]
    monkeypatch.setattr(derivation, "_OUTBOX_RECORDS", 64)
    monkeypatch.setattr(derivation, "_BATCH", 23)

    assert derived(commands, is_threaded=True) == derived(commands, is_threaded=False)
