"""What an instrument's limits, collar and phase say of an order, and the risk gate of its account.

The reference price is what the symbol's stops look at, or, before that is known, whichever of the
last trade and the mark is.  Without one there is no collar.  Sentinel's liquidation orders know
neither limits nor collar: a position must be closed at any price.

While the risk gate is on, every book is guarded, and a command bears the verdict of
``components.risk_gate`` in its reserved byte: PASSED, or the reason why not.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import (
    BUY,
    FLAG_BY_AMOUNT,
    FLAG_LIQUIDATION,
    FLAG_POST_ONLY,
    PHASE_AUCTION,
    PHASE_CONTINUOUS,
    PHASE_HALTED,
    REASON_AUCTION,
    REASON_COLLAR,
    REASON_HALTED,
    REASON_MAX_NOTIONAL,
    REASON_MAX_QTY,
    REASON_MIN_NOTIONAL,
    REASON_MIN_QTY,
    REASON_NONE,
    TIF_FOK,
    TIF_IOC,
    TYPE_LIMIT,
    TYPE_MARKET,
    TYPE_STOP_LIMIT,
)
from components.titan.engine.orders.stop_list import reference_price
from components.titan.engine.state import BOOK_GUARDED, RISK_GATE, TitanState, int64
from components.units import PPM, PRICE_TICKS_MAX
from disruptor.compiled import inlined, internal, pasted

PASSED: Final = 255
"""The risk gate has nothing against the order."""


@internal
def guard(state: TitanState, book: np.void) -> None:
    """Note whether the book's limits or phase, or a verdict, need to be looked at."""
    limits = book["min_qty"] | book["max_qty"] | book["min_notional"] | book["max_notional"]
    if limits | book["collar_ppm"] or book["phase"] != PHASE_CONTINUOUS or state.totals[RISK_GATE]:
        book["flags"] |= BOOK_GUARDED
    else:
        book["flags"] &= ~BOOK_GUARDED & 0xFFFF_FFFF


@inlined
def any_reference(book: np.void) -> int:
    """What the collar and an uncrossing look at; 0 when there is nothing."""
    reference = reference_price(book)
    if reference == 0:
        reference = book["last"] if book["last"] else book["mark"]
    return reference


@internal
def lowest_price(book: np.void) -> int:
    """The collar's lower end."""
    reference = any_reference(book)
    if book["collar_ppm"] == 0 or reference == 0:
        return 0
    return reference - reference * book["collar_ppm"] // PPM


@internal
def highest_price(book: np.void) -> int:
    """The collar's upper end."""
    reference = any_reference(book)
    if book["collar_ppm"] == 0 or reference == 0:
        return PRICE_TICKS_MAX
    return min(reference + reference * book["collar_ppm"] // PPM, PRICE_TICKS_MAX)


@internal
def is_collared(book: np.void, flags: int, price: int) -> bool:
    """Whether the collar forbids a limit price."""
    if flags & FLAG_LIQUIDATION:
        return False
    return price < lowest_price(book) or price > highest_price(book)


@internal
def clamp_worst_price(state: TitanState, slot: np.uint32) -> None:
    """A market order is about to enter: it takes within the collar only."""
    order = state.orders[slot]
    book = state.books[order["symbol"]]
    if not book["flags"] & BOOK_GUARDED or order["flags"] & FLAG_LIQUIDATION:
        return
    if order["side"] == BUY:
        highest = highest_price(book)
        if highest < PRICE_TICKS_MAX and (order["price"] == 0 or order["price"] > highest):
            order["price"] = highest
    else:
        order["price"] = max(order["price"], lowest_price(book))


@internal
def judge_limits(book: np.void, least: int, most: int, worth: int, lowest: bool) -> int:
    """Quantities and notional, each judged if it is not 0; ``lowest``: the lower limits too."""
    if lowest and least and least < book["min_qty"]:
        return REASON_MIN_QTY
    if book["max_qty"] and most > book["max_qty"]:
        return REASON_MAX_QTY
    if lowest and worth and worth < book["min_notional"]:
        return REASON_MIN_NOTIONAL
    if book["max_notional"] and worth > book["max_notional"]:
        return REASON_MAX_NOTIONAL
    return REASON_NONE


@internal
def judge_guarded(state: TitanState, command: np.void) -> int:
    """Limits, phase and collar, for an order that is about to be placed."""
    book = state.books[command["symbol"]]
    if not book["flags"] & BOOK_GUARDED:
        return REASON_NONE
    order_type = command["order_type"]
    qty = command["qty"]
    exempt = command["flags"] & FLAG_LIQUIDATION != 0
    reason = REASON_NONE
    if exempt:
        pass
    elif command["flags"] & FLAG_BY_AMOUNT:
        reason = judge_limits(book, 0, 0, qty, True)
    else:
        priced = order_type in (TYPE_LIMIT, TYPE_STOP_LIMIT)
        worth = command["price"] * qty * book["money_unit"] if priced else 0
        reason = judge_limits(book, qty, qty, worth, True)
    if reason == REASON_NONE:
        reason = _judge_phase(int64(book["phase"]), command)
    if (
        reason == REASON_NONE
        and order_type == TYPE_LIMIT
        and is_collared(book, int64(command["flags"]), command["price"])
    ):
        reason = REASON_COLLAR
    if reason == REASON_NONE:
        reason = verdict_of(state, command)
    return reason


@internal
def verdict_of(state: TitanState, command: np.void) -> int:
    """Why the risk gate refuses the order, or REASON_NONE.

    AssertionError for an order that did not pass it: the caller's mistake.
    """
    if state.totals[RISK_GATE] == 0:
        return REASON_NONE
    verdict = int64(command["reserved"])
    if verdict == 0:
        raise AssertionError("the risk gate is on: apply commands through components.risk_gate")
    return REASON_NONE if verdict == PASSED else verdict


@pasted
def _judge_phase(phase: int, command: np.void) -> int:
    """An auction takes what may rest or wait."""
    if phase == PHASE_HALTED:
        return REASON_HALTED
    if phase != PHASE_AUCTION or command["order_type"] > TYPE_MARKET:
        return REASON_NONE
    tif = command["tif"]
    rests = command["order_type"] == TYPE_LIMIT and tif not in (TIF_IOC, TIF_FOK)
    if rests and not command["flags"] & FLAG_POST_ONLY:
        return REASON_NONE
    return REASON_AUCTION
