"""The memory that Titan will work in, asked for before it serves.

The engine's arrays are far larger than what it allows, and the operating system gives memory at the
first touch of each page: some 2 µs for 4 KiB, and 100 for the 2 MiB of a huge page, in the middle of
a command.  What a quarter of the orders and positions allowed may need is therefore touched beforehand,
and what all instruments may: 22 MB by default, where the limits themselves would take 90.  Who has
more, or raises the limits by a capacity command, pays page by page, once.

Prices are taken to lie so close that 16 orders share a block of 64 of them; a sparser book pays for
its further blocks as it meets them.
"""

from __future__ import annotations

from typing import Final

from components.titan.engine.state import (
    BLOCK_LEVELS,
    NEAR_BLOCKS,
    ORDERS_ALLOWED,
    POSITIONS_ALLOWED,
    SYMBOL_TOP,
    SYMBOLS_ALLOWED,
    Outbox,
    TitanState,
    table_room,
)
from disruptor.memory.residency import fault_in

_ORDERS_A_BLOCK: Final = 16
_PART: Final = 4


def prepare(state: TitanState, outbox: Outbox) -> None:
    """Fault in what a quarter of the limits needs; changes nothing that is there."""
    orders = int(state.totals[ORDERS_ALLOWED]) // _PART + 2
    positions = int(state.totals[POSITIONS_ALLOWED]) // _PART + 1
    symbols = int(max(state.totals[SYMBOLS_ALLOWED], state.totals[SYMBOL_TOP]))
    blocks = orders // _ORDERS_A_BLOCK + 4 * symbols
    for array, count in (
        (state.orders, orders),
        (state.terms, orders),
        (state.expiries, orders),
        (state.queue, orders),
        (state.ids, table_room(orders)),
        (state.levels, blocks * BLOCK_LEVELS),
        (state.blocks, blocks),
        (state.branches, blocks),
        (state.positions, positions),
        (state.position_ids, table_room(positions)),
        (state.near, symbols * 2 * NEAR_BLOCKS),
        (state.sides, symbols * 2),
        (state.books, symbols),
        (outbox.slots, len(outbox.slots)),
    ):
        fault_in(array[:count])
