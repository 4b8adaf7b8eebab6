"""Several Titans as one: their states, the hash of all, and their events in one order.

Pure, for whoever derives: the live shards are processes of their own, and merging.py's loop another.
With one shard everything is as with an engine alone.  The risk gate stands before one shard only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from components.messages.code import OP_SHARDS
from components.messages.command import Commands
from components.messages.event import Events
from components.risk_gate import RiskGate, verdicts_needed
from components.sentinel.engine import SentinelState
from components.titan.engine import (
    Outbox,
    TitanState,
    apply_batch,
    new_outbox,
    new_state,
    outbox_bound,
    state_hash,
)
from components.titan.engine.state import LIVE, NOW
from components.titan.merging import SHARDS_MAX, as_many, merge, new_cursor

_DOMAIN: Final = b"titan-shards-1"
_EVERY_PLACE: Final = np.uint64(2**64 - 1)

Shards = tuple[TitanState, ...]
"""The states of all shards, in order."""


def new_shards(count: int) -> Shards:
    """So many empty exchanges that divide the symbols among themselves."""
    return tuple(new_state(shard=number, shards=count) for number in range(count))


def shards_told(commands: Commands) -> int:
    """How many shards a journal has that begins with these commands: the first says it, or it is 1."""
    if len(commands) and commands[0]["op"] == OP_SHARDS and 1 <= commands[0]["qty"] <= SHARDS_MAX:
        return int(commands[0]["qty"])
    return 1


def shards_hash(shards: Shards) -> bytes:
    """The state hash of all shards; 32 bytes."""
    return combined_hash([state_hash(each) for each in shards])


def combined_hash(hashes: Sequence[bytes]) -> bytes:
    """One shard's hash is its own; of several, SHA-256 over the domain, their number as 8 bytes
    big-endian, and each one's hash."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256(b"".join((_DOMAIN, len(hashes).to_bytes(8, "big"), *hashes))).digest()


def owner(shards: Shards, symbol: int) -> TitanState:
    """The shard that a symbol belongs to."""
    return shards[symbol % len(shards)]


def now_of(shards: Shards) -> int:
    """The platform's time: the largest timestamp seen, the same in each shard."""
    return int(shards[0].totals[NOW])


def live_count(shards: Shards) -> int:
    """How many orders rest or wait."""
    return sum(int(each.totals[LIVE]) for each in shards)


class Deriver:
    """Feeds all shards with the same commands and merges what they tell."""

    def __init__(
        self, shards: Shards, outbox_records: int, sentinel: SentinelState | None = None
    ) -> None:
        self.shards = shards
        self._sentinel = sentinel
        self._gate: RiskGate | None = None
        self._records = outbox_records
        self._room = outbox_records
        self._boxes = [new_outbox(outbox_records) for _ in shards]
        self._told = new_outbox(outbox_records)
        self._spare = new_outbox(outbox_records)

    def feed(self, commands: Commands, first: int) -> Iterator[tuple[int, Events]]:
        """Apply commands numbered from ``first``, step by step: how many, and their events.

        The events are views that are valid until the step after the next: who uses them may do so
        while another thread takes the next step, unless ``waits_for_sentinel``.
        """
        if len(self.shards) > 1:
            yield len(commands), self._all_events(commands, first)
            return
        (shard,), done = self.shards, 0
        while done < len(commands):
            box = self._next_box()
            rest = commands[done:]
            applied = self._apply(shard, rest, first + done, box)
            if applied < len(rest):
                self._room = self._room_for(shard)
            done += applied
            yield applied, box.slots[: box.count[0]]

    def waits_for_sentinel(self, commands: Commands) -> bool:
        """Whether the given Sentinel must have seen each step's events before the next step: the
        risk gate begins with these commands, or has yet to begin."""
        if len(self.shards) > 1 or self._gate is not None or self._sentinel is None:
            return False
        return verdicts_needed(self.shards[0], commands)

    def _next_box(self) -> Outbox:
        """An empty outbox with room: not the one that was told last, but the one before."""
        self._told, self._spare = self._spare, self._told
        if self._told.slots.size < self._room:
            self._told = new_outbox(self._room)
        self._told.count[0] = 0
        return self._told

    def _apply(self, shard: TitanState, commands: Commands, first: int, box: Outbox) -> int:
        """Through the risk gate once that is on; it begins with a copy of the given Sentinel."""
        if self._gate is None and self._sentinel is not None and verdicts_needed(shard, commands):
            self._gate = RiskGate.beside(shard, self._sentinel)
        if self._gate is not None:
            return self._gate.apply_batch(commands, first, box)
        return int(apply_batch(shard, commands, first, box))

    def _all_events(self, commands: Commands, first: int) -> Events:
        for number in range(len(self.shards)):
            self._fill(number, commands, first)
        ends = np.array([box.count[0] for box in self._boxes], np.int64)
        if ends.sum() > self._room:
            self._room = 2 * int(ends.sum())
        merged = self._next_box()
        count = len(self.shards)
        merge(
            as_many([box.slots for box in self._boxes]),
            np.full(count, _EVERY_PLACE),
            np.zeros(count, np.int64),
            ends,
            np.full(count, first + len(commands) - 1, np.int64),
            new_cursor(),
            merged,
        )
        return merged.slots[: merged.count[0]]

    def _fill(self, number: int, commands: Commands, first: int) -> None:
        """All that the commands cause in one shard, into its outbox."""
        shard, box = self.shards[number], self._boxes[number]
        box.count[0] = 0
        done = int(apply_batch(shard, commands, first, box))
        while done < len(commands):
            told = box.slots[: box.count[0]]
            box = self._boxes[number] = new_outbox(len(told) + self._room_for(shard))
            box.slots[: len(told)] = told
            box.count[0] = len(told)
            done += int(apply_batch(shard, commands[done:], first + done, box))

    def _room_for(self, shard: TitanState) -> int:
        return 2 * int(outbox_bound(shard)) + self._records
