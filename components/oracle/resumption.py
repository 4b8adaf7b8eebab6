"""How the successor of a dead engine goes on in its place, while the others run.

    newest snapshot ──► journal ──► what the ring still holds ──► the predecessor's own place
                                                                          │
    derived again, compared with what the output ring holds, dropped ◄────┤
    derived and not published yet: published first              ◄────────┘

A process publishes what follows from its input before it moves its place in the ring past it, and
its output is a function of its input.  So whatever it had published is a beginning of what is
derived again, wherever it died, be it within the output of a single command; the rest is what it
owes.  Nothing here writes: a successor that dies as well leaves everything as it was.

Sentinel's orders go to a ring that others write, too.  They are found there by their source: they
come in the order in which they were derived, each once, so those that are found are the first ones
of all derived, and the others are owed.  A claim with which it died must be void before that.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.messages.code import SOURCE_SENTINEL
from components.messages.command import COMMAND, Commands
from components.messages.event import Events
from components.messages.risk import Risks
from components.oracle import snapshots
from components.oracle.comparison import first_difference
from components.oracle.read_ahead import ReadAhead
from components.oracle.replay import ReplayDifferenceError, RestoredState
from components.oracle.sentinel_run import SentinelRun
from components.oracle.snapshots import Snapshot
from components.oracle.store import Journal, snapshot_file
from components.oracle.store.snapshot_file import SnapshotError
from components.sentinel.engine import SentinelState
from components.titan.engine import TitanState
from components.titan.engine.state import RISK_GATE
from components.titan.shards import Deriver
from disruptor.ring.ring_buffer import Consumer, RingBuffer

_LOOK_S: Final = 0.001
_OUTBOX_RECORDS: Final = 1 << 14
_STEP: Final = 256
"""Records applied between two looks whether the predecessor had come that far."""

_log = logging.getLogger(__name__)


class ResumedTitan(NamedTuple):
    """Titan after command ``applied``; ``owed`` follows from it and is not in the events ring.

    ``sentinel`` is there if the risk gate is on: what Sentinel knows after that command.
    """

    state: TitanState
    applied: int
    owed: Events
    sentinel: SentinelState | None


class ResumedSentinel(NamedTuple):
    """Sentinel after event ``applied``; what follows from it and is in no ring is owed."""

    state: SentinelState
    applied: int
    owed: Risks
    owed_orders: Commands


def newest_start(journal: Journal, began: Snapshot, limits: Mapping[str, int]) -> Snapshot:
    """The newest snapshot that is within the limits of each stream, else where this run began."""
    for place in snapshot_file.found_in(snapshots.folder(journal.path)):
        if place.sequence <= began.commands_last:
            break
        try:
            found = snapshots.load(journal, place.path)
        except SnapshotError as error:
            _log.warning("%s; an earlier one is used", error)
            continue
        if all(found.sequences[stream] <= limit for stream, limit in limits.items()):
            return found
    return began


def resume_titan(
    journal: Journal,
    restored: RestoredState,
    commands: Consumer,
    commands_ring: RingBuffer,
    events_ring: RingBuffer,
    beat: Callable[[], None],
    *,
    before: Mapping[str, int],
    is_gated: bool,
    shard: int = 0,
) -> ResumedTitan:
    """Titan's state at its place on the commands, or as far beyond as its events tell.

    ``before``: of each stream the last record from before this run, where its ring begins.
    """
    start = newest_start(journal, restored.as_snapshot(), {"commands": commands.sequence})
    state = start.shards[shard]
    gate = start.sentinel if is_gated or state.totals[RISK_GATE] else None
    follower = None if gate is None else SentinelRun(gate)
    events = (
        _Output("events", start.sequences["events"], events_ring, before["events"])
        if len(start.shards) == 1
        else _ShardOutput(events_ring, start.commands_last, commands.sequence)
    )
    history = _History(journal, "commands", commands_ring, beat)
    deriver, applied = Deriver((state,), _OUTBOX_RECORDS, gate), start.commands_last

    def feed(records: Commands) -> int:
        for _, told in deriver.feed(records, applied + 1):
            events.take(told)
            if follower is not None:
                follower.run(told)
            beat()
        return len(records)

    for chunk in history.records(applied + 1, commands.sequence):
        applied += feed(chunk)
    high = commands.available()
    while events.is_behind and applied < high:
        applied += feed(commands_ring.events(applied + 1, min(high, applied + _STEP)))
    return ResumedTitan(state, applied, events.owed(), gate)


def resume_sentinel(
    journal: Journal,
    restored: RestoredState,
    events: Consumer,
    rings: Mapping[str, RingBuffer],
    beat: Callable[[], None],
    *,
    before: Mapping[str, int],
) -> ResumedSentinel:
    """Sentinel's state at its place on the events, or as far beyond as its outputs tell.

    ``rings``: events, risk and commands, by their names; ``before`` as for ``resume_titan``.
    """
    start = newest_start(journal, restored.as_snapshot(), {"events": events.sequence})
    run, applied = SentinelRun(start.sentinel), start.sequences["events"]
    risk = _Output("risk", start.sequences["risk"], rings["risk"], before["risk"])
    sent = _sent_orders(journal, rings["commands"], start.commands_last + 1, beat)
    orders = _Orders(start.pending_orders, sent)

    def feed(records: Events) -> None:
        for told in run.feed(records):
            risk.take(told.risks)
            orders.take(told.orders)
            beat()

    history = _History(journal, "events", rings["events"], beat)
    for chunk in history.records(applied + 1, events.sequence):
        feed(chunk)
        applied += len(chunk)
    high = events.available()
    while (risk.is_behind or orders.is_behind) and applied < high:
        ahead = min(high, applied + _STEP)
        feed(rings["events"].events(applied + 1, ahead))
        applied = ahead
    return ResumedSentinel(run.state, applied, risk.owed(), orders.owed())


def _sent_orders(
    journal: Journal, ring: RingBuffer, first: int, beat: Callable[[], None]
) -> Commands:
    """All orders of Sentinel that are in the commands from ``first`` on."""
    while ring.dead_producers():
        ring.void_dead_claims()
        beat()
        time.sleep(_LOOK_S)
    found = [np.zeros(0, COMMAND)]
    for chunk in _History(journal, "commands", ring, beat).records(first, ring.cursor):
        found.append(chunk[chunk["source"] == SOURCE_SENTINEL])
        beat()
    return np.concatenate(found)


class _History:
    """A stream's past: in the journal as far as that has come, the rest still in its ring.

    What leaves the ring meanwhile does so because it has come to the journal.
    """

    def __init__(
        self, journal: Journal, stream: str, ring: RingBuffer, beat: Callable[[], None]
    ) -> None:
        self._journal = journal
        self._stream = stream
        self._ring = ring
        self._beat = beat

    def records(self, first: int, last: int) -> Iterator[NDArray[Any]]:
        """The records ``first`` to ``last``, in chunks that are valid until the next one."""
        while first <= last:
            journaled = min(last, self._journal.last_sequence(self._stream))
            if journaled >= first:
                with ReadAhead(self._journal, self._stream, first, journaled) as chunks:
                    for _, chunk in chunks:
                        yield chunk
                first = journaled + 1
                continue
            held = self._ring.copy_if_held(first, last)
            if held is not None:
                yield held
                return
            self._beat()
            time.sleep(_LOOK_S)


class _Output:
    """A stream that is derived again: what its ring has already is compared, the rest is owed.

    The derivation may begin at a snapshot from before this run; its ring holds what came after
    ``before`` only, and has slots that nobody has written until it is full for the first time.
    """

    def __init__(self, stream: str, derived: int, ring: RingBuffer, before: int) -> None:
        self._stream = stream
        self._derived = derived
        self._ring = ring
        self._published = ring.cursor
        # Its writer may have died within a claim.
        self._oldest = max(ring.oldest_held, before + 1)
        self._owed = [np.zeros(0, ring.event)]

    @property
    def is_behind(self) -> bool:
        """Whether more was published than is derived so far."""
        return self._derived < self._published

    def take(self, records: NDArray[Any]) -> None:
        """What was derived next; the array may be reused afterwards."""
        published = min(len(records), max(0, self._published - self._derived))
        gone = max(0, self._oldest - 1 - self._derived)
        if gone < published:
            low, high = self._derived + gone + 1, self._derived + published
            held = self._ring.events(low, high)
            difference = first_difference(self._stream, low, records[gone:published], held)
            if difference is not None:
                raise ReplayDifferenceError(f"the ring is not what its input gives: {difference}")
        self._owed.append(records[published:].copy())
        self._derived += len(records)

    def owed(self) -> NDArray[Any]:
        """What was derived and is not published; ReplayDifferenceError if too little was derived."""
        if self.is_behind:
            raise ReplayDifferenceError(
                f"the ring holds {self._published} records of stream {self._stream}; only "
                f"{self._derived} follow from its input"
            )
        return np.concatenate(self._owed)


class _ShardOutput:
    """One shard's events, derived again.

    Its ring counts from where the run began, which no snapshot does; so what is in it is found by
    command and place within that.  What the commands up to its own ``place`` gave is out; derived
    is what those after ``start`` give.
    """

    def __init__(self, ring: RingBuffer, start: int, place: int) -> None:
        oldest = max(1, ring.oldest_held)
        held = ring.events(oldest, max(ring.cursor, oldest - 1))
        assert len(held) or not ring.cursor, "a claim is a part of the ring"
        self._held = held[held["seq"] > start]
        self._low = oldest + len(held) - len(self._held)
        self._is_first_life = not ring.cursor
        self._place = place
        self._met = 0
        self._owed = [np.zeros(0, ring.event)]

    @property
    def is_behind(self) -> bool:
        """Whether more was published than is derived so far."""
        return self._met < len(self._held)

    def take(self, records: Events) -> None:
        """What was derived next; the array may be reused afterwards."""
        gone = 0
        if not self._met and len(self._held):
            oldest = self._held[0]
            is_earlier = (records["seq"] == oldest["seq"]) & (records["index"] < oldest["index"])
            gone = int(np.count_nonzero((records["seq"] < oldest["seq"]) | is_earlier))
        out = min(len(records) - gone, len(self._held) - self._met)
        held = self._held[self._met : self._met + out]
        at = self._low + self._met
        difference = first_difference("events", at, records[gone : gone + out], held)
        if difference is not None:
            raise ReplayDifferenceError(f"the ring is not what its input gives: {difference}")
        self._met += out
        rest = records[gone + out :]
        is_new = rest["seq"] > self._place
        if not (self._is_first_life or is_new.all()):
            raise ReplayDifferenceError(
                f"a shard passed command {self._place} and had not published what follows from "
                f"command {int(rest['seq'][0])}"
            )
        self._owed.append(rest[is_new])

    def owed(self) -> Events:
        """What was derived and is not published; ReplayDifferenceError if too little was derived."""
        if self.is_behind:
            raise ReplayDifferenceError(
                f"a shard's ring holds {len(self._held)} events, of which only {self._met} follow "
                "from its input"
            )
        return np.concatenate(self._owed)


class _Orders:
    """Sentinel's orders derived again, beside those that are among the commands already."""

    def __init__(self, pending: Commands, sent: Commands) -> None:
        self._derived = [pending]
        self._count = len(pending)
        self._sent = sent

    @property
    def is_behind(self) -> bool:
        """Whether more was sent than is derived so far."""
        return self._count < len(self._sent)

    def take(self, orders: Commands) -> None:
        """What was derived next; the array may be reused afterwards."""
        self._derived.append(orders.copy())
        self._count += len(orders)

    def owed(self) -> Commands:
        """Those that were not sent; ReplayDifferenceError if others were."""
        derived = np.concatenate(self._derived)
        sent = len(self._sent)
        if derived[:sent].tobytes() != self._sent.tobytes():
            raise ReplayDifferenceError(
                f"Sentinel sent {sent} orders that are not the first {sent} of the {len(derived)} "
                "that follow from its events"
            )
        return derived[sent:]
