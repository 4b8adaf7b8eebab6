"""An instrument's life: listed, changed, limited, halted, auctioned, resumed and removed.

    continuous   orders trade as they come               entered: what is crossed trades at one price
    halted       orders can be cancelled, nothing else
    auction      orders gather, and may cross; nothing trades
    removed      all orders are cancelled; refused while anybody has a position

A removed instrument can be listed again, on the same grid.  Stops see nothing but continuous
trading; when that begins they look at the reference price as it is then.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    FLAG_MARK_MEDIAN,
    PHASE_CONTINUOUS,
    PHASE_REMOVED,
    REASON_BAD_INSTRUMENT,
    REASON_DELISTED,
    REASON_NONE,
    REASON_POOL_FULL,
    REASON_POSITION_EXISTS,
    REASON_UNKNOWN_SYMBOL,
)
from components.titan.engine.auction import uncross
from components.titan.engine.cancel import ANY_TIF, end_many
from components.titan.engine.guards import guard
from components.titan.engine.mark import forget_sources
from components.titan.engine.orders.stop_list import queue_triggered
from components.titan.engine.place import is_listed, within
from components.titan.engine.state import (
    POSITION_TOP,
    SYMBOL_TOP,
    SYMBOLS_ALLOWED,
    Outbox,
    TitanState,
    int64,
)
from components.units import MONEY_MAX, MONEY_UNIT_MAX, PPM, QTY_LOTS_MAX
from disruptor.compiled import inlined, pasted


@pasted
def note_instrument(state: TitanState, command: np.void) -> int:
    """List a symbol, or a removed one again, or change the fees and rules of one; never its grid."""
    symbol = int64(command["symbol"])
    if not _has_place(state, symbol):
        return REASON_POOL_FULL
    if not within(command["stop_price"], MONEY_UNIT_MAX):
        return REASON_BAD_INSTRUMENT
    if abs(command["display_qty"]) > PPM or abs(command["expires"]) > PPM:
        return REASON_BAD_INSTRUMENT
    book = state.books[command["symbol"]]
    if book["money_unit"] != 0 and (
        abs(book["money_unit"]) != command["stop_price"]
        or book["tick_size"] != command["price"]
        or book["lot_size"] != command["qty"]
    ):
        return REASON_BAD_INSTRUMENT
    state.totals[SYMBOL_TOP] = max(state.totals[SYMBOL_TOP], symbol + 1)
    book["money_unit"] = command["stop_price"]
    book["tick_size"] = command["price"]
    book["lot_size"] = command["qty"]
    book["maker_fee_ppm"] = command["display_qty"]
    book["taker_fee_ppm"] = command["expires"]
    book["leverage"] = command["leverage"]
    if (book["flags"] ^ command["flags"]) & FLAG_MARK_MEDIAN:
        forget_sources(book)
    book["flags"] = command["flags"]
    if book["phase"] == PHASE_REMOVED:
        book["phase"] = PHASE_CONTINUOUS
    guard(state, book)
    book["name"][0] = command["account"]
    book["name"][1] = command["order_id"]
    return REASON_NONE


@inlined
def _has_place(state: TitanState, symbol: int) -> bool:
    """Whether the limit lets an instrument stand there, or one stood there before the limit."""
    if symbol < state.totals[SYMBOLS_ALLOWED]:
        return True
    return symbol < len(state.books) and state.books[np.uint64(symbol)]["money_unit"] != 0


@pasted
def note_limits(state: TitanState, command: np.void) -> int:
    """Change what orders may ask for; those that are there already stay."""
    if not is_listed(state, int64(command["symbol"])):
        return REASON_UNKNOWN_SYMBOL
    fine = _is_range(command["qty"], command["display_qty"], QTY_LOTS_MAX)
    fine = fine and _is_range(command["price"], command["stop_price"], MONEY_MAX)
    if not fine or not 0 <= command["expires"] <= PPM:
        return REASON_BAD_INSTRUMENT
    book = state.books[command["symbol"]]
    book["min_qty"] = command["qty"]
    book["max_qty"] = command["display_qty"]
    book["min_notional"] = command["price"]
    book["max_notional"] = command["stop_price"]
    book["collar_ppm"] = command["expires"]
    guard(state, book)
    return REASON_NONE


@inlined
def _is_range(low: int, high: int, highest: int) -> bool:
    """Two limits, each 0 for none, that leave something between them."""
    return 0 <= low <= highest and 0 <= high <= highest and (high == 0 or low <= high)


@pasted
def judge_phase(state: TitanState, command: np.void) -> int:
    """Whether the symbol can enter that phase."""
    symbol = int64(command["symbol"])
    if not is_listed(state, symbol):
        return REASON_UNKNOWN_SYMBOL
    if command["side"] > PHASE_REMOVED:
        return REASON_BAD_INSTRUMENT
    if command["side"] == PHASE_REMOVED and _is_held(state, symbol):
        return REASON_POSITION_EXISTS
    return REASON_NONE


@pasted
def _is_held(state: TitanState, symbol: int) -> bool:
    for slot in range(1, state.totals[POSITION_TOP] + 1):
        position = state.positions[slot]
        if position["account"] != 0 and position["symbol"] == symbol and position["qty"] != 0:
            return True
    return False


@pasted
def begin_phase(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Let the symbol enter a phase, with all that follows from it."""
    symbol = int64(command["symbol"])
    book = state.books[command["symbol"]]
    book["phase"] = command["side"]
    guard(state, book)
    if command["side"] == PHASE_CONTINUOUS:
        uncross(state, outbox, symbol)
        queue_triggered(state, symbol)
    elif command["side"] == PHASE_REMOVED:
        end_many(state, outbox, 0, symbol, -1, ANY_TIF, REASON_DELISTED)
        _forget(book)


@pasted
def _forget(book: np.void) -> None:
    """Only the grid of a removed instrument is kept."""
    book["money_unit"] = -book["money_unit"]
    book["last"] = 0
    book["mark"] = 0
    forget_sources(book)
    book["min_qty"] = 0
    book["max_qty"] = 0
    book["min_notional"] = 0
    book["max_notional"] = 0
    book["collar_ppm"] = 0
