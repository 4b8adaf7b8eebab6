"""How many orders and positions there may be: a rule like any other, so it comes as a command.

What is beyond is refused with ``pool_full``.  The arrays are far larger, and cost nothing: the
operating system gives memory to what is touched, page by page, so a book grows without a pause and
without moving anything.  A lower limit than what is there ends nothing; it refuses what is new.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import REASON_BAD_CAPACITY
from components.titan.engine.answers import tell_capacity, tell_rejected
from components.titan.engine.place import within
from components.titan.engine.state import (
    ORDERS_ALLOWED,
    POSITIONS_ALLOWED,
    Outbox,
    TitanState,
)
from disruptor.compiled import internal


@internal
def set_capacity(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one capacity command."""
    orders, positions = command["price"], command["qty"]
    room_for_positions = len(state.positions) - 1
    if not within(orders, len(state.orders) - 2) or not within(positions, room_for_positions):
        tell_rejected(state, outbox, command, REASON_BAD_CAPACITY)
        return
    state.totals[ORDERS_ALLOWED] = orders
    state.totals[POSITIONS_ALLOWED] = positions
    tell_capacity(state, outbox, orders, positions)
