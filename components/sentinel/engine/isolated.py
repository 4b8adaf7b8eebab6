"""Isolated positions: a wallet of their own, and the money that goes to it and comes back.

    opening     the initial margin of what was opened moves from the account's own wallet, as far
                as that can spare it
    closing     the share of the wallet that what was closed had in the position moves back, as far
                as the rest keeps its initial margin
    flat        all that is left moves back; a loss beyond the wallet is the fund's, not the account's
    by command  margin is added, or removed down to the initial margin

The choice between cross and isolated, and of a leverage, is kept while the position is flat, and the
former can only be changed then.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    MARGIN_CROSS,
    MARGIN_ISOLATED,
    REASON_BAD_AMOUNT,
    REASON_BAD_LEVERAGE,
    REASON_BAD_TYPE,
    REASON_INSUFFICIENT_MARGIN,
    REASON_NONE,
    REASON_POOL_FULL,
    REASON_POSITION_EXISTS,
    REASON_UNKNOWN_ACCOUNT,
    REASON_UNKNOWN_SYMBOL,
    RISK_LEVERAGE,
)
from components.sentinel.engine.accounts import (
    OWN,
    find_account,
    find_wallet,
    is_full,
    open_wallet,
    scope_of,
    wallet_for,
)
from components.sentinel.engine.bands import arm_wallet
from components.sentinel.engine.liquidation import warn
from components.sentinel.engine.margin import proportion
from components.sentinel.engine.outbox import (
    SentinelOutbox,
    add_account_risk,
    add_rejection,
    add_risk,
)
from components.sentinel.engine.positions import (
    add_position,
    find_position,
    has_room,
    release,
    release_if_done,
    symbol_has_room,
)
from components.sentinel.engine.state import NONE, SentinelState, wide
from components.sentinel.engine.valuation import (
    equity_of,
    initial_margin_of,
    initial_margin_of_position,
    leverage_cap,
    value_of,
)
from components.units import MONEY_MAX
from disruptor.compiled import internal


@internal
def fund_opening(state: SentinelState, row: int, slot: int, opened_value: int) -> int:
    """Move the initial margin of ``opened_value`` to the isolated wallet; how much moved."""
    position = state.positions[slot]
    symbol = wide(position["symbol"])
    most = leverage_cap(state, symbol, abs(wide(position["entry_value"])))
    leverage = wide(position["leverage"])
    leverage = min(leverage, most) if leverage > 0 else most
    wanted = min(-(-opened_value // leverage), MONEY_MAX - state.accounts[row]["collateral"])
    moved = max(min(wanted, spare_of(state, wide(state.accounts[row]["owner"]))), 0)
    _move(state, row, moved)
    return moved


@internal
def release_closed(state: SentinelState, row: int, slot: int, closed: int, held: int) -> int:
    """Move the share of ``closed`` of ``held`` lots back; all of it when flat; how much moved."""
    free = max(wide(state.accounts[row]["collateral"]), 0)
    if state.positions[slot]["qty"] != 0 and closed < held:
        free, _ = proportion(free, closed, held)
        free = min(free, spare_of(state, row))
    owner = state.accounts[wide(state.accounts[row]["owner"])]
    moved = min(free, MONEY_MAX - owner["collateral"])
    _move(state, row, -moved)
    return moved


@internal
def spare_of(state: SentinelState, row: int) -> int:
    """What the wallet can give away: of its collateral, and above its initial margin; >= 0."""
    above = equity_of(state, row) - initial_margin_of(state, row)
    return max(min(above, wide(state.accounts[row]["collateral"])), 0)


@internal
def _move(state: SentinelState, row: int, amount: int) -> None:
    """From the account's own wallet to this isolated one; back if negative."""
    state.accounts[wide(state.accounts[row]["owner"])]["collateral"] -= amount
    state.accounts[row]["collateral"] += amount


@internal
def tell_owner(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int, moved: int
) -> None:
    """Say that ``moved`` left the isolated wallet's account for it; judge what that leaves."""
    if moved != 0:
        owner = wide(state.accounts[row]["owner"])
        add_account_risk(state, event, outbox, owner, -moved)
        warn(state, event, outbox, owner)


@internal
def apply_margin(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Add the amount (the event's price) to an isolated position's margin, or remove it."""
    own = find_account(state, event["account"])
    symbol = wide(event["symbol"])
    amount = event["price"]
    row = NONE if own == NONE else wallet_for(state, own, symbol)
    reason = REASON_NONE
    if own == NONE:
        reason = REASON_UNKNOWN_ACCOUNT
    elif row == own or state.accounts[row]["position_count"] == 0:
        reason = REASON_BAD_TYPE
    elif (
        amount == 0
        or amount < -MONEY_MAX
        or amount > MONEY_MAX
        or state.accounts[row]["collateral"] > MONEY_MAX - amount
        or state.accounts[own]["collateral"] > MONEY_MAX + amount
    ):
        reason = REASON_BAD_AMOUNT
    elif amount > spare_of(state, own) or -amount > spare_of(state, row):
        reason = REASON_INSUFFICIENT_MARGIN
    if reason != REASON_NONE:
        add_rejection(event, outbox, event["account"], reason, amount)
        return
    _move(state, row, amount)
    add_account_risk(state, event, outbox, row, amount)
    warn(state, event, outbox, row)
    tell_owner(state, event, outbox, row, amount)


@internal
def apply_leverage(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Choose the leverage (0: as much as the symbol allows) and the margin mode of a symbol."""
    own = find_account(state, event["account"])
    symbol = wide(event["symbol"])
    reason = _leverage_refusal(state, event, own, symbol)
    if reason != REASON_NONE:
        add_rejection(event, outbox, event["account"], reason, 0)
        return
    before = wallet_for(state, own, symbol)
    slot = find_position(state, before, symbol)
    row = own
    if event["side"] == MARGIN_ISOLATED:
        row = open_wallet(state, event["account"], scope_of(symbol))
    if slot != NONE and row != before:
        release(state, slot)
        slot = NONE
    if slot == NONE:
        slot = add_position(state, row, symbol, 0)
    state.positions[slot]["leverage"] = event["leverage"]
    index = add_risk(outbox, event, RISK_LEVERAGE, event["account"])
    record = outbox.risks[index]
    record["symbol"] = symbol
    record["side"] = event["side"]
    record["qty"] = event["leverage"]
    release_if_done(state, slot)
    arm_wallet(state, row)


@internal
def _leverage_refusal(state: SentinelState, event: np.void, own: int, symbol: int) -> int:
    if own == NONE:
        return REASON_UNKNOWN_ACCOUNT
    if symbol >= state.symbols.size or state.symbols[symbol]["money_unit"] == 0:
        return REASON_UNKNOWN_SYMBOL
    if event["side"] not in (MARGIN_CROSS, MARGIN_ISOLATED):
        return REASON_BAD_TYPE
    row = wallet_for(state, own, symbol)
    slot = find_position(state, row, symbol)
    notional = 0 if slot == NONE else abs(value_of(state, slot))
    if event["leverage"] > leverage_cap(state, symbol, notional):
        return REASON_BAD_LEVERAGE
    is_isolated = state.accounts[row]["scope"] != OWN
    if is_isolated != (event["side"] == MARGIN_ISOLATED):
        return _change_refusal(state, event, own, symbol, slot)
    if slot == NONE:
        return REASON_NONE if has_room(state, row, symbol) else REASON_POOL_FULL
    needed = initial_margin_of(state, row)
    needed -= initial_margin_of_position(state, slot, wide(state.positions[slot]["leverage"]))
    needed += initial_margin_of_position(state, slot, wide(event["leverage"]))
    if state.positions[slot]["qty"] != 0 and equity_of(state, row) < needed:
        return REASON_INSUFFICIENT_MARGIN
    return REASON_NONE


@internal
def _change_refusal(state: SentinelState, event: np.void, own: int, symbol: int, slot: int) -> int:
    """Why the position cannot change to the other margin mode."""
    if slot != NONE:
        position = state.positions[slot]
        if position["qty"] != 0 or position["order_id"] != 0:
            return REASON_POSITION_EXISTS
    if event["side"] == MARGIN_CROSS:
        return REASON_NONE if slot != NONE else REASON_POOL_FULL
    isolated = find_wallet(state, wide(event["account"]), scope_of(symbol))
    if isolated == NONE and is_full(state):
        return REASON_POOL_FULL
    has_slot = slot != NONE or symbol_has_room(state, symbol)
    return REASON_NONE if has_slot else REASON_POOL_FULL
