"""The compiled loop of Titan's process: commands ring in, engine, events ring out.

Events are published before the commands that caused them are marked as consumed.  So whoever
sees that Titan has passed a command finds its events in the ring, and after a crash nothing is
in neither place.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.titan.engine.apply import apply_batch, outbox_bound
from components.titan.engine.state import LIVE, Outbox, TitanState
from components.titan.instrumentation import TitanCounters, count_batch, count_event
from components.titan.publication import empty_outbox
from disruptor.compiled import entry, inlined, internal
from disruptor.memory.libc import monotonic_ns, wall_clock_ns
from disruptor.ring.barrier import advance, wait_for
from disruptor.ring.layout import Ring
from disruptor.ring.wait_strategy import WaitStrategy

IDLE: Final = 0
BLOCKED: Final = 1
OUTBOX_TOO_SMALL: Final = 2
HOUSEKEEPING: Final = 3

BATCH_MAX: Final = 256
"""Bounds how long an event waits in the outbox for the rest of its batch."""

# Places in ``progress``.
APPLIED: Final = 0  # the last command applied
PUBLISHED: Final = 1  # events of the outbox that are published
READABLE: Final = 2  # the last command that is known to be there


class Wiring(NamedTuple):
    """Where Titan sits: its rings, its words in them, and how it waits."""

    commands: Ring
    sequence_word: int
    dependents: NDArray[np.int64]
    events: Ring
    line: int
    strategy: WaitStrategy
    order: NDArray[np.int64]  # non-zero: finish what is there
    heartbeat: NDArray[np.int64]
    never: NDArray[np.int64]  # always zero: publishing is not interrupted by a stop


def new_progress(applied: int) -> NDArray[np.int64]:
    """A Titan that has applied every command up to this one, and published what follows from them."""
    return np.array([applied, 0, applied], np.int64)


@entry
def bound_of(state: TitanState) -> int:
    """The most events that the next command can cause."""
    return outbox_bound(state)


@entry
def serve(
    wiring: Wiring,
    state: TitanState,
    outbox: Outbox,
    counters: TitanCounters,
    progress: NDArray[np.int64],
    timeout_ns: int,
) -> int:
    """Serve commands for about ``timeout_ns``, or until something is in the way.

    IDLE: nothing came.  HOUSEKEEPING: the time is over, there may be more.  BLOCKED: the events
    ring stayed full.  OUTBOX_TOO_SMALL: give a larger one.  Call again after each.
    """
    ended = monotonic_ns()
    deadline = ended + timeout_ns
    while True:
        if not publish(wiring, outbox, counters, progress, timeout_ns):
            return BLOCKED
        if progress[APPLIED] > wiring.commands.words[wiring.sequence_word]:
            advance(wiring.commands, wiring.sequence_word, progress[APPLIED])
        if ended >= deadline:
            return HOUSEKEEPING
        count = commands_ahead(wiring, progress, timeout_ns)
        if count == 0:
            return IDLE
        wanted = progress[APPLIED] + 1
        start = np.int64(np.uint64(wanted) & np.uint64(wiring.commands.slots.size - 1))
        batch = wiring.commands.slots[start : start + count]
        started = monotonic_ns()
        applied = apply_batch(state, batch, wanted, outbox)
        if applied == 0:
            return OUTBOX_TOO_SMALL
        ended = monotonic_ns()
        progress[APPLIED] += applied
        wiring.heartbeat[0] = ended
        count_batch(counters, batch, applied, state.totals[LIVE], started, ended, wall_clock_ns())


@inlined
def commands_ahead(wiring: Wiring, progress: NDArray[np.int64], timeout_ns: int) -> int:
    """How many commands lie ahead in one piece, at most a batch; 0: none came.

    Those that were seen to be there are not looked for again: several producers mark each slot by
    itself, and to go over a whole backlog for every batch of it takes longer than the engine does.
    """
    wanted = progress[APPLIED] + 1
    if progress[READABLE] < wanted:
        progress[READABLE] = wait_for(
            wiring.commands,
            wiring.dependents,
            wanted,
            wiring.strategy,
            wiring.order,
            timeout_ns,
        )
    size = wiring.commands.slots.size
    start = np.int64(np.uint64(wanted) & np.uint64(size - 1))
    return max(min(progress[READABLE] - wanted + 1, BATCH_MAX, size - start), 0)


@internal
def publish(
    wiring: Wiring,
    outbox: Outbox,
    counters: TitanCounters,
    progress: NDArray[np.int64],
    timeout_ns: int,
) -> bool:
    """Publish the outbox, as far as there is room within ``timeout_ns``; False: not all of it."""
    begin, end = progress[PUBLISHED], outbox.count[0]
    reached = empty_outbox(
        outbox,
        progress[PUBLISHED:],
        wiring.events,
        wiring.line,
        wiring.strategy,
        wiring.never,
        timeout_ns,
    )
    for number in range(begin, reached):
        count_event(counters, outbox.slots[number])
    return reached == end
