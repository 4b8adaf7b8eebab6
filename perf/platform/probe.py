"""The probe, one process more: how long after its ingress stamp each record can be seen.

    events       Titan's first answer to a command          (ingress → event)
    risk         Sentinel's records                         (ingress → risk)
    orders       a liquidation order, back among commands   (ingress → liquidation order)
    durable      a command, once Oracle is past it          (ingress → durable)

It waits on the events ring as the platform's processes do and looks at the others whenever it is
awake, at the latest after 100 µs.  What lies between the load's two markers is counted.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.messages.code import EVENT_TIMER, OP_TIMER, SOURCE_SENTINEL
from disruptor.compiled import entry, internal
from disruptor.memory.libc import monotonic_ns, wall_clock_ns
from disruptor.ring.barrier import advance, available, wait_for
from disruptor.ring.layout import Ring
from disruptor.ring.ring_buffer import Consumer, RingBuffer
from disruptor.ring.wait_strategy import WaitStrategy
from disruptor.supervisor.child import ProcessContext
from perf.platform.histogram import BUCKETS, count

HOPS: Final = ("event", "risk", "liquidation order", "durable")
REPORT: Final = "probe.npz"
_EVENT: Final = 0
_RISK: Final = 1
_ORDER: Final = 2
_DURABLE: Final = 3
_LOOK_NS: Final = 100_000
_SLICE_NS: Final = 50_000_000
_BATCH_MAX: Final = 1024


class Seat(NamedTuple):
    """One place on a ring."""

    ring: Ring
    sequence_word: int
    dependents: NDArray[np.int64]


class Seats(NamedTuple):
    """All that the probe watches; ``orders`` and ``durable`` are on the commands ring."""

    events: Seat
    risk: Seat
    orders: Seat
    durable: Seat


class Notes(NamedTuple):
    """``marks``, shape (hops, 2): sequences of the markers, 0 before they come; ``ends``: when the
    second one was seen, on the wall clock."""

    histograms: NDArray[np.int64]
    marks: NDArray[np.int64]
    ends: NDArray[np.int64]


@internal
def _mark(notes: Notes, hop: int, sequence: int) -> None:
    if notes.marks[hop, 0] == 0:
        notes.marks[hop, 0] = sequence
    else:
        notes.marks[hop, 1] = sequence
        notes.ends[hop] = wall_clock_ns()


@internal
def _is_between(notes: Notes, hop: int, sequence: int) -> bool:
    first, last = notes.marks[hop, 0], notes.marks[hop, 1]
    return first != 0 and sequence > first and (last == 0 or sequence < last)


@internal
def _look_at_events(seat: Seat, notes: Notes) -> bool:
    low = seat.ring.words[seat.sequence_word] + 1
    high = min(available(seat.ring, seat.dependents, low), low + _BATCH_MAX)
    mask = np.uint64(seat.ring.slots.size - 1)
    now = wall_clock_ns()
    for sequence in range(low, high + 1):
        event = seat.ring.slots[np.uint64(sequence) & mask]
        if event["kind"] == EVENT_TIMER:
            _mark(notes, _EVENT, event["seq"])
        elif event["index"] == 0 and _is_between(notes, _EVENT, event["seq"]):
            count(notes.histograms[_EVENT], now - event["ts"])
    if high >= low:
        advance(seat.ring, seat.sequence_word, high)
    return high >= low


@internal
def _look_at_risk(seat: Seat, notes: Notes) -> bool:
    low = seat.ring.words[seat.sequence_word] + 1
    high = min(available(seat.ring, seat.dependents, low), low + _BATCH_MAX)
    mask = np.uint64(seat.ring.slots.size - 1)
    now = wall_clock_ns()
    for sequence in range(low, high + 1):
        record = seat.ring.slots[np.uint64(sequence) & mask]
        if _is_between(notes, _EVENT, record["seq"]):
            count(notes.histograms[_RISK], now - record["ts"])
    if high >= low:
        advance(seat.ring, seat.sequence_word, high)
    return high >= low


@internal
def _look_at_commands(seat: Seat, notes: Notes, hop: int) -> bool:
    low = seat.ring.words[seat.sequence_word] + 1
    high = min(available(seat.ring, seat.dependents, low), low + _BATCH_MAX)
    mask = np.uint64(seat.ring.slots.size - 1)
    now = wall_clock_ns()
    for sequence in range(low, high + 1):
        command = seat.ring.slots[np.uint64(sequence) & mask]
        if command["op"] == OP_TIMER:
            _mark(notes, hop, sequence)
        elif (hop == _DURABLE or command["source"] == SOURCE_SENTINEL) and _is_between(
            notes, hop, sequence
        ):
            count(notes.histograms[hop], now - command["ts"])
    if high >= low:
        advance(seat.ring, seat.sequence_word, high)
    return high >= low


@entry
def watch(
    seats: Seats,
    notes: Notes,
    strategy: WaitStrategy,
    control: NDArray[np.int64],
) -> bool:
    """Watch for some 50 ms; whether there was anything."""
    ends = monotonic_ns() + _SLICE_NS
    was_busy = False
    while control[0] == 0 and monotonic_ns() < ends:
        is_busy = _look_at_events(seats.events, notes)
        is_busy |= _look_at_risk(seats.risk, notes)
        is_busy |= _look_at_commands(seats.orders, notes, _ORDER)
        is_busy |= _look_at_commands(seats.durable, notes, _DURABLE)
        was_busy |= is_busy
        if not is_busy:
            events = seats.events
            wanted = events.ring.words[events.sequence_word] + 1
            wait_for(events.ring, events.dependents, wanted, strategy, control, _LOOK_NS)
    return was_busy


def run(context: ProcessContext) -> None:
    """Watch until told to stop and all is seen; leaves its notes in the folder.

    Of a long run also what they were after each ``slice_s``.
    """
    commands = context.rings["commands"]
    early = commands.consumer("probe-orders", strategy=context.strategy)
    seats = Seats(
        _seat(context.rings["events"], context.consumer("events")),
        _seat(context.rings["risk"], context.consumer("risk")),
        _seat(commands, early),
        _seat(commands, context.consumer("commands")),
    )
    hops = len(HOPS)
    notes = Notes(
        np.zeros((hops, BUCKETS), np.int64), np.zeros((hops, 2), np.int64), np.zeros(hops, np.int64)
    )
    never = np.zeros(1, np.int64)
    watch(seats, notes, context.strategy, np.ones(1, np.int64))  # compiles
    slice_s = float(context.options["slice_s"])
    slices: list[NDArray[np.int64]] = []
    next_slice = time.monotonic() + slice_s
    context.ready()
    while True:
        was_busy = watch(seats, notes, context.strategy, never)
        context.beat()
        if slice_s and time.monotonic() >= next_slice:
            next_slice += slice_s
            slices.append(notes.histograms.copy())
        if not was_busy and context.has_drained("events", "risk", "commands"):
            break
    commands.remove_consumer("probe-orders")
    folder = Path(context.options["folder"])
    slices.append(notes.histograms)
    np.savez(folder / REPORT, slices=np.array(slices), ends=notes.ends)


def _seat(ring: RingBuffer, consumer: Consumer) -> Seat:
    return Seat(ring.view, consumer.sequence_word, consumer.dependents)
