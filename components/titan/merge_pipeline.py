"""The compiled loop of the merge: every shard's events ring in, the platform's events ring out.

    commands ──► titan-0 ──► events-0 ─┐
       │    └──► titan-1 ──► events-1 ─┼─► merge ──► events
       └── how far each shard is ──────┘

It stands on the commands ring behind all shards and reads no command there: their sequences tell
that a shard without an event has none.  Its own is never ahead of theirs, and is moved when the
events are out; so whoever sees that the merge has passed a command finds all its events.

A successor goes on from the checkpoint (merge_checkpoint.py): what was taken since is still in the
shards' rings, and is merged again; what of that is out already is compared and dropped.

It cannot stop the circle in which it stands.  A shard waits only for room in its ring.  The merge
always takes the first event that is in the order: either it is there, or its shard has an empty
ring, so that nothing keeps that shard from going on.  It waits only for room in the events ring,
whose readers wait for nobody here (merging.py, and Sentinel never waits for the commands ring).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.titan.engine.state import Outbox
from components.titan.merge_checkpoint import write_checkpoint
from components.titan.merging import merge, new_cursor
from components.titan.publication import empty_outbox
from disruptor.compiled import entry, inlined
from disruptor.memory.atomics import load_acquire
from disruptor.memory.libc import monotonic_ns
from disruptor.ring.barrier import advance, wait_for
from disruptor.ring.layout import CURSOR, Ring
from disruptor.ring.wait_strategy import WaitStrategy

IDLE: Final = 0
BLOCKED: Final = 1

_RETRY_NS: Final = 200_000
"""How long it waits for the shards' sequences while events are there that are not in turn: a shard
that has filled its ring within a batch shows in the rings alone."""


class Wiring(NamedTuple):
    """Where the merge sits: its rings, its words in them, and how it waits."""

    commands: Ring
    sequence_word: int
    shards: NDArray[np.int64]  # the words of the shards' sequences on the commands ring
    sources: tuple[Ring, ...]  # the shards' events, in their order, see ``as_many``
    source_words: NDArray[np.int64]
    slots: tuple[NDArray[Any], ...]  # those of the sources
    masks: NDArray[np.uint64]
    events: Ring
    line: int
    strategy: WaitStrategy
    order: NDArray[np.int64]  # non-zero: finish what is there
    heartbeat: NDArray[np.int64]
    never: NDArray[np.int64]  # always zero: publishing is not interrupted by a stop
    checkpoint: NDArray[np.int64]  # see merge_checkpoint.py


class Progress(NamedTuple):
    """Where the merge stands; each but the last has a word a shard."""

    taken: NDArray[np.int64]  # the shard's next event
    ends: NDArray[np.int64]  # behind its last one
    passed: NDArray[np.int64]  # the last command that it has applied
    cursor: NDArray[np.int64]  # as in merging.py
    published: NDArray[np.int64]  # events of the outbox, shape (1,)


def new_progress(next_events: list[int], cursor: NDArray[np.int64] | None = None) -> Progress:
    """A merge that has taken every event before these, and stands there in its output."""
    taken = np.array(next_events, np.int64)
    ends, passed = taken.copy(), np.zeros(taken.size, np.int64)
    at = new_cursor() if cursor is None else cursor
    return Progress(taken, ends, passed, at, np.zeros(1, np.int64))


@entry
def merge_what_is_there(wiring: Wiring, progress: Progress, outbox: Outbox) -> int:
    """Merge into the outbox and publish nothing; how many events it holds then."""
    _look(wiring, progress)
    merge(
        wiring.slots,
        wiring.masks,
        progress.taken,
        progress.ends,
        progress.passed,
        progress.cursor,
        outbox,
    )
    count: int = outbox.count[0]
    return count


@entry
def serve(wiring: Wiring, progress: Progress, outbox: Outbox, timeout_ns: int) -> int:
    """Merge until nothing comes for ``timeout_ns`` (IDLE), or the events ring stays full for as
    long (BLOCKED).  Call again after either."""
    deadline = monotonic_ns() + timeout_ns
    while True:
        end = outbox.count[0]
        reached = empty_outbox(
            outbox,
            progress.published,
            wiring.events,
            wiring.line,
            wiring.strategy,
            wiring.never,
            timeout_ns,
        )
        if reached < end:
            return BLOCKED
        _release(wiring, progress)
        lowest, is_waiting = _look(wiring, progress)
        through = merge(
            wiring.slots,
            wiring.masks,
            progress.taken,
            progress.ends,
            progress.passed,
            progress.cursor,
            outbox,
        )
        if outbox.count[0] != 0:
            deadline = monotonic_ns() + timeout_ns
            continue
        through = min(through, lowest)
        if through > wiring.commands.words[wiring.sequence_word]:
            advance(wiring.commands, wiring.sequence_word, through)
        patience = _RETRY_NS if is_waiting else timeout_ns
        high = wait_for(
            wiring.commands, wiring.shards, lowest + 1, wiring.strategy, wiring.order, patience
        )
        wiring.heartbeat[0] = monotonic_ns()
        if high <= lowest and (not is_waiting or wiring.heartbeat[0] >= deadline):
            return IDLE


@inlined
def _look(wiring: Wiring, progress: Progress) -> tuple[int, bool]:
    """How far the slowest shard is, and whether there are events that the merge has not taken.

    What a shard has passed is read before its ring: so the events of all that are in the ring.
    """
    lowest = load_acquire(wiring.commands.words, wiring.shards[0])
    is_waiting = False
    for shard in range(progress.taken.size):
        passed = load_acquire(wiring.commands.words, wiring.shards[shard])
        progress.passed[shard] = passed
        progress.ends[shard] = load_acquire(wiring.sources[shard].words, CURSOR) + 1
        lowest = min(lowest, passed)
        is_waiting |= progress.taken[shard] < progress.ends[shard]
    return lowest, is_waiting


@inlined
def _release(wiring: Wiring, progress: Progress) -> None:
    """Give the shards their slots back: what was taken is out."""
    is_ahead = False
    for shard in range(progress.taken.size):
        source, word = wiring.sources[shard], wiring.source_words[shard]
        is_ahead |= progress.taken[shard] - 1 > source.words[word]
    if not is_ahead:
        return
    published = wiring.events.words[CURSOR]
    write_checkpoint(wiring.checkpoint, published, progress.cursor, progress.taken)
    for shard in range(progress.taken.size):
        source, word = wiring.sources[shard], wiring.source_words[shard]
        if progress.taken[shard] - 1 > source.words[word]:
            advance(source, word, progress.taken[shard] - 1)
