"""When an account is warned or liquidated, and the orders that then leave.

The rule at the edge: an account is liquidated when equity < maintenance; equality is safe.  It
is at risk when maintenance / equity exceeds the rule's threshold, and leaves that state only
below nineteen twentieths of it, so that it does not flicker.

A liquidation closes every position of the account that has a mark and no order in flight, in
order of symbol, by reduce-only immediate-or-cancel orders: limited at the bankruptcy price while
the mark has not passed it, at market after that.  One order is in flight per account and symbol;
its end (filled, cancelled, rejected) clears the way for the next decision, which the next price
of one of the account's symbols brings, or a trade of the account itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import (
    BUY,
    FLAG_LIQUIDATION,
    FLAG_REDUCE_ONLY,
    OP_PLACE,
    RISK_AT_RISK,
    RISK_LIQUIDATION,
    SELL,
    SOURCE_SENTINEL,
    STP_NONE,
    TIF_IOC,
    TYPE_LIMIT,
    TYPE_MARKET,
)
from components.sentinel.engine.accounts import equity_of
from components.sentinel.engine.margin import bankruptcy_price, exceeds
from components.sentinel.engine.outbox import SentinelOutbox, add_balances, add_risk
from components.sentinel.engine.positions import release_if_done
from components.sentinel.engine.state import NONE, SentinelState, wide
from components.units import PRICE_TICKS_MAX
from disruptor.compiled import inlined, internal

HYSTERESIS_DIVISOR: Final = 20


@inlined
def must_liquidate(state: SentinelState, row: int) -> bool:
    """Equity below maintenance; exact."""
    return bool(equity_of(state, row) < state.accounts[row]["maintenance"])


@inlined
def leaving_ppm(at_risk_ppm: int) -> int:
    """The margin ratio at or below which an account is no longer at risk."""
    return at_risk_ppm - at_risk_ppm // HYSTERESIS_DIVISOR


@inlined
def is_now_at_risk(state: SentinelState, row: int) -> bool:
    """What the at-risk state should be at the present balances, given what it is."""
    account = state.accounts[row]
    threshold = wide(state.summary[0]["at_risk_ppm"])
    if account["at_risk"] != 0:
        threshold = leaving_ppm(threshold)
    return exceeds(account["maintenance"], equity_of(state, row), threshold)


@internal
def update_at_risk(state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int) -> None:
    """Enter or leave the at-risk state, and say so when it changes."""
    account = state.accounts[row]
    now = is_now_at_risk(state, row)
    if now == (account["at_risk"] != 0):
        return
    account["at_risk"] = 1 if now else 0
    state.summary[0]["at_risk_count"] += 1 if now else -1
    index = add_risk(outbox, event, RISK_AT_RISK, account["account"])
    outbox.risks[index]["flags"] = 1 if now else 0
    add_balances(state, outbox, index, row)


@internal
def judge(state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int) -> None:
    """Warn and, if it must be, liquidate one account."""
    update_at_risk(state, event, outbox, row)
    if not must_liquidate(state, row):
        return
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        position = state.positions[slot]
        has_mark = state.symbols[wide(position["symbol"])]["mark"] > 0
        if position["qty"] != 0 and position["order_id"] == 0 and has_mark:
            _liquidate(state, event, outbox, row, slot)
        slot = wide(position["next_position"])


@internal
def _liquidate(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int, slot: int
) -> None:
    account = state.accounts[row]
    position = state.positions[slot]
    symbol = wide(position["symbol"])
    qty = position["qty"]
    mark = state.symbols[symbol]["mark"]
    equity = equity_of(state, row)
    limit = bankruptcy_price(
        qty,
        mark,
        state.symbols[symbol]["money_unit"],
        equity,
        position["maintenance"],
        max(account["maintenance"], 1),
    )
    side = SELL if qty > 0 else BUY
    index = add_risk(outbox, event, RISK_LIQUIDATION, account["account"])
    record = outbox.risks[index]
    record["symbol"] = symbol
    record["side"] = side
    record["qty"] = abs(qty)
    record["price"] = mark
    record["amount"] = max(-position["unrealised"], 0)
    record["bankruptcy_price"] = limit
    add_balances(state, outbox, index, row)
    is_limited = equity >= 0 and 1 <= limit <= PRICE_TICKS_MAX
    _send_order(state, event, outbox, slot, side, limit if is_limited else 0)


@internal
def _send_order(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, slot: int, side: int, limit: int
) -> None:
    """Append the closing order, market if ``limit`` is 0, and note it as in flight."""
    summary = state.summary[0]
    position = state.positions[slot]
    account = state.accounts[wide(position["row"])]
    index = outbox.order_count[0]
    outbox.order_count[0] = index + 1
    order = outbox.orders[index]
    order["ts"] = event["ts"]
    order["origin_ts"] = 0
    order["account"] = account["account"]
    order["order_id"] = summary["next_order_id"]
    order["price"] = limit
    order["qty"] = abs(position["qty"])
    order["stop_price"] = 0
    order["display_qty"] = 0
    order["expires"] = 0
    order["cause"] = event["seq"]
    order["symbol"] = position["symbol"]
    order["leverage"] = 0
    order["op"] = OP_PLACE
    order["side"] = side
    order["order_type"] = TYPE_LIMIT if limit > 0 else TYPE_MARKET
    order["tif"] = TIF_IOC
    order["flags"] = FLAG_REDUCE_ONLY | FLAG_LIQUIDATION
    order["stp"] = STP_NONE
    order["source"] = SOURCE_SENTINEL
    order["reserved"] = 0
    position["order_id"] = summary["next_order_id"]
    position["order_open"] = abs(position["qty"])
    account["orders_in_flight"] += 1
    summary["orders_in_flight"] += 1
    summary["next_order_id"] += 1


@inlined
def find_order(state: SentinelState, row: int, order_id: int) -> int:
    """The slot for which this order of ours is in flight, or NONE."""
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        if state.positions[slot]["order_id"] == order_id:
            return slot
        slot = wide(state.positions[slot]["next_position"])
    return NONE


@internal
def end_order(state: SentinelState, slot: int) -> None:
    """The order in flight for this slot is over; the slot goes if its position is flat."""
    position = state.positions[slot]
    position["order_id"] = 0
    position["order_open"] = 0
    state.accounts[wide(position["row"])]["orders_in_flight"] -= 1
    state.summary[0]["orders_in_flight"] -= 1
    release_if_done(state, slot)
