"""Writes Titan's own events into the outbox; each function fills a whole slot.

The outbox always has room: the caller asks ``outbox_bound`` before it applies a command.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    EVENT_ACCEPTED,
    EVENT_AMENDED,
    EVENT_ARMED,
    EVENT_BOOK,
    EVENT_BOOK_ROW,
    EVENT_CANCELLED,
    EVENT_CAPACITY,
    EVENT_DEPTH,
    EVENT_MASS_CANCELLED,
    EVENT_REJECTED,
    EVENT_SHARDS,
    EVENT_TOUCH,
    EVENT_TRADE,
    EVENT_TRIGGERED,
    REASON_NONE,
)
from components.titan.engine.state import FIRST_EVENT, NOW, SEQUENCE, Outbox, TitanState
from disruptor.compiled import inlined, internal
from disruptor.instructions import copy_run


@inlined
def next_event(state: TitanState, outbox: Outbox) -> np.void:
    """The next slot, with sequence, index and time written."""
    place = outbox.count[0]
    outbox.count[0] = place + 1
    event: np.void = outbox.slots[np.uint64(place)]
    event["seq"] = state.totals[SEQUENCE]
    event["ts"] = state.totals[NOW]
    event["index"] = place - state.totals[FIRST_EVENT]
    event["leverage"] = 0
    return event


@inlined
def _no_counterparty(event: np.void) -> None:
    event["maker_account"] = 0
    event["maker_order_id"] = 0
    event["taker_fee"] = 0
    event["maker_fee"] = 0


@inlined
def _tell_order(
    state: TitanState, outbox: Outbox, slot: np.uint32, kind: int, qty: int, reason: int
) -> None:
    order = state.orders[slot]
    event = next_event(state, outbox)
    event["kind"] = kind
    copy_run(event, order, "account", 3)
    event["qty"] = qty
    event["symbol"] = order["symbol"]
    event["side"] = order["side"]
    event["flags"] = order["flags"]
    event["reason"] = reason
    _no_counterparty(event)


@inlined
def tell_accepted(state: TitanState, outbox: Outbox, slot: np.uint32, qty: int) -> None:
    """The order is taken, with the quantity that was asked for."""
    _tell_order(state, outbox, slot, EVENT_ACCEPTED, qty, REASON_NONE)


@inlined
def tell_cancelled(
    state: TitanState, outbox: Outbox, slot: np.uint32, qty: int, reason: int
) -> None:
    """``qty`` of the order will not trade."""
    _tell_order(state, outbox, slot, EVENT_CANCELLED, qty, reason)


@internal
def tell_cut(state: TitanState, outbox: Outbox, slot: np.uint32, qty: int, reason: int) -> None:
    """``tell_cancelled`` as a call."""
    tell_cancelled(state, outbox, slot, qty, reason)


@internal
def tell_amended(state: TitanState, outbox: Outbox, slot: np.uint32, qty: int) -> None:
    """The order's price and open quantity are now these."""
    _tell_order(state, outbox, slot, EVENT_AMENDED, qty, REASON_NONE)


@internal
def tell_armed(state: TitanState, outbox: Outbox, slot: np.uint32, qty: int) -> None:
    """The exit of a bracket is live, with the quantity that its entry traded."""
    _tell_order(state, outbox, slot, EVENT_ARMED, qty, REASON_NONE)


@internal
def tell_mass_cancelled(state: TitanState, outbox: Outbox, command: np.void, count: int) -> None:
    """The mass cancel is done; so many orders were cancelled."""
    event = next_event(state, outbox)
    event["kind"] = EVENT_MASS_CANCELLED
    event["account"] = command["account"]
    event["order_id"] = 0
    event["price"] = 0
    event["qty"] = count
    event["symbol"] = command["symbol"]
    event["side"] = command["side"]
    event["flags"] = 0
    event["reason"] = REASON_NONE
    _no_counterparty(event)


@internal
def tell_triggered(state: TitanState, outbox: Outbox, slot: np.uint32) -> None:
    """The stop enters the book."""
    _tell_order(state, outbox, slot, EVENT_TRIGGERED, 0, REASON_NONE)


@internal
def tell_rejected(state: TitanState, outbox: Outbox, command: np.void, reason: int) -> None:
    """Nothing came of the command."""
    event = next_event(state, outbox)
    event["kind"] = EVENT_REJECTED
    copy_run(event, command, "account", 2)
    event["price"] = 0
    event["qty"] = 0
    event["symbol"] = command["symbol"]
    event["side"] = 0
    event["flags"] = 0
    event["reason"] = reason
    _no_counterparty(event)


@inlined
def tell_trade(
    state: TitanState,
    outbox: Outbox,
    taker: np.void,
    maker: np.void,
    qty: int,
    taker_fee: int,
    maker_fee: int,
) -> None:
    """``qty`` lots changed hands at the maker's price."""
    event = next_event(state, outbox)
    event["kind"] = EVENT_TRADE
    event["account"] = taker["account"]
    event["order_id"] = taker["order_id"]
    event["price"] = maker["price"]
    event["qty"] = qty
    event["maker_account"] = maker["account"]
    event["maker_order_id"] = maker["order_id"]
    event["taker_fee"] = taker_fee
    event["maker_fee"] = maker_fee
    event["symbol"] = taker["symbol"]
    event["side"] = taker["side"]
    event["flags"] = taker["flags"]
    event["reason"] = REASON_NONE


@inlined
def tell_touch(
    state: TitanState, outbox: Outbox, symbol: int, bid: int, bid_qty: int, ask: int, ask_qty: int
) -> None:
    """The best bid and ask after the command, in ticks and lots shown; 0 for an empty side."""
    event = next_event(state, outbox)
    event["kind"] = EVENT_TOUCH
    event["account"] = 0
    event["order_id"] = 0
    event["price"] = bid
    event["qty"] = bid_qty
    event["maker_account"] = ask
    event["maker_order_id"] = ask_qty
    event["taker_fee"] = 0
    event["maker_fee"] = 0
    event["symbol"] = symbol
    event["side"] = 0
    event["flags"] = 0
    event["reason"] = REASON_NONE


@internal
def tell_depth(
    state: TitanState, outbox: Outbox, symbol: int, side: int, price: int, qty: int
) -> None:
    """``qty`` lots are shown at a price now, 0: nothing; numbered by the book."""
    event = next_event(state, outbox)
    event["kind"] = EVENT_DEPTH
    event["account"] = 0
    event["order_id"] = state.books[symbol]["depth_sequence"]
    event["price"] = price
    event["qty"] = qty
    event["symbol"] = symbol
    event["side"] = side
    event["flags"] = 0
    event["reason"] = REASON_NONE
    _no_counterparty(event)


@internal
def tell_row(
    state: TitanState,
    outbox: Outbox,
    symbol: int,
    side: int,
    account: int,
    order_id: int,
    price: int,
    qty: int,
) -> None:
    """One row of a book that was asked for: a level or, if it has an id, an order."""
    event = next_event(state, outbox)
    event["kind"] = EVENT_BOOK_ROW
    event["account"] = account
    event["order_id"] = order_id
    event["price"] = price
    event["qty"] = qty
    event["symbol"] = symbol
    event["side"] = side
    event["flags"] = 0
    event["reason"] = REASON_NONE
    _no_counterparty(event)


@internal
def tell_book(state: TitanState, outbox: Outbox, command: np.void, bids: int, asks: int) -> None:
    """The rows that a book command asked for are complete: so many bids, so many asks."""
    event = next_event(state, outbox)
    event["kind"] = EVENT_BOOK
    event["account"] = command["account"]
    event["order_id"] = command["order_id"]
    event["price"] = bids
    event["qty"] = asks
    event["symbol"] = command["symbol"]
    event["side"] = command["side"]
    event["flags"] = 0
    event["reason"] = REASON_NONE
    _no_counterparty(event)
    event["maker_order_id"] = state.books[command["symbol"]]["depth_sequence"]


@internal
def tell_capacity(
    state: TitanState, outbox: Outbox, orders: int, positions: int, symbols: int
) -> None:
    """So many orders, positions and instruments (0: as before) there may be from now on."""
    _tell_rule(state, outbox, EVENT_CAPACITY, symbols, orders, positions)


@internal
def tell_shards(state: TitanState, outbox: Outbox, shards: int) -> None:
    """So many Titans divide the symbols."""
    _tell_rule(state, outbox, EVENT_SHARDS, 0, 0, shards)


@internal
def _tell_rule(
    state: TitanState, outbox: Outbox, kind: int, order_id: int, price: int, qty: int
) -> None:
    event = next_event(state, outbox)
    event["kind"] = kind
    event["account"] = 0
    event["order_id"] = order_id
    event["price"] = price
    event["qty"] = qty
    event["symbol"] = 0
    event["side"] = 0
    event["flags"] = 0
    event["reason"] = REASON_NONE
    _no_counterparty(event)
