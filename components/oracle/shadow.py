"""The platform's state, derived from its journal a little behind the live one.

A shadow holds states of its own and follows what is durable.  So a snapshot costs the pipeline
nothing: nobody waits, nobody copies a live state; and as the shadow compares what it derives with
what the live engines had journaled, it notices within moments if one of them ever differs.

When a snapshot is due follows from the commands alone, so that every run takes the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from components.messages.code import OP_SNAPSHOT, SOURCE_SENTINEL
from components.messages.command import Commands
from components.oracle.comparison import OrderComparison, StreamComparison
from components.oracle.derivation import Derivation
from components.oracle.replay import ReplayDifferenceError
from components.oracle.snapshots import Snapshot, configuring_commands
from components.oracle.store import Journal
from components.titan.shards import now_of

_STREAMS: Final = ("commands", "events", "risk")
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class Schedule:
    """When snapshots are due; 0 switches a rule off.

    At a marker, at every command whose sequence is a multiple of ``every_commands``, and at the
    first command at which the platform's time has passed a multiple of ``every_s``.
    """

    every_commands: int
    every_s: int

    def next_due(self, first: int, commands: Commands, now: int) -> int | None:
        """The first of these commands after which one is due; the first has the sequence
        ``first`` and finds the platform's time at ``now``, 0 if none was told yet."""
        due = commands["op"] == OP_SNAPSHOT
        if self.every_commands:
            due |= np.arange(first, first + len(commands)) % self.every_commands == 0
        if self.every_s:
            period = self.every_s * _SECOND_NS
            times = np.maximum.accumulate(np.maximum(commands["ts"], now))
            before = np.concatenate(([now], times[:-1]))
            due |= (before > 0) & (times // period > before // period)
        places = np.flatnonzero(due)
        return first + int(places[0]) if len(places) else None


class _Followed:
    """A derived stream beside the journaled one, which may end earlier for a while."""

    def __init__(self, stream: str, derived: int) -> None:
        self.stream = stream
        self.derived = derived
        self._tail: np.ndarray | None = None

    def compare(self, journal: Journal) -> StreamComparison:
        """A comparison that goes on where the last one ended."""
        journaled = journal.last_sequence(self.stream)
        tail = self._tail if self._tail is not None else np.zeros(0, journal.dtype(self.stream))
        compared = self.derived - len(tail)
        stored = journal.read(self.stream, compared + 1, journaled)
        comparison = StreamComparison(
            self.stream, journal.dtype(self.stream), compared, journaled, stored
        )
        comparison.feed(tail)
        return comparison

    def keep(self, comparison: StreamComparison) -> None:
        """Take over where a comparison stands; ReplayDifferenceError if it found one."""
        if comparison.difference is not None:
            raise ReplayDifferenceError(
                f"the journal is not what its commands give: {comparison.difference}"
            )
        self.derived = comparison.derived
        self._tail = comparison.tail()


class Shadow:
    """Follows one journal; for one thread."""

    def __init__(self, journal: Journal, start: Snapshot, schedule: Schedule) -> None:
        """``start`` is used up: its states become the shadow's."""
        self._journal = journal
        self._schedule = schedule
        self._derivation = Derivation(
            start.shards, start.sentinel, start.commands_last, is_threaded=False
        )
        self._orders = OrderComparison()
        self._orders.feed(start.pending_orders)
        self._events = _Followed("events", start.sequences["events"])
        self._risk = _Followed("risk", start.sequences["risk"])
        self._configuring = start.configuring

    @property
    def commands_last(self) -> int:
        """The command after which the states stand."""
        return self._derivation.commands_last

    @property
    def platform_hash(self) -> str:
        """The state hash of the whole platform after that command."""
        return self._derivation.hashes().platform

    def is_durable(self) -> bool:
        """Whether all that follows from the commands so far is on disk."""
        sequences = self._sequences()
        return all(
            self._journal.durable_sequence(stream) >= sequences[stream] for stream in _STREAMS
        )

    def advance(self, upto: int) -> Iterator[bool]:
        """Follow up to command ``upto``, in steps of some megabytes at most.

        Yields after each step whether a snapshot is due there; it stands exactly at the command
        that made it due.
        """
        for first, commands in self._journal.read("commands", self.commands_last + 1, upto):
            done = 0
            while done < len(commands):
                rest = commands[done:]
                now = now_of(self._derivation.shards)
                due = self._schedule.next_due(first + done, rest, now)
                step = rest if due is None else rest[: due - first - done + 1]
                self._feed(first + done, step)
                done += len(step)
                yield due is not None

    def snapshot(self) -> Snapshot:
        """The states as they stand, to be saved at once: they go on being used."""
        return Snapshot(
            self._derivation.shards,
            self._derivation.sentinel,
            self._sequences(),
            self._orders.pending(),
            self._configuring,
        )

    def _feed(self, first: int, commands: Commands) -> None:
        events, risk = self._events.compare(self._journal), self._risk.compare(self._journal)
        for derived in self._derivation.feed(commands):
            events.feed(derived.events)
            risk.feed(derived.risks)
            self._orders.feed(derived.orders)
        published = np.flatnonzero(commands["source"] == SOURCE_SENTINEL)
        self._orders.meet(published + first, commands[published])
        self._events.keep(events)
        self._risk.keep(risk)
        if self._orders.difference is not None:
            raise ReplayDifferenceError(
                f"the journal is not what its commands give: {self._orders.difference}"
            )
        self._configuring = np.concatenate((self._configuring, configuring_commands(commands)))

    def _sequences(self) -> dict[str, int]:
        return {
            "commands": self.commands_last,
            "events": self._events.derived,
            "risk": self._risk.derived,
        }
