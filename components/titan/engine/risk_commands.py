"""Commands that Titan hands on to Sentinel without a meaning of their own here, but for one.

A deleveraging closes two accounts' positions against each other outside of the book.  Titan moves
the net positions that it knows, as far as both still hold them, so that reduce-only orders are
measured against what is true.  What it names must exist; the rest is Sentinel's to judge.  The risk
gate is Titan's: from its command on, each order must bear a verdict.  It needs to see all symbols, so
of several shards none has it.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    OP_DELEVERAGE,
    OP_RESUME,
    OP_RISK_CAPACITY,
    OP_RISK_GATE,
    REASON_BAD_PRICE,
    REASON_BAD_QTY,
    REASON_BAD_TYPE,
    REASON_NONE,
    REASON_UNKNOWN_SYMBOL,
    SELL,
)
from components.titan.engine.guards import guard
from components.titan.engine.place import is_listed, within
from components.titan.engine.positions import find_position, set_position
from components.titan.engine.state import RISK_GATE, SHARDS, SYMBOL_TOP, TitanState, int64
from components.units import PRICE_TICKS_MAX, QTY_LOTS_MAX
from disruptor.compiled import internal


@internal
def judge_risk_command(state: TitanState, command: np.void) -> int:
    """Why the command is not handed on, or REASON_NONE; a deleveraging is noted."""
    if command["op"] in (OP_RESUME, OP_RISK_CAPACITY):
        return REASON_NONE
    if command["op"] == OP_RISK_GATE:
        return _set_risk_gate(state, command["qty"])
    if not is_listed(state, int64(command["symbol"])):
        return REASON_UNKNOWN_SYMBOL
    if command["op"] != OP_DELEVERAGE:
        return REASON_NONE
    if command["side"] > SELL:
        return REASON_BAD_TYPE
    if not within(command["price"], PRICE_TICKS_MAX):
        return REASON_BAD_PRICE
    if not within(command["qty"], QTY_LOTS_MAX):
        return REASON_BAD_QTY
    _note_deleverage(state, command)
    return REASON_NONE


@internal
def _set_risk_gate(state: TitanState, value: int) -> int:
    if not 0 <= value <= 1:
        return REASON_BAD_QTY
    if state.totals[SHARDS] != 1:
        return REASON_BAD_TYPE
    state.totals[RISK_GATE] = value
    for symbol in range(state.totals[SYMBOL_TOP]):
        guard(state, state.books[symbol])
    return REASON_NONE


@internal
def _note_deleverage(state: TitanState, command: np.void) -> None:
    symbol = int64(command["symbol"])
    sign = -1 if command["side"] == SELL else 1
    closing = max(-sign * _lots_of(state, command["account"], symbol), 0)
    taking = max(sign * _lots_of(state, command["display_qty"], symbol), 0)
    lots = min(command["qty"], closing, taking)
    if lots > 0:
        set_position(state, command["account"], symbol, sign * lots)
        set_position(state, command["display_qty"], symbol, -sign * lots)


@internal
def _lots_of(state: TitanState, account: int, symbol: int) -> int:
    return int64(state.positions[find_position(state, account, symbol)]["qty"])
