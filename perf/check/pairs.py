"""The pairs: our work and its baseline, in CPU time of one thread, so that others do not disturb.

The least ratio is at most a third of what was measured: what breaks it is a lost optimisation or a
search that became a scan, not noise.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from components.feed.binance_messages import Parser
from components.messages.command import COMMAND, Commands
from components.oracle.store import Journal, verify
from disruptor import RingBuffer, wait_strategy
from disruptor.compiled import entry
from disruptor.memory.atomics import load_acquire, store_release
from disruptor.ring.barrier import advance, wait_for
from disruptor.ring.layout import Ring
from disruptor.ring.sequencer import next_sequence, publish
from disruptor.ring.wait_strategy import WaitStrategy
from perf.harness.titan_replay import cost_of, fresh_state
from perf.peers import plain_python_book
from perf.ring.events import WIDE
from perf.scenarios.feed_parse import frames_of_sample, parser_of_sample
from perf.scenarios.sentinel_scan import engine_of, populated, prices_around
from perf.workloads.mixed import RESTING, mixed_commands
from perf.workloads.steady import steady_commands

_EVENTS: Final = 1_000_000
_COMMANDS: Final = 50_000
_PRICES: Final = 20_000
_APPENDS: Final = 50
_BATCH: Final = 4_096
_OPENING: Final = 1 + RESTING

Work = Callable[[], float]
"""Does its work once; CPU seconds, or ns a piece: whatever its baseline tells too."""


@dataclass(frozen=True)
class Pair:
    """``least``: how many times as long as ours the baseline must take."""

    name: str
    baseline: str
    ours: Work
    theirs: Work
    least: float


@contextmanager
def pairs() -> Iterator[list[Pair]]:
    """All of them; what they need is made, and is gone at the end."""
    with ExitStack() as made:
        folder = Path(made.enter_context(tempfile.TemporaryDirectory(prefix="perf-check-")))
        yield [
            _ring(made),
            _titan(),
            _titan_growth(),
            _sentinel_growth(),
            *_journal(folder),
            _feed(),
        ]


def _seconds(work: Callable[[], Any]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


@entry
def _through_the_ring(
    ring: Ring, word: int, dependents: Any, strategy: WaitStrategy, control: Any, count: int
) -> int:
    mask = np.uint64(ring.slots.size - 1)
    total = 0
    for number in range(count):
        claimed = next_sequence(ring, 0, 1, strategy, control, 0)
        ring.slots[np.uint64(claimed) & mask]["value"] = number
        publish(ring, 0, claimed, claimed)
        ready = wait_for(ring, dependents, claimed, strategy, control, 0)
        total += ring.slots[np.uint64(ready) & mask]["value"]
        advance(ring, word, ready)
    return total


@entry
def _through_two_words(slots: Any, words: Any, count: int) -> int:
    mask = np.uint64(slots.size - 1)
    total = 0
    for number in range(count):
        slots[np.uint64(number) & mask]["value"] = number
        store_release(words, 0, number)
        ready = load_acquire(words, 0)
        total += slots[np.uint64(ready) & mask]["value"]
        store_release(words, 16, ready)
    return total


def _ring(made: ExitStack) -> Pair:
    ring = RingBuffer.create(f"perf-check-{time.monotonic_ns()}", WIDE, 1_024)
    made.callback(ring.close)
    ring.unlink()
    producer = ring.producer("check")
    made.callback(producer.close)
    consumer = ring.consumer("check")
    strategy = wait_strategy("yielding")
    slots, words = np.zeros(1_024, WIDE), np.zeros(32, np.int64)
    place = consumer.sequence_word, consumer.dependents
    call = ring.view, *place, strategy, consumer.control
    _through_the_ring(*call, 0)
    _through_two_words(slots, words, 0)
    return Pair(
        "an event through a ring, one at a time",
        "through an array and two words",
        lambda: _seconds(lambda: _through_the_ring(*call, _EVENTS)),
        lambda: _seconds(lambda: _through_two_words(slots, words, _EVENTS)),
        0.1,
    )


def _titan() -> Pair:
    commands = mixed_commands(_COMMANDS)
    measured = commands[_OPENING:]

    def ours() -> float:
        return cost_of(*fresh_state(commands[:_OPENING], len(measured)), measured, _OPENING)

    return Pair(
        "Titan, a mixed command",
        "a book in plain Python",
        ours,
        lambda: plain_python_book.replay(commands, RESTING),
        5.0,
    )


def _titan_growth() -> Pair:
    def cost(resting: int) -> Work:
        opening, commands = steady_commands(resting, _COMMANDS)

        def once() -> float:
            state = fresh_state(opening, len(commands))
            return cost_of(*state, commands, len(opening))

        return once

    return Pair(
        "Titan, a command among 100,000 resting orders",
        "among 1,000",
        cost(100_000),
        cost(1_000),
        0.1,
    )


def _sentinel_growth() -> Pair:
    prices = prices_around(_PRICES, 1)

    def cost(accounts: int) -> Work:
        update = engine_of(populated(accounts, 1, deposit=100_000))
        update(prices)
        return lambda: _seconds(lambda: update(prices))

    return Pair(
        "Sentinel, a price that reaches nobody, 50,000 accounts",
        "100 accounts",
        cost(50_000),
        cost(100),
        0.2,
    )


def _journal(folder: Path) -> list[Pair]:
    commands = np.random.default_rng(1).integers(0, 256, _BATCH * COMMAND.itemsize, np.uint8)
    content: Commands = commands.view(COMMAND)
    content["ts"] = 1

    def append() -> float:
        with (
            tempfile.TemporaryDirectory(dir=folder) as directory,
            Journal.open_writer(Path(directory) / "journal", {"s": COMMAND}, sync="off") as journal,
        ):
            return _seconds(lambda: _append(journal, content))

    def proof() -> float:
        return _seconds(lambda: _require_proven(folder / "proven"))

    with Journal.open_writer(folder / "proven", {"s": COMMAND}, sync="off") as journal:
        _append(journal, content)
    digests = "SHA-256 of the same bytes"
    return [
        Pair("journal, append without fsync", digests, append, lambda: _digests(commands), 0.1),
        Pair("journal, prove the chain", digests, proof, lambda: _digests(commands), 0.12),
    ]


def _append(journal: Journal, content: Commands) -> None:
    for number in range(_APPENDS):
        journal.append([("s", 1 + number * len(content), [content])])


def _require_proven(path: Path) -> None:
    assert verify(path).ok


def _digests(content: NDArray[np.uint8]) -> float:
    return _seconds(lambda: [hashlib.sha256(content.data).digest() for _ in range(_APPENDS)])


def _feed() -> Pair:
    frames = [frame for _, frame in frames_of_sample()]
    parser: Parser = parser_of_sample()

    def parse() -> None:
        for frame in frames:
            parser.parse(frame)

    return Pair(
        "feed, an exchange's message to numbers",
        "orjson alone, to a dictionary",
        lambda: _seconds(parse),
        lambda: _seconds(lambda: [orjson.loads(frame) for frame in frames]),
        0.2,
    )
