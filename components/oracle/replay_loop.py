"""Commands through both engines, compiled: nothing returns to Python but full outboxes.

::

    commands ──► Titan ──► events outbox ──► Sentinel ──► risk and orders outboxes

Each event is given to Sentinel as soon as Titan's command is done, so Sentinel sees exactly the
order of the events stream.  Before each step the loop proves that the outbox has room for all
that the step can produce; if not, it returns and is called again once the outboxes are drained.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.apply import apply as apply_event
from components.sentinel.engine.outbox import SentinelOutbox, has_outbox_room
from components.sentinel.engine.outbox import outbox_bound as answers_bound
from components.sentinel.engine.state import SentinelState
from components.titan.engine.apply import apply as apply_command
from components.titan.engine.apply import outbox_bound as events_bound
from components.titan.engine.state import Outbox, TitanState
from disruptor.compiled import compiled


class Progress(NamedTuple):
    """How far the loop came: commands applied, and events of the outbox given to Sentinel."""

    command: NDArray[np.int64]
    event: NDArray[np.int64]


def new_progress() -> Progress:
    """Nothing done yet."""
    return Progress(np.zeros(1, np.int64), np.zeros(1, np.int64))


@compiled
def room_needed(titan: TitanState, sentinel: SentinelState) -> tuple[int, int]:
    """The most that one more step can put into Titan's and into Sentinel's outbox."""
    return events_bound(titan), answers_bound(sentinel)


@compiled
def replay_commands(
    titan: TitanState,
    sentinel: SentinelState,
    commands: NDArray[np.void],
    first_sequence: int,
    events: Outbox,
    answers: SentinelOutbox,
    progress: Progress,
) -> bool:
    """Apply ``commands`` from ``progress`` on; True when all are done, False if a drain is due.

    ``first_sequence`` is the sequence of ``commands[0]``.  In place: both states, the outboxes
    and the progress.
    """
    while True:
        while progress.event[0] < events.count[0]:
            if not has_outbox_room(sentinel, answers):
                return False
            apply_event(sentinel, events.slots[progress.event[0]], answers)
            progress.event[0] += 1
        place = progress.command[0]
        if place == commands.size:
            return True
        if events.slots.size - events.count[0] < events_bound(titan):
            return False
        apply_command(titan, commands[place], first_sequence + place, events)
        progress.command[0] = place + 1
