"""What a trade does to the accounts on its two sides, and what a deleveraging does.

    A  both sides opened, different accounts   taker's side first, then the maker's
    B  one side opened                         that side; the other is a market maker, external
    C  neither opened                          nothing
    D  one opened account on both sides        no position changes; the fees are paid
    E  a side that the books cannot hold       the trade is refused as a whole and reported

Case E is a position or balance beyond the limits of ``state.py``, or a full table.  Refusing both
sides keeps the books balanced: never half a trade.

A deleveraging closes a bankrupt position and its counterparty's against each other, at the price
that its command names, without fees; as much of it as both still hold when it comes back.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BUY,
    EVENT_TRADE,
    REASON_BAD_NOTIONAL,
    REASON_NONE,
    REASON_POOL_FULL,
    REASON_UNKNOWN_SYMBOL,
    RISK_DELEVERAGE,
    RISK_POSITION,
    SELL,
)
from components.sentinel.engine.accounts import OWN, find_account, wallet_for
from components.sentinel.engine.bands import arm_measured
from components.sentinel.engine.funding import settle
from components.sentinel.engine.insurance_fund import charge_liquidation_fee, cover_deficit
from components.sentinel.engine.isolated import fund_opening, release_closed, tell_owner
from components.sentinel.engine.ledger import FEES, TRADED, add_flow
from components.sentinel.engine.liquidation import end_order, find_order, judge, judge_and_arm
from components.sentinel.engine.margin import fill
from components.sentinel.engine.outbox import (
    SentinelOutbox,
    add_account_risk,
    add_measured_account_risk,
    add_rejection,
    add_risk,
)
from components.sentinel.engine.positions import (
    add_position,
    find_position,
    has_room,
    release_if_done,
)
from components.sentinel.engine.state import FIRST_ORDER_ID, NONE, NOTIONAL_MAX, SentinelState, wide
from components.sentinel.engine.valuation import measure, owed_funding
from components.units import MONEY_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from disruptor.compiled import inlined, internal


@internal
def apply_trade(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Apply one trade event by the table above."""
    taker = find_account(state, event["account"])
    maker = find_account(state, event["maker_account"])
    if taker != NONE or maker != NONE:
        _apply_known_trade(state, event, outbox, taker, maker)


@internal
def _apply_known_trade(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, taker: int, maker: int
) -> None:
    lots = event["qty"] if event["side"] == BUY else -event["qty"]
    reason = _refusal(state, event, taker, maker, lots)
    if reason != REASON_NONE:
        add_rejection(event, outbox, event["account"], reason, 0)
    elif taker == maker:
        _pay_fees(state, event, outbox, taker)
    else:
        if taker != NONE:
            _apply_side(state, event, outbox, taker, lots, event["taker_fee"])
        if maker != NONE:
            _apply_side(state, event, outbox, maker, -lots, event["maker_fee"])
    if taker != NONE:
        _reduce_order(state, event, outbox, taker)


@internal
def apply_deleverage(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Close what both sides still hold, end the order, and take the next step."""
    row = find_account(state, event["account"])
    other = find_account(state, event["maker_order_id"])
    symbol = wide(event["symbol"])
    if row == NONE or other == NONE or symbol >= state.symbols.size:
        return
    sign = -1 if event["side"] == SELL else 1
    lots = min(
        event["qty"],
        max(-sign * _lots_of(state, row, symbol), 0),
        max(sign * _lots_of(state, other, symbol), 0),
    )
    if lots > 0:
        lot_value = event["price"] * state.symbols[symbol]["money_unit"]
        reason = _side_refusal(state, symbol, row, sign * lots, lot_value, 0)
        if reason == REASON_NONE:
            reason = _side_refusal(state, symbol, other, -sign * lots, lot_value, 0)
        if reason == REASON_NONE:
            _apply_side(state, event, outbox, row, sign * lots, 0)
            _apply_side(state, event, outbox, other, -sign * lots, 0)
        else:
            add_rejection(event, outbox, event["account"], reason, 0)
    _reduce_order(state, event, outbox, row)


@internal
def _lots_of(state: SentinelState, own: int, symbol: int) -> int:
    slot = find_position(state, wallet_for(state, own, symbol), symbol)
    return 0 if slot == NONE else wide(state.positions[slot]["qty"])


@internal
def is_held(state: SentinelState, symbol: int, qty: int, entry_value: int) -> bool:
    """Whether a position of this size stays within the limits, at entry and at the mark."""
    if abs(qty) > QTY_LOTS_MAX or abs(entry_value) > NOTIONAL_MAX:
        return False
    lot_value = state.symbols[symbol]["mark"] * state.symbols[symbol]["money_unit"]
    return bool(lot_value == 0 or abs(qty) <= NOTIONAL_MAX // lot_value)


@internal
def _refusal(state: SentinelState, event: np.void, taker: int, maker: int, lots: int) -> int:
    """REASON_NONE, or why the trade cannot be held; changes nothing."""
    symbol = wide(event["symbol"])
    if symbol >= state.symbols.size or state.symbols[symbol]["money_unit"] == 0:
        return REASON_UNKNOWN_SYMBOL
    if not (1 <= event["price"] <= PRICE_TICKS_MAX and 1 <= event["qty"] <= QTY_LOTS_MAX):
        return REASON_BAD_NOTIONAL
    lot_value = event["price"] * state.symbols[symbol]["money_unit"]
    if event["qty"] > NOTIONAL_MAX // lot_value:
        return REASON_BAD_NOTIONAL
    if taker == maker:
        return _side_refusal(
            state, symbol, taker, 0, lot_value, event["taker_fee"] + event["maker_fee"]
        )
    reason = REASON_NONE
    if taker != NONE:
        reason = _side_refusal(state, symbol, taker, lots, lot_value, event["taker_fee"])
    if maker != NONE and reason == REASON_NONE:
        reason = _side_refusal(state, symbol, maker, -lots, lot_value, event["maker_fee"])
    return reason


@internal
def _side_refusal(
    state: SentinelState, symbol: int, own: int, lots: int, lot_value: int, fee: int
) -> int:
    row = wallet_for(state, own, symbol)
    slot = find_position(state, row, symbol)
    qty = 0
    entry_value = 0
    owed = 0
    if slot != NONE:
        qty = state.positions[slot]["qty"]
        entry_value = state.positions[slot]["entry_value"]
        owed = owed_funding(state, slot)
    elif lots != 0 and not has_room(state, row, symbol):
        return REASON_POOL_FULL
    new_qty, new_entry_value, realised = fill(qty, entry_value, lots, lot_value)
    grows = abs(new_qty) > abs(qty) or (new_qty > 0) != (qty > 0)
    if grows and new_qty != 0 and not is_held(state, symbol, new_qty, new_entry_value):
        return REASON_BAD_NOTIONAL
    if abs(fee) > NOTIONAL_MAX:
        return REASON_BAD_NOTIONAL
    if abs(state.accounts[row]["collateral"] - owed + realised - fee) > MONEY_MAX:
        return REASON_BAD_NOTIONAL
    return REASON_NONE


@internal
def _apply_side(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, own: int, lots: int, fee: int
) -> None:
    """One side of a trade or deleveraging, for the account whose own wallet is ``own``."""
    symbol = wide(event["symbol"])
    row = wallet_for(state, own, symbol)
    account = state.accounts[row]
    slot = find_position(state, row, symbol)
    if slot == NONE:
        slot = add_position(state, row, symbol, 0)
    settle(state, event, outbox, slot)
    before = account["collateral"]
    held = abs(state.positions[slot]["qty"])
    lot_value = event["price"] * state.symbols[symbol]["money_unit"]
    closed = _change_position(state, event, outbox, slot, lots, lot_value, fee)
    is_trade = event["kind"] == EVENT_TRADE
    if is_trade and event["account"] == account["account"] and _is_ours(state, event, own):
        charge_liquidation_fee(state, event, outbox, row, abs(lots) * lot_value)
    moved = 0
    if account["scope"] != OWN:
        if closed > 0:
            moved -= release_closed(state, row, slot, closed, held)
        moved += fund_opening(state, row, slot, (abs(lots) - closed) * lot_value)
    cover_deficit(state, event, outbox, row)
    found = measure(state, row)
    change = account["collateral"] - before
    if change != 0:
        add_measured_account_risk(state, event, outbox, row, change, found)
    release_if_done(state, slot)
    arm_measured(state, row, judge(state, event, outbox, row, found))
    tell_owner(state, event, outbox, row, moved)


@internal
def _change_position(
    state: SentinelState,
    event: np.void,
    outbox: SentinelOutbox,
    slot: int,
    lots: int,
    lot_value: int,
    fee: int,
) -> int:
    """Apply the signed lots to the position, and say so; how many lots were closed."""
    position = state.positions[slot]
    account = state.accounts[wide(position["row"])]
    held = position["qty"]
    qty, entry_value, realised = fill(held, position["entry_value"], lots, lot_value)
    set_position(state, slot, qty, entry_value)
    count_change = (1 if qty != 0 else 0) - (1 if held != 0 else 0)
    account["position_count"] += count_change
    state.summary[0]["position_count"] += count_change
    account["collateral"] += realised - fee
    add_flow(state.ledger, TRADED, lots * lot_value)
    add_flow(state.ledger, FEES, fee)
    if event["kind"] != EVENT_TRADE and event["account"] != account["account"]:
        _add_deleverage_risk(state, event, outbox, wide(position["row"]), lots, realised)
    add_position_risk(state, event, outbox, slot, realised - fee)
    is_closing = held != 0 and (held > 0) != (lots > 0)
    return min(abs(held), abs(lots)) if is_closing else 0


@internal
def set_position(state: SentinelState, slot: int, qty: int, entry_value: int) -> None:
    """Write a position that ``is_held`` allows."""
    position = state.positions[slot]
    position["qty"] = qty
    position["entry_value"] = entry_value
    symbol = state.symbols[wide(position["symbol"])]
    symbol["qty_high"] = max(symbol["qty_high"], abs(qty))


@internal
def add_position_risk(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, slot: int, amount: int
) -> None:
    """Say what the position is after a change that realised ``amount``."""
    position = state.positions[slot]
    account = state.accounts[wide(position["row"])]
    index = add_risk(outbox, event, RISK_POSITION, account["account"])
    record = outbox.risks[index]
    record["symbol"] = position["symbol"]
    record["qty"] = position["qty"]
    record["entry_value"] = position["entry_value"]
    record["price"] = event["price"]
    record["amount"] = amount
    record["collateral"] = account["collateral"]


@internal
def _add_deleverage_risk(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int, lots: int, amount: int
) -> None:
    index = add_risk(outbox, event, RISK_DELEVERAGE, state.accounts[row]["account"])
    record = outbox.risks[index]
    record["symbol"] = event["symbol"]
    record["side"] = BUY if lots > 0 else SELL
    record["qty"] = abs(lots)
    record["price"] = event["price"]
    record["amount"] = amount
    record["collateral"] = state.accounts[row]["collateral"]


@internal
def _pay_fees(state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int) -> None:
    """Case D: the account traded with itself; only the fees are real."""
    fee = event["taker_fee"] + event["maker_fee"]
    if fee == 0:
        return
    account = state.accounts[row]
    before = account["collateral"]
    account["collateral"] = before - fee
    add_flow(state.ledger, FEES, fee)
    cover_deficit(state, event, outbox, row)
    change = account["collateral"] - before
    if change != 0:
        add_account_risk(state, event, outbox, row, change)
    judge_and_arm(state, event, outbox, row)


@inlined
def _is_ours(state: SentinelState, event: np.void, own: int) -> bool:
    """Whether the taker's order is a liquidation order in flight for this account."""
    if event["order_id"] < FIRST_ORDER_ID:
        return False
    row = wallet_for(state, own, wide(event["symbol"]))
    return bool(find_order(state, row, event["order_id"]) != NONE)


@internal
def _reduce_order(state: SentinelState, event: np.void, outbox: SentinelOutbox, own: int) -> None:
    """Take what was done off the liquidation order that did it; at nothing left, it is over and
    the next step may follow."""
    if not _is_ours(state, event, own):
        return
    row = wallet_for(state, own, wide(event["symbol"]))
    slot = find_order(state, row, event["order_id"])
    state.positions[slot]["order_open"] -= event["qty"]
    if state.positions[slot]["order_open"] <= 0:
        end_order(state, slot)
        judge_and_arm(state, event, outbox, row)
