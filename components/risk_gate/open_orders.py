"""The open orders of each account, as lists of the slots that Titan keeps them in.

Titan does not say when an order's slot is free again, and need not: an entry names the slot and the
order's placement, which no other order ever has, and who walks a list drops what is gone.  A list
is walked before an order joins it, so it holds at most the orders of that account and one more.
Nothing here is history: Titan's live orders give it anew.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.messages.code import OP_BRACKET, OP_PLACE, OP_REPLACE
from components.sentinel.engine.accounts import OWN, find_account
from components.sentinel.engine.state import NONE, SentinelState, wide
from components.titan.engine.order_index import find_order
from components.titan.engine.state import LIVE, ORDER_TOP, PLACEMENTS, TitanState
from disruptor.by_address import by_address
from disruptor.compiled import entry, inlined, internal

ENTRY: Final = np.dtype(
    [("placement", np.int64), ("slot", np.uint32), ("next", np.uint32)], align=True
)

# Places in ``counts``.
FREE: Final = 0
TOP: Final = 1
KNOWN_ACCOUNTS: Final = 2  # rows of Sentinel whose orders are listed
KNOWN_PLACEMENTS: Final = 3  # orders up to this placement are listed
TOUCHED: Final = 4  # symbols in ``touched``
COUNTS: Final = 5


@by_address
class OpenOrders(NamedTuple):
    """The lists, and sums over one of them while an order is judged."""

    first: NDArray[np.uint32]  # by Sentinel's row: the list's first entry, 0: none
    entries: NDArray[Any]
    counts: NDArray[np.int64]
    lots: NDArray[np.int64]  # shape (2, symbols): open lots by side and symbol
    costs: NDArray[np.int64]  # shape (symbols,): what they could lose against the mark
    touched: NDArray[np.int64]


def new_open_orders(titan: TitanState, sentinel: SentinelState) -> OpenOrders:
    """Lists of the orders that are there."""
    symbols = len(titan.books)
    orders = OpenOrders(
        first=np.zeros(len(sentinel.accounts), np.uint32),
        entries=np.zeros(2 * len(titan.orders), ENTRY),
        counts=np.zeros(COUNTS, np.int64),
        lots=np.zeros((2, symbols), np.int64),
        costs=np.zeros(symbols, np.int64),
        touched=np.zeros(symbols, np.int64),
    )
    note_accounts(titan, sentinel, orders)
    orders.counts[KNOWN_PLACEMENTS] = titan.totals[PLACEMENTS]
    return orders


@inlined
def is_open(titan: TitanState, noted: np.void) -> bool:
    """Whether the order of this entry still rests or waits."""
    order = titan.orders[noted["slot"]]
    return bool(order["order_id"] != 0 and order["placement"] == noted["placement"])


@internal
def _join(titan: TitanState, orders: OpenOrders, row: int, slot: np.uint32) -> None:
    counts = orders.counts
    place = counts[FREE]
    if place != 0:
        counts[FREE] = wide(orders.entries[place]["next"])
    else:
        if counts[TOP] + 1 == len(orders.entries):
            _sweep(titan, orders)
            _join(titan, orders, row, slot)
            return
        counts[TOP] += 1
        place = counts[TOP]
    noted = orders.entries[place]
    noted["placement"] = titan.orders[slot]["placement"]
    noted["slot"] = slot
    noted["next"] = orders.first[row]
    orders.first[row] = place


@internal
def _sweep(titan: TitanState, orders: OpenOrders) -> None:
    """Drop whatever is gone: there are twice as many entries as there can be orders."""
    for row in range(orders.counts[KNOWN_ACCOUNTS]):
        drop_ended(titan, orders, row)


@internal
def drop_ended(titan: TitanState, orders: OpenOrders, row: int) -> None:
    """Free the entries of this list whose orders have ended."""
    before = 0
    place = wide(orders.first[row])
    while place != 0:
        noted = orders.entries[place]
        after = wide(noted["next"])
        if is_open(titan, noted):
            before = place
        else:
            noted["next"] = orders.counts[FREE]
            orders.counts[FREE] = place
            if before == 0:
                orders.first[row] = after
            else:
                orders.entries[before]["next"] = after
        place = after


@entry
def note_accounts(titan: TitanState, sentinel: SentinelState, orders: OpenOrders) -> None:
    """List what accounts that Sentinel did not know before have in the book already."""
    known = orders.counts[KNOWN_ACCOUNTS]
    count = wide(sentinel.summary[0]["account_count"])
    orders.counts[KNOWN_ACCOUNTS] = count
    if known == count or titan.totals[LIVE] == 0:
        return
    for slot in range(1, titan.totals[ORDER_TOP] + 1):
        order = titan.orders[slot]
        if order["order_id"] != 0:
            row = find_account(sentinel, order["account"])
            if row >= known:
                _join(titan, orders, row, np.uint32(slot))


@entry
def note_orders(
    titan: TitanState, sentinel: SentinelState, orders: OpenOrders, commands: NDArray[Any]
) -> None:
    """List what these commands, which were just applied, have left in the book."""
    known = orders.counts[KNOWN_ACCOUNTS]
    note_accounts(titan, sentinel, orders)
    for number in range(len(commands)):
        command = commands[number]
        operation = command["op"]
        if operation in (OP_PLACE, OP_REPLACE, OP_BRACKET):
            row = find_account(sentinel, command["account"])
            if row != NONE and row < known and sentinel.accounts[row]["scope"] == OWN:
                _note(titan, orders, row, command["account"], command["order_id"])
                if operation == OP_BRACKET:
                    _note(titan, orders, row, command["account"], command["origin_ts"])
                    _note(titan, orders, row, command["account"], command["cause"])
    orders.counts[KNOWN_PLACEMENTS] = titan.totals[PLACEMENTS]


@internal
def _note(titan: TitanState, orders: OpenOrders, row: int, account: int, order_id: int) -> None:
    slot = find_order(titan, account, order_id)
    if slot != 0 and titan.orders[slot]["placement"] > orders.counts[KNOWN_PLACEMENTS]:
        _join(titan, orders, row, slot)
