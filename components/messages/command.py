"""The commands stream: every input of the platform, one fixed layout of 96 bytes.

Prices are ticks, quantities lots, money 1e-8 of the quote currency, times nanoseconds since the
epoch.  A command's sequence is its place in the ring and in the journal; it is not stored twice.

Which fields an operation uses (all others are zero):

    place        account order_id symbol side order_type tif flags stp price qty
                 stop_price display_qty expires; cause for Sentinel's orders
                 (a trailing stop: stop_price: its distance, in ticks or, with FLAG_TRAIL_PPM, in
                 ppm; price: how far its limit is beyond its stop; FLAG_BY_AMOUNT: qty: money;
                 FLAG_OCO: cause: the id of the other order)
    replace      as place; cause: the id of the order that it replaces
    bracket      account order_id symbol side order_type tif flags stp price qty for the entry;
                 display_qty: the take-profit's price, origin_ts: its id; stop_price, expires: the
                 stop's trigger and its limit or 0, cause: its id  (an id of 0: no such exit)
    cancel       account order_id symbol
    amend        account order_id symbol price qty            (UNCHANGED: leave as it is)
    cancel_all   account symbol side       (ALL_SYMBOLS: in every symbol; account 0: everybody's;
                 side: SIDES_BOTH, SIDES_BUY or SIDES_SELL)
    session_end  symbol                                       (ALL_SYMBOLS: in every symbol)
    price        symbol price flags side; qty of that trade or 0; origin_ts: when the venue sent it,
                 expires: when it was traded there, by the venue's own clock, or 0
                 (flags: FLAG_SUSPECT, FLAG_STALE; side: the source's number from 0)
    account      account
    deposit      account price                                (price: money)
    withdraw     account price                                (price: money)
    position     account symbol side qty price leverage       (price: entry, in ticks)
    instrument   symbol account order_id price qty stop_price display_qty expires leverage flags
                 (account, order_id: the name's 16 bytes; price, qty: tick and lot size in 1e-12;
                 stop_price: money of one tick times one lot; display_qty, expires: maker's and
                 taker's fee in ppm; leverage: the highest allowed)
    limits       symbol qty display_qty price stop_price expires
                 (qty, display_qty: least and largest quantity; price, stop_price: least and
                 largest notional, money; expires: the collar, ppm; 0: no such limit)
    phase        symbol side                                  (side: a PHASE code)
    margin_tier  symbol order_id price qty leverage           (order_id: the tier's index from 0;
                 price: the notional, in money, above which it holds; qty: maintenance rate, ppm;
                 leverage: the most that it allows, 0: no cap)
    risk_rule    order_id price qty expires origin_ts stop_price display_qty
                 (order_id: rule version; price: liquidation fee, ppm; qty, expires, origin_ts:
                 margin ratios of the levels of warning, ppm, rising, 0: no such level; stop_price:
                 money that the insurance fund starts with; display_qty: a jump of a price that
                 makes it suspect, ppm, 0: none does)
    deleverage   account order_id symbol side price qty display_qty flags cause; Sentinel's
                 (account: the bankrupt one; side: what closes it; display_qty: the counterparty)
    funding      symbol price                                 (price: the rate, ppm)
    leverage     account symbol leverage side                 (leverage 0: the most that is allowed;
                 side: a MARGIN code)
    margin       account symbol price                         (price: money, negative takes it back)
    resume       nothing: the platform was started again
    risk_gate    qty                                          (1: orders pass the risk gate, 0: none does)
    book         symbol account order_id side qty   (order_id: the request's number; side:
                 BOOK_LEVELS or BOOK_ORDERS; qty: how many rows a side, up to BOOK_ROWS_MAX)
    capacity     price qty order_id (price: how many orders may live at once; qty: how many
                 positions there may be; order_id: how many instruments, removed ones too, 0: as before)
    risk_capacity price stop_price qty       (how many wallets, symbols, positions Sentinel takes)
    shards       qty               (qty: how many Titans there are; the first command or never)
    snapshot     order_id                                     (order_id: the marker's number)
    timer        only its timestamp
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

COMMAND: Final = np.dtype(
    [
        ("ts", np.int64),  # stamped at ingress; what every rule calls "now"
        ("origin_ts", np.int64),  # the venue's clock, for latency only
        ("account", np.int64),
        ("order_id", np.int64),
        ("price", np.int64),
        ("qty", np.int64),
        ("stop_price", np.int64),
        ("display_qty", np.int64),
        ("expires", np.int64),
        ("cause", np.int64),  # the command that made Sentinel send this one, or another order's id
        ("symbol", np.uint32),
        ("leverage", np.uint32),
        ("op", np.uint8),
        ("side", np.uint8),
        ("order_type", np.uint8),
        ("tif", np.uint8),
        ("flags", np.uint8),
        ("stp", np.uint8),
        ("source", np.uint8),
        ("reserved", np.uint8),  # zero; in the copy that Titan applies: the risk gate's verdict
    ],
    align=True,
)
assert COMMAND.itemsize == 96

Commands = NDArray[np.void]
"""An array of dtype COMMAND."""

ALL_SYMBOLS: Final = 0xFFFF_FFFF
"""The symbol of a cancel_all that means every symbol."""

UNKNOWN_SYMBOL: Final = 0xFFFF_FFFE
"""What the edge writes for a symbol's name that no instrument has; Titan rejects it."""

UNCHANGED: Final = -(2**63)
"""A price or quantity that an amend did not give: it stays as it is.  Any other value is judged,
so that an amend to 0 is refused as ``bad_qty`` rather than silently ignored."""


BOOK_ROWS_MAX: Final = 1000
"""Rows a side that one book command may ask for: bounds how long it holds up the next one."""


def new_commands(count: int) -> Commands:
    """``count`` zeroed commands, shape (count,)."""
    return np.zeros(count, COMMAND)
