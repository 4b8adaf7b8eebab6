"""The events stream: what Titan answers, and what it passes through in order; 96 bytes each.

An event's ``seq`` is the sequence of the command that caused it and ``index`` its place, from 0,
among that command's events, so (seq, index) names it for ever.

Which fields a kind uses:

    accepted     symbol order_id account side price qty flags
                 (FLAG_BY_AMOUNT, here and in cancelled: qty is money; a waiting trailing
                 stop-limit's price is how far its limit is beyond its stop)
    trade        symbol price qty; account and order_id: the taker's; maker_account and
                 maker_order_id; side: the taker's; taker_fee, maker_fee: money, negative is a
                 rebate; flags: the taker order's
    cancelled    symbol order_id account side price qty reason (qty: all that was still open)
    amended      symbol order_id account side price qty        (qty: the new open quantity)
    triggered    symbol order_id account side price
    armed        symbol order_id account side price qty        (qty: what its entry traded)
    mass_cancelled  symbol account side; qty: how many orders it ended
    rejected     symbol order_id account reason
    touch        symbol; price, qty: best bid; maker_account, maker_order_id: best ask's price and
                 quantity; a quantity of 0 says that the side is empty
    depth        symbol side price qty; order_id: its number among the book's depth events
                 (qty: all that is shown at the price now, 0: nothing)
    book_row     symbol side price qty; account and order_id of an order, 0 for a level
    book         symbol account order_id side: as in the command; price, qty: how many bids and asks
                 came before; maker_order_id: number of the book's last depth event
    capacity     price qty order_id: as in the command
    shards       qty: as in the command
    price        as the command's, but price and flags are those of the mark
    the rest     the command's fields, passed through: account order_id price qty symbol side
                 flags leverage; maker_account: stop_price; maker_order_id: display_qty;
                 taker_fee: expires; maker_fee: origin_ts
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

EVENT: Final = np.dtype(
    [
        ("seq", np.int64),
        ("ts", np.int64),  # the time that the rules saw: the largest timestamp so far
        ("account", np.int64),
        ("order_id", np.int64),
        ("price", np.int64),
        ("qty", np.int64),
        ("maker_account", np.int64),
        ("maker_order_id", np.int64),
        ("taker_fee", np.int64),
        ("maker_fee", np.int64),
        ("symbol", np.uint32),
        ("index", np.uint32),
        ("leverage", np.uint32),
        ("kind", np.uint8),
        ("reason", np.uint8),
        ("side", np.uint8),
        ("flags", np.uint8),
    ],
    align=True,
)
assert EVENT.itemsize == 96

Events = NDArray[np.void]
"""An array of dtype EVENT."""
