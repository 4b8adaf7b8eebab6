"""How many orders, positions, instruments and shards there are: rules like any other, so they come as commands.

What is beyond is refused with ``pool_full``.  The arrays are far larger, and cost nothing: the
operating system gives memory to what is touched, page by page, so a book grows without a pause and
without moving anything.  A lower limit than what is there ends nothing; it refuses what is new.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import REASON_BAD_CAPACITY
from components.titan.engine.answers import tell_capacity, tell_rejected, tell_shards
from components.titan.engine.place import within
from components.titan.engine.shards import answers
from components.titan.engine.state import (
    ORDERS_ALLOWED,
    POSITIONS_ALLOWED,
    SHARDS,
    SYMBOLS_ALLOWED,
    Outbox,
    TitanState,
)
from disruptor.compiled import internal


@internal
def set_capacity(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one capacity command."""
    orders, positions, symbols = command["price"], command["qty"], command["order_id"]
    fits = within(orders, len(state.orders) - 2) and within(positions, len(state.positions) - 1)
    fits = fits and 0 <= symbols <= len(state.books)
    is_told = answers(state, command)
    if not fits:
        if is_told:
            tell_rejected(state, outbox, command, REASON_BAD_CAPACITY)
        return
    state.totals[ORDERS_ALLOWED] = orders
    state.totals[POSITIONS_ALLOWED] = positions
    if symbols != 0:
        state.totals[SYMBOLS_ALLOWED] = symbols
    if is_told:
        tell_capacity(state, outbox, orders, positions, symbols)


@internal
def confirm_shards(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one shards command: it journals how many there are, and cannot change it."""
    if command["qty"] == state.totals[SHARDS]:
        tell_shards(state, outbox, command["qty"])
    else:
        tell_rejected(state, outbox, command, REASON_BAD_CAPACITY)
