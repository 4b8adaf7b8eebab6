"""Commands that Titan hands on to Sentinel in their place in the order, noting what it needs.

Titan notes marks, positions and instruments.  What it could not hand on with a meaning (an unknown
symbol, a price or quantity out of bounds, a changed grid) it refuses; money is Sentinel's to judge.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BUY,
    EVENT_OF_OP,
    EVENT_OF_RISK_OP,
    OP_DELEVERAGE,
    OP_INSTRUMENT,
    OP_LIMITS,
    OP_PHASE,
    OP_POSITION,
    OP_PRICE,
    OP_SESSION_END,
    REASON_BAD_NOTIONAL,
    REASON_BAD_PRICE,
    REASON_BAD_QTY,
    REASON_BAD_TYPE,
    REASON_NONE,
    REASON_POOL_FULL,
    REASON_SESSION_END,
    REASON_UNKNOWN_SYMBOL,
    SELL,
    TIF_DAY,
)
from components.messages.command import ALL_SYMBOLS
from components.titan.engine.answers import next_event, tell_rejected
from components.titan.engine.cancel import end_many
from components.titan.engine.fees import notional_fits
from components.titan.engine.listing import (
    begin_phase,
    judge_phase,
    note_instrument,
    note_limits,
)
from components.titan.engine.mark import is_source_known, take_mark
from components.titan.engine.orders.stop_list import queue_triggered
from components.titan.engine.place import is_listed, within
from components.titan.engine.positions import find_position, has_position_room, set_position
from components.titan.engine.risk_commands import judge_risk_command
from components.titan.engine.shards import answers
from components.titan.engine.state import Outbox, TitanState, int64
from components.units import PRICE_TICKS_MAX, QTY_LOTS_MAX
from disruptor.compiled import pasted


@pasted
def pass_through(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Note and hand on whatever is no order's business alone."""
    reason = REASON_NONE
    if command["op"] == OP_PRICE:
        reason = _judge_price(state, command)
    elif command["op"] == OP_POSITION:
        reason = _note_position(state, command)
    elif command["op"] == OP_INSTRUMENT:
        reason = note_instrument(state, command)
    elif command["op"] == OP_LIMITS:
        reason = note_limits(state, command)
    elif command["op"] == OP_PHASE:
        reason = judge_phase(state, command)
    elif command["op"] == OP_SESSION_END:
        reason = _judge_session_end(state, command)
    elif command["op"] >= OP_DELEVERAGE:
        reason = judge_risk_command(state, command)
    if reason != REASON_NONE:
        tell_rejected(state, outbox, command, reason)
        return
    if answers(state, command):
        _hand_on(state, outbox, command)
    if command["op"] == OP_PRICE:
        _tell_mark(state, outbox, command)
    if command["op"] in (OP_PRICE, OP_INSTRUMENT):
        queue_triggered(state, int64(command["symbol"]))
    elif command["op"] == OP_PHASE:
        begin_phase(state, outbox, command)
    elif command["op"] == OP_SESSION_END:
        symbol = int64(command["symbol"])
        end_many(state, outbox, 0, symbol, -1, TIF_DAY, REASON_SESSION_END)


@pasted
def _hand_on(state: TitanState, outbox: Outbox, command: np.void) -> None:
    event = next_event(state, outbox)
    is_risk = command["op"] >= OP_DELEVERAGE
    event["kind"] = int64(command["op"]) + (EVENT_OF_RISK_OP if is_risk else EVENT_OF_OP)
    event["account"] = command["account"]
    event["order_id"] = command["order_id"]
    event["price"] = command["price"]
    event["qty"] = command["qty"]
    event["maker_account"] = command["stop_price"]
    event["maker_order_id"] = command["display_qty"]
    event["taker_fee"] = command["expires"]
    event["maker_fee"] = command["origin_ts"]
    event["symbol"] = command["symbol"]
    event["leverage"] = command["leverage"]
    event["side"] = command["side"]
    event["flags"] = command["flags"]
    event["reason"] = REASON_NONE


@pasted
def _tell_mark(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """The event that was just handed on carries the mark that its price makes."""
    flags = take_mark(state, command)
    event = outbox.slots[np.uint64(outbox.count[0] - 1)]
    event["price"] = state.books[command["symbol"]]["mark"]
    event["flags"] = flags


@pasted
def _judge_session_end(state: TitanState, command: np.void) -> int:
    """Orders for the day end with the session, of one symbol or of all."""
    symbol = int64(command["symbol"])
    if symbol != ALL_SYMBOLS and not is_listed(state, symbol):
        return REASON_UNKNOWN_SYMBOL
    return REASON_NONE


@pasted
def _judge_price(state: TitanState, command: np.void) -> int:
    if not is_listed(state, int64(command["symbol"])):
        return REASON_UNKNOWN_SYMBOL
    if not within(command["price"], PRICE_TICKS_MAX):
        return REASON_BAD_PRICE
    if not 0 <= command["qty"] <= QTY_LOTS_MAX:
        return REASON_BAD_QTY
    if not is_source_known(state.books[command["symbol"]], int64(command["side"])):
        return REASON_BAD_TYPE
    return REASON_NONE


@pasted
def _note_position(state: TitanState, command: np.void) -> int:
    """An opening position counts only where there is none yet; Sentinel refuses a second one."""
    symbol = int64(command["symbol"])
    if not is_listed(state, symbol):
        return REASON_UNKNOWN_SYMBOL
    if not within(command["price"], PRICE_TICKS_MAX):
        return REASON_BAD_PRICE
    qty = command["qty"]
    if not within(qty, QTY_LOTS_MAX) or command["side"] > SELL:
        return REASON_BAD_QTY
    if not notional_fits(command["price"], qty, state.books[command["symbol"]]["money_unit"]):
        return REASON_BAD_NOTIONAL
    if find_position(state, command["account"], symbol) != 0:
        return REASON_NONE
    if not has_position_room(state, command["account"], symbol):
        return REASON_POOL_FULL
    set_position(state, command["account"], symbol, qty if command["side"] == BUY else -qty)
    return REASON_NONE
