"""Sentinel by itself, fed with events in arrays of any length; its outbox is made to fit.

``Derivation`` runs it behind Titan; its process, started anew, runs it alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from components.messages.command import Commands
from components.messages.event import Events
from components.messages.risk import Risks
from components.sentinel import engine as sentinel_engine
from components.sentinel.engine import SentinelState

_OUTBOX_RECORDS: Final = 1 << 14
"""Room beyond what one more step could need; an outbox in which no step fits is made anew."""


class Answers(NamedTuple):
    """What followed from some events, in order; views that are valid until the next step."""

    events: Events
    risks: Risks
    orders: Commands


class SentinelRun:
    """Sentinel's state, after whatever it was fed with."""

    def __init__(self, state: SentinelState) -> None:
        self.state = state
        self._box = sentinel_engine.new_outbox(_OUTBOX_RECORDS, _OUTBOX_RECORDS)

    def feed(self, events: Events) -> Iterator[Answers]:
        """Apply the next events; must be exhausted before the next call."""
        done = 0
        while done < len(events):
            box = self._box
            reached = int(sentinel_engine.apply_batch(self.state, events, done, box))
            risks, orders = box.risks[: box.risk_count[0]], box.orders[: box.order_count[0]]
            box.risk_count[0] = box.order_count[0] = 0
            if reached < len(events):
                room = 2 * int(sentinel_engine.outbox_bound(self.state)) + _OUTBOX_RECORDS
                self._box = sentinel_engine.new_outbox(room, room)
            yield Answers(events[done:reached], risks, orders)
            done = reached

    def run(self, events: Events) -> None:
        """``feed``, for who needs the state only."""
        for _ in self.feed(events):
            pass
