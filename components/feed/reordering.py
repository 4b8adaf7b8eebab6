"""Puts numbered messages back in order: what overtook its predecessors waits for them a little.

A message that is not the next holds its place until those before it came, or until ``patience_ns``
passed since it came, or ``WAITING_MAX`` wait; then it goes on with its gap.  Within one connection a
venue keeps its order, so this costs nothing but at a real loss, where one price comes later by the
patience; and what arrives late is used in its place, not lost and not taken for a repetition.
"""

from __future__ import annotations

import heapq
from typing import Final, Generic, NamedTuple, TypeVar

WAITING_MAX: Final = 256
_NEVER: Final = 2**63 - 1

Item = TypeVar("Item")


class _Waiting(NamedTuple, Generic[Item]):
    number: int
    arrival: int  # breaks ties, so that items are never compared
    item: Item


class Reordering(Generic[Item]):
    """The waiting messages of one stream, numbered from any start by ones."""

    def __init__(self, patience_ns: int) -> None:
        self._patience_ns = patience_ns
        self._heap: list[_Waiting[Item]] = []
        self._arrivals = 0
        self.give_up_ns = _NEVER

    def __len__(self) -> int:
        return len(self._heap)

    def hold(self, number: int, item: Item, now_ns: int) -> bool:
        """Keep one that came too early; False if there is no patience, or no room."""
        if self._patience_ns == 0 or len(self._heap) >= WAITING_MAX:
            return False
        if not self._heap:
            self.give_up_ns = now_ns + self._patience_ns
        self._arrivals += 1
        heapq.heappush(self._heap, _Waiting(number, self._arrivals, item))
        return True

    def next_ready(self, last: int) -> Item | None:
        """The one that follows ``last`` or repeats it, if it waits."""
        if self._heap and self._heap[0].number <= last + 1:
            return self._pop()
        return None

    def pop_first(self) -> Item | None:
        """The lowest number, whatever is missing before it."""
        return self._pop() if self._heap else None

    def _pop(self) -> Item:
        item = heapq.heappop(self._heap).item
        if not self._heap:
            self.give_up_ns = _NEVER
        return item
