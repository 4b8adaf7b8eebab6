"""Funding: what longs pay shorts for holding a position, charged by rate events, settled lazily.

A rate event moves the symbol's index, in millionths of money a lot, by mark * unit * rate.  What a
position owes is its lots times the way of the index since it was settled (valuation.py), which
counts in its equity at once; the money moves when the position is touched next.  A rate event thus
costs no more than a price, whatever the number of positions.  Rounded against the account.

So that no product passes its bound, an index that has gone too far for the largest position makes
the event settle all of the symbol's first, and begin at 0 again.

    |rate| <= RATE_PPM_MAX           value of a lot <= LOT_VALUE_MAX
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import (
    MARGIN_ISOLATED,
    REASON_BAD_AMOUNT,
    REASON_BAD_NOTIONAL,
    REASON_BAD_PRICE,
    REASON_UNKNOWN_SYMBOL,
    RISK_FUNDING,
)
from components.sentinel.engine.accounts import OWN
from components.sentinel.engine.bands import drift_of
from components.sentinel.engine.ledger import FUNDING, add_flow
from components.sentinel.engine.outbox import SentinelOutbox, add_rejection, add_risk
from components.sentinel.engine.positions import find_position, largest_qty
from components.sentinel.engine.price import act_on_mark
from components.sentinel.engine.state import NONE, PENDING_MAX, SentinelState, wide
from components.sentinel.engine.valuation import owed_funding
from components.units import MONEY_MAX, PPM
from disruptor.compiled import internal

RATE_PPM_MAX: Final = 50_000
LOT_VALUE_MAX: Final = 2**45
INDEX_MAX: Final = 2**61


@internal
def apply_funding(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Charge the rate (the event's price, in ppm, longs pay if positive) at the symbol's mark."""
    symbol = wide(event["symbol"])
    rate = event["price"]
    if symbol >= state.symbols.size or state.symbols[symbol]["money_unit"] == 0:
        add_rejection(event, outbox, 0, REASON_UNKNOWN_SYMBOL, 0)
        return
    record = state.symbols[symbol]
    lot_value = record["mark"] * record["money_unit"]
    if abs(rate) > RATE_PPM_MAX:
        add_rejection(event, outbox, 0, REASON_BAD_AMOUNT, rate)
    elif record["mark"] == 0:
        add_rejection(event, outbox, 0, REASON_BAD_PRICE, 0)
    elif lot_value > LOT_VALUE_MAX:
        add_rejection(event, outbox, 0, REASON_BAD_NOTIONAL, 0)
    else:
        _move_index(state, event, outbox, symbol, lot_value * rate)
        record["drift"] += drift_of(record["mark"], rate)
        act_on_mark(state, event, outbox, symbol)


@internal
def _move_index(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, symbol: int, change: int
) -> None:
    record = state.symbols[symbol]
    if not _is_bearable(record, record["qty_high"], change):
        record["qty_high"] = largest_qty(state, symbol)
        if not _is_bearable(record, record["qty_high"], change):
            settle_all(state, event, outbox, symbol)
    record["funding"] += change
    record["funding_low"] = min(record["funding_low"], record["funding"])
    record["funding_high"] = max(record["funding_high"], record["funding"])


@internal
def _is_bearable(record: np.void, lots: int, change: int) -> bool:
    """Whether ``lots``, settled at any index since the symbol began at 0, would owe at most
    PENDING_MAX."""
    index = record["funding"] + change
    way = max(record["funding_high"], index) - min(record["funding_low"], index)
    return bool(abs(index) <= INDEX_MAX and way // PPM < PENDING_MAX // max(lots, 1))


@internal
def settle_all(state: SentinelState, event: np.void, outbox: SentinelOutbox, symbol: int) -> None:
    """Settle every position of the symbol, wallets in order of opening, and begin at 0 again."""
    for row in range(state.summary[0]["account_count"]):
        slot = find_position(state, row, symbol)
        if slot != NONE:
            settle(state, event, outbox, slot)
            state.positions[slot]["funding"] = 0
    record = state.symbols[symbol]
    record["funding"] = record["funding_low"] = record["funding_high"] = 0


@internal
def settle(state: SentinelState, event: np.void, outbox: SentinelOutbox, slot: int) -> None:
    """Move what the position owes, which its equity already lacks; at most to MONEY_MAX."""
    position = state.positions[slot]
    symbol = wide(position["symbol"])
    owed = owed_funding(state, slot)
    position["funding"] = state.symbols[symbol]["funding"]
    account = state.accounts[wide(position["row"])]
    owed = max(owed, account["collateral"] - MONEY_MAX)
    if owed == 0:
        return
    account["collateral"] -= owed
    add_flow(state.ledger, FUNDING, owed)
    index = add_risk(outbox, event, RISK_FUNDING, account["account"])
    record = outbox.risks[index]
    record["symbol"] = symbol
    record["amount"] = -owed
    record["collateral"] = account["collateral"]
    record["side"] = MARGIN_ISOLATED if account["scope"] != OWN else 0
