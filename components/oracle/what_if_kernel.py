"""The compiled step of a what-if: command by command, until an order of Sentinel comes out.

A replay of the journal may let Titan run ahead, because Sentinel's orders are among the commands.
In another world they are not: an order must be back before the commands that follow it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.apply import apply_batch as sentinel_apply
from components.sentinel.engine.outbox import SentinelOutbox
from components.sentinel.engine.state import SentinelState
from components.titan.engine.apply import apply_batch as titan_apply
from components.titan.engine.state import Outbox, TitanState
from disruptor.compiled import compiled

DONE: Final = 0
ORDER: Final = 1
EVENTS_FULL: Final = 2
ANSWERS_FULL: Final = 3

APPLIED: Final = 0  # commands that Titan has applied
SEEN: Final = 1  # events of the outbox that Sentinel has applied


@compiled
def apply_until_order(
    titan: TitanState,
    sentinel: SentinelState,
    commands: NDArray[Any],
    sequences: NDArray[np.int64],
    events: Outbox,
    answers: SentinelOutbox,
    progress: NDArray[np.int64],
) -> int:
    """Apply ``commands[progress[APPLIED]:]``, numbered by ``sequences``.

    DONE: all of them.  ORDER: Sentinel gave orders; take them and call again.  EVENTS_FULL,
    ANSWERS_FULL: take what the outbox holds, make it larger if it was empty, and call again.
    """
    while True:
        if progress[SEEN] < events.count[0]:
            told = events.slots[: events.count[0]]
            progress[SEEN] = sentinel_apply(sentinel, told, progress[SEEN], answers)
            if progress[SEEN] < events.count[0]:
                return ANSWERS_FULL
            if answers.order_count[0] > 0:
                return ORDER
        place = progress[APPLIED]
        if place == len(commands):
            return DONE
        one = commands[place : place + 1]
        if titan_apply(titan, one, sequences[place], events) == 0:
            return EVENTS_FULL
        progress[APPLIED] = place + 1
