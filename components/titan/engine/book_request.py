"""A live book on demand: its best levels or orders, as events, at the sequence of the command.

The rows are consistent because one command answers them, and bounded so that it does not hold up
the commands behind it: 1,000 rows a side take some 20 microseconds.  The closing event names the
number of the book's last depth event, so whoever follows those can go on from here.  A whole book,
however large, is in a snapshot of the state, which a replay makes at any command.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BOOK_ORDERS,
    BUY,
    REASON_BAD_QTY,
    REASON_BAD_TYPE,
    REASON_UNKNOWN_SYMBOL,
    SELL,
)
from components.messages.command import BOOK_ROWS_MAX
from components.titan.engine.answers import tell_book, tell_rejected, tell_row
from components.titan.engine.ladder import find_block, key_after, level_of
from components.titan.engine.place import is_listed, within
from components.titan.engine.state import NO_KEY, Outbox, TitanState, flip_of, int64
from disruptor.compiled import internal


@internal
def tell_whole_book(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one book command: bids best first, asks best first, and the end."""
    symbol = int64(command["symbol"])
    if not is_listed(state, symbol):
        tell_rejected(state, outbox, command, REASON_UNKNOWN_SYMBOL)
    elif command["side"] > BOOK_ORDERS:
        tell_rejected(state, outbox, command, REASON_BAD_TYPE)
    elif not within(command["qty"], BOOK_ROWS_MAX):
        tell_rejected(state, outbox, command, REASON_BAD_QTY)
    else:
        bids = _tell_side(state, outbox, command, BUY)
        asks = _tell_side(state, outbox, command, SELL)
        tell_book(state, outbox, command, bids, asks)


@internal
def _tell_side(state: TitanState, outbox: Outbox, command: np.void, side: int) -> int:
    symbol = int64(command["symbol"])
    side_index = symbol * 2 + side
    rows = 0
    key = state.sides[np.uint64(side_index)]["best_key"]
    while key != NO_KEY and rows < command["qty"]:
        block = find_block(state, side_index, key)
        level = level_of(block, key)
        price = key ^ flip_of(side)
        if command["side"] == BOOK_ORDERS:
            rows += _tell_queue(state, outbox, level, command["qty"] - rows)
        elif state.levels[level]["qty"] != 0:
            tell_row(state, outbox, symbol, side, 0, 0, price, state.levels[level]["qty"])
            rows += 1
        key = key_after(state, block, key)
    return rows


@internal
def _tell_queue(state: TitanState, outbox: Outbox, level: np.uint64, rows_max: int) -> int:
    rows = 0
    slot = state.levels[level]["head"]
    while slot != 0 and rows < rows_max:
        order = state.orders[slot]
        if order["qty"] != 0:
            tell_row(
                state,
                outbox,
                int64(order["symbol"]),
                int64(order["side"]),
                order["account"],
                order["order_id"],
                order["price"],
                order["qty"],
            )
            rows += 1
        slot = order["next"]
    return rows
