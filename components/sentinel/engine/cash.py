"""Accounts opened, deposits, withdrawals, and the opening positions of a configuration.

A deposit or an opening position opens an account that is not there yet.  A withdrawal is paid
out of collateral alone, never out of profit that is not realised, and only as far as equity
stays at or above initial margin.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BUY,
    REASON_BAD_AMOUNT,
    REASON_BAD_LEVERAGE,
    REASON_BAD_NOTIONAL,
    REASON_BAD_PRICE,
    REASON_BAD_QTY,
    REASON_DUPLICATE_ACCOUNT,
    REASON_INSUFFICIENT_MARGIN,
    REASON_NONE,
    REASON_POOL_FULL,
    REASON_POSITION_EXISTS,
    REASON_UNKNOWN_ACCOUNT,
    REASON_UNKNOWN_SYMBOL,
)
from components.sentinel.engine.accounts import (
    OWN,
    find_account,
    is_full,
    open_account,
    wallet_for,
)
from components.sentinel.engine.fills import add_position_risk, is_held, set_position
from components.sentinel.engine.isolated import fund_opening, spare_of, tell_owner
from components.sentinel.engine.ledger import DEPOSITED, TRADED, WITHDRAWN, add_flow
from components.sentinel.engine.liquidation import warn
from components.sentinel.engine.outbox import SentinelOutbox, add_account_risk, add_rejection
from components.sentinel.engine.positions import (
    add_position,
    find_position,
    has_room,
    symbol_has_room,
)
from components.sentinel.engine.state import NONE, NOTIONAL_MAX, SentinelState, wide
from components.units import ACCOUNT_MAX, MONEY_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from disruptor.compiled import internal


@internal
def apply_account(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Open an account with nothing in it."""
    reason = REASON_DUPLICATE_ACCOUNT
    if find_account(state, event["account"]) == NONE:
        reason = _opening_refusal(state, event)
    if reason != REASON_NONE:
        add_rejection(event, outbox, event["account"], reason, 0)
        return
    row = open_account(state, event["account"])
    add_account_risk(state, event, outbox, row, 0)


@internal
def _opening_refusal(state: SentinelState, event: np.void) -> int:
    """Why this event's account, if it is not there yet, cannot be opened."""
    if event["account"] < 0 or event["account"] > ACCOUNT_MAX:
        return REASON_UNKNOWN_ACCOUNT
    if is_full(state) and find_account(state, event["account"]) == NONE:
        return REASON_POOL_FULL
    return REASON_NONE


@internal
def apply_deposit(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Add the amount (the event's price) to the account, opening it if need be."""
    amount = event["price"]
    reason = _opening_refusal(state, event)
    if reason == REASON_NONE:
        if amount < 1 or amount > MONEY_MAX:
            reason = REASON_BAD_AMOUNT
        else:
            row = find_account(state, event["account"])
            if row != NONE and state.accounts[row]["collateral"] > MONEY_MAX - amount:
                reason = REASON_BAD_AMOUNT
    if reason != REASON_NONE:
        add_rejection(event, outbox, event["account"], reason, amount)
        return
    row = open_account(state, event["account"])
    state.accounts[row]["collateral"] += amount
    add_flow(state.ledger, DEPOSITED, amount)
    add_account_risk(state, event, outbox, row, amount)
    warn(state, event, outbox, row)


@internal
def apply_withdraw(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Pay the amount (the event's price) out, or refuse it."""
    amount = event["price"]
    row = find_account(state, event["account"])
    reason = REASON_NONE
    if row == NONE:
        reason = REASON_UNKNOWN_ACCOUNT
    elif amount < 1 or amount > MONEY_MAX:
        reason = REASON_BAD_AMOUNT
    elif amount > spare_of(state, row):
        reason = REASON_INSUFFICIENT_MARGIN
    if reason != REASON_NONE:
        add_rejection(event, outbox, event["account"], reason, amount)
        return
    state.accounts[row]["collateral"] -= amount
    add_flow(state.ledger, WITHDRAWN, amount)
    add_account_risk(state, event, outbox, row, -amount)
    warn(state, event, outbox, row)


@internal
def apply_position(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Set an opening position at its entry price; it is liquidated at a price at the earliest."""
    reason = _position_refusal(state, event)
    if reason != REASON_NONE:
        add_rejection(event, outbox, event["account"], reason, 0)
        return
    symbol = wide(event["symbol"])
    own = open_account(state, event["account"])
    row = wallet_for(state, own, symbol)
    slot = find_position(state, row, symbol)
    if slot == NONE:
        slot = add_position(state, row, symbol, 0)
    if event["leverage"] > 0:
        state.positions[slot]["leverage"] = event["leverage"]
    state.positions[slot]["funding"] = state.symbols[symbol]["funding"]
    lots = event["qty"] if event["side"] == BUY else -event["qty"]
    value = lots * (event["price"] * state.symbols[symbol]["money_unit"])
    set_position(state, slot, lots, value)
    state.accounts[row]["position_count"] += 1
    state.summary[0]["position_count"] += 1
    add_flow(state.ledger, TRADED, value)
    add_position_risk(state, event, outbox, slot, 0)
    moved = 0
    if state.accounts[row]["scope"] != OWN:
        moved = fund_opening(state, row, slot, abs(value))
        if moved > 0:
            add_account_risk(state, event, outbox, row, moved)
    warn(state, event, outbox, row)
    tell_owner(state, event, outbox, row, moved)


@internal
def _position_refusal(state: SentinelState, event: np.void) -> int:
    symbol = wide(event["symbol"])
    if symbol >= state.symbols.size or state.symbols[symbol]["money_unit"] == 0:
        return REASON_UNKNOWN_SYMBOL
    reason = _opening_refusal(state, event)
    if reason != REASON_NONE:
        return reason
    if event["price"] < 1 or event["price"] > PRICE_TICKS_MAX:
        return REASON_BAD_PRICE
    if event["qty"] < 1 or event["qty"] > QTY_LOTS_MAX:
        return REASON_BAD_QTY
    if event["leverage"] > state.symbols[symbol]["max_leverage"]:
        return REASON_BAD_LEVERAGE
    lot_value = event["price"] * state.symbols[symbol]["money_unit"]
    if event["qty"] > NOTIONAL_MAX // lot_value:
        return REASON_BAD_NOTIONAL
    if not is_held(state, symbol, event["qty"], event["qty"] * lot_value):
        return REASON_BAD_NOTIONAL
    own = find_account(state, event["account"])
    row = NONE if own == NONE else wallet_for(state, own, symbol)
    slot = NONE if row == NONE else find_position(state, row, symbol)
    if slot != NONE:
        return REASON_NONE if state.positions[slot]["qty"] == 0 else REASON_POSITION_EXISTS
    has_slot = symbol_has_room(state, symbol) if row == NONE else has_room(state, row, symbol)
    return REASON_NONE if has_slot else REASON_POOL_FULL
