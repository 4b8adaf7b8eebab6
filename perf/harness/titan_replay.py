"""Prepared commands through Titan's engine on one CPU, timed: no feed, no journal, no consumer.

    commands ──► apply_batch ──► outbox                       what the engine alone costs
    commands ──► apply_batch ──► outbox ──► events ring       and with its events published

The ring is the real one, in shared memory, with nobody behind it: a claim never waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time_ns

import numpy as np
from numpy.typing import NDArray

from components.messages.command import Commands
from components.messages.event import EVENT
from components.titan.engine.apply import apply_batch, outbox_bound
from components.titan.engine.state import (
    LIVE,
    ORDERS_MAX,
    POSITIONS_MAX,
    Outbox,
    TitanState,
    new_outbox,
    new_state,
)
from components.titan.working_set import prepare
from disruptor.compiled import entry
from disruptor.memory.libc import monotonic_ns
from disruptor.ring.layout import Ring
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.ring.transfer import transfer
from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy

BATCH = 256
"""As many commands as the live loop takes at once."""

PERCENTILES = (50, 90, 99, 99.9, 99.99)
_RING_CAPACITY = 1 << 13
_OUTBOX_EVENTS = 1 << 14
_ACCOUNTS = 1 << 17  # an order is refused unless it and each live one might open a position


@entry
def replay_timed(
    state: TitanState,
    commands: Commands,
    first_sequence: int,
    outbox: Outbox,
    batch: int,
    times: NDArray[np.int64],
) -> tuple[int, int]:
    """Apply commands in batches, as the live loop does; how many were applied, and the events.

    ``times``, one a batch, takes the nanoseconds of each, the reading of the clock included.
    """
    applied = events = 0
    for number in range(len(times)):
        begin = number * batch
        started = monotonic_ns()
        chunk = commands[begin : begin + batch]
        applied += apply_batch(state, chunk, first_sequence + begin, outbox)
        times[number] = monotonic_ns() - started
        events += outbox.count[0]
        outbox.count[0] = 0
    return applied, events


@entry
def replay_published(
    state: TitanState,
    commands: Commands,
    first_sequence: int,
    outbox: Outbox,
    batch: int,
    ring: Ring,
    strategy: WaitStrategy,
    never: NDArray[np.int64],
) -> int:
    """Apply commands with their events published batch by batch; how many were applied."""
    applied = begin = 0
    while begin < len(commands):
        chunk = commands[begin : begin + batch]
        applied += apply_batch(state, chunk, first_sequence + begin, outbox)
        transfer(ring, 0, outbox.slots, 0, outbox.count[0], strategy, never, 0)
        outbox.count[0] = 0
        begin += batch
    return applied


@entry
def _time_nothing(times: NDArray[np.int64], taking_ns: int) -> None:
    for number in range(len(times)):
        started = monotonic_ns()
        while monotonic_ns() - started < taking_ns:
            pass
        times[number] = monotonic_ns() - started


def time_nothing(count: int) -> NDArray[np.int64]:
    """Nanoseconds of as many turns that only look at the clock, for about as long as a command.

    What is far above the rest was taken by the machine: interrupts, and the host's other guests.
    """
    times = np.zeros(count, np.int64)
    _time_nothing(times, 40)
    return times


@contextmanager
def pinned() -> Iterator[None]:
    """Stay on one CPU, and give the others back after."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def fresh_state(
    opening: Commands, new_orders: int, max_symbols: int = 64, *, prepared: bool = True
) -> tuple[TitanState, Outbox]:
    """An engine that has applied ``opening``, and an outbox that will not be in the way.

    Room for all orders of the opening and ``new_orders`` more, with the memory that they need, as
    Titan's process asks for it before it serves; or only what is written, unless ``prepared``.
    """
    most = min(len(opening) + new_orders, ORDERS_MAX)
    state = new_state(
        max_orders=most,
        max_symbols=max_symbols,
        max_positions=min(most + _ACCOUNTS, POSITIONS_MAX),
    )
    state.totals[LIVE] = most
    outbox = new_outbox(int(outbox_bound(state)) + (1 << 14))
    state.totals[LIVE] = 0
    if prepared:
        prepare(state, Outbox(outbox.slots[:_OUTBOX_EVENTS], outbox.count))
    time_commands(state, outbox, opening, 0)
    return state, outbox


def time_commands(
    state: TitanState,
    outbox: Outbox,
    commands: Commands,
    first_sequence: int,
    batch: int = BATCH,
) -> tuple[NDArray[np.int64], int]:
    """Nanoseconds of each batch, and the events written."""
    times = np.zeros(-(-len(commands) // batch), np.int64)
    applied, events = replay_timed(state, commands, first_sequence, outbox, batch, times)
    _check_applied(int(applied), len(commands))
    return times, int(events)


def cost_of(
    state: TitanState,
    outbox: Outbox,
    commands: Commands,
    first_sequence: int,
    batch: int = BATCH,
) -> float:
    """Nanoseconds of CPU a command, events written.

    The thread's CPU time is the time on the clock of a machine that does nothing else, and nearly
    so on one that does.
    """
    started = thread_time_ns()
    time_commands(state, outbox, commands, first_sequence, batch)
    return (thread_time_ns() - started) / len(commands)


def cost_published(
    state: TitanState,
    outbox: Outbox,
    commands: Commands,
    first_sequence: int,
    batch: int = BATCH,
) -> float:
    """``cost_of``, with every event published into a ring in shared memory."""
    ring = RingBuffer.create(f"perf-titan-{os.getpid()}", EVENT, _RING_CAPACITY)
    try:
        ring.producer()
        never = np.zeros(1, np.int64)
        strategy = wait_strategy("busy_spin")
        started = thread_time_ns()
        applied = replay_published(
            state, commands, first_sequence, outbox, batch, ring.view, strategy, never
        )
        taken = thread_time_ns() - started
    finally:
        ring.unlink()
    _check_applied(int(applied), len(commands))
    return taken / len(commands)


def percentiles(times: NDArray[np.int64]) -> dict[float, float]:
    """The usual ones, to p99.99."""
    return dict(zip(PERCENTILES, np.percentile(times, PERCENTILES).tolist(), strict=True))


def _check_applied(applied: int, wanted: int) -> None:
    if applied != wanted:
        raise RuntimeError(f"applied={applied} of {wanted} commands; the outbox is too small")
