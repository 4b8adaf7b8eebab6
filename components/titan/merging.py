"""The events of several Titans in one order: by the command that caused them, then by shard.

    events-0 ─┐
    events-1 ─┼─ by (seq, shard), index anew ─► events
    …        ─┘

Of each shard's stream a part is there, ``taken`` to ``ends``; what comes after it was caused by a
command beyond ``passed``, up to which that shard has applied all.  So an event goes out as soon as
no other shard can still give one that belongs before it: nobody has to pass a command first whose
events do not fit into its ring.

Pure, so that a replay merges as the live process does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from components.messages.code import EVENT_MASS_CANCELLED
from components.messages.command import ALL_SYMBOLS
from components.titan.engine.state import Outbox
from disruptor.compiled import entry, inlined

SHARDS_MAX: Final = 16

Each = TypeVar("Each")

SEQUENCE: Final = 0
INDEX: Final = 1
CANCELLED: Final = 2


def new_cursor() -> NDArray[np.int64]:
    """Where a merge stands in its output: the command, how many of its events are out, and how many
    orders the shards that were heard have ended by its mass cancel."""
    return np.zeros(3, np.int64)


def as_many(of_shards: Sequence[Each]) -> tuple[Each, ...]:
    """A tuple of one length whatever the number of shards, so that kernels are compiled once."""
    return (*of_shards, *[of_shards[0]] * (SHARDS_MAX - len(of_shards)))


@inlined
def _bound(slots: NDArray[Any], mask: np.uint64, place: int, end: int, passed: int) -> int:
    """The command of the shard's next event, or the first that it may still be of."""
    bound: int = passed + 1
    if place < end:
        bound = slots[np.uint64(place) & mask]["seq"]
    return bound


@entry
def merge(
    sources: tuple[NDArray[Any], ...],
    masks: NDArray[np.uint64],
    taken: NDArray[np.int64],
    ends: NDArray[np.int64],
    passed: NDArray[np.int64],
    cursor: NDArray[np.int64],
    into: Outbox,
) -> int:
    """Append what can go out now; the last command that all its events are out of.

    ``sources``: each shard's events, its place p in slot ``p & mask``, see ``as_many``.  Moves ``taken`` on, and
    stops when ``into`` is full.
    """
    while True:
        first, first_bound = 0, _bound(sources[0], masks[0], taken[0], ends[0], passed[0])
        for shard in range(1, taken.size):
            bound = _bound(sources[shard], masks[shard], taken[shard], ends[shard], passed[shard])
            if bound < first_bound:
                first, first_bound = shard, bound
        if taken[first] >= ends[first] or into.count[0] >= into.slots.size:
            return first_bound - 1
        if first_bound != cursor[SEQUENCE]:
            cursor[SEQUENCE] = first_bound
            cursor[INDEX] = cursor[CANCELLED] = 0
        _take_all(
            sources[first],
            masks[first],
            first == taken.size - 1,
            first,
            taken,
            ends,
            cursor,
            into,
        )


@inlined
def _take_all(
    slots: NDArray[Any],
    mask: np.uint64,
    is_last: bool,
    shard: int,
    taken: NDArray[np.int64],
    ends: NDArray[np.int64],
    cursor: NDArray[np.int64],
    into: Outbox,
) -> None:
    """The shard's events of the command at the cursor, as far as they are there."""
    place, count = taken[shard], into.count[0]
    while place < ends[shard] and count < into.slots.size:
        event = slots[np.uint64(place) & mask]
        if event["seq"] != cursor[SEQUENCE]:
            break
        place += 1
        if event["kind"] == EVENT_MASS_CANCELLED and event["symbol"] == ALL_SYMBOLS:
            cursor[CANCELLED] += event["qty"]
            if not is_last:
                continue
        into.slots[np.uint64(count)] = event
        told = into.slots[np.uint64(count)]
        told["index"] = cursor[INDEX]
        if event["kind"] == EVENT_MASS_CANCELLED and event["symbol"] == ALL_SYMBOLS:
            told["qty"] = cursor[CANCELLED]
        cursor[INDEX] += 1
        count += 1
    taken[shard], into.count[0] = place, count
