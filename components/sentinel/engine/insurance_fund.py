"""The insurance fund: it takes a fee of each liquidation and pays what accounts cannot.

A price that goes through an account's bankruptcy price leaves it with less than nothing while it
still holds the position: the fund pays at once what is missing, as far as it reaches.
An account that is flat with negative collateral can never pay: the fund does, as far as it
reaches; the rest is bad debt, written off and counted, never lost from the books.
"""

from __future__ import annotations

import numpy as np

from components.sentinel.engine.ledger import BAD_DEBT, add_flow
from components.sentinel.engine.margin import of_ppm
from components.sentinel.engine.outbox import SentinelOutbox, add_account_risk, add_fund_risk
from components.sentinel.engine.state import SentinelState, wide
from components.sentinel.engine.valuation import equity_of
from components.units import MONEY_MAX
from disruptor.compiled import internal


@internal
def charge_liquidation_fee(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int, value: int
) -> None:
    """Move the fee on a liquidation's fill of ``value`` from the account to the fund.

    Rounded up, but never more than the account's equity, so that no fee bankrupts an account.
    """
    summary = state.summary[0]
    fee = -of_ppm(-value, summary["liquidation_fee_ppm"])
    fee = min(fee, max(equity_of(state, row), 0), MONEY_MAX - summary["fund"])
    if fee <= 0:
        return
    state.accounts[row]["collateral"] -= fee
    summary["fund"] += fee
    add_fund_risk(state, event, outbox, state.accounts[row]["account"], fee, 0)


@internal
def pay_from_fund(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int, deficit: int
) -> int:
    """Pay the account ``deficit`` > 0, or what the fund has; how much that is."""
    summary = state.summary[0]
    account = state.accounts[row]
    paid = min(summary["fund"], deficit, MONEY_MAX - account["collateral"])
    if paid > 0:
        summary["fund"] -= paid
        account["collateral"] += paid
        add_fund_risk(state, event, outbox, account["account"], -paid, 0)
        add_account_risk(state, event, outbox, row, paid)
    return wide(paid)


@internal
def cover_deficit(state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int) -> None:
    """If the account is flat with negative collateral, bring it to zero."""
    account = state.accounts[row]
    deficit = -account["collateral"]
    if deficit <= 0 or account["position_count"] > 0:
        return
    summary = state.summary[0]
    paid = min(summary["fund"], deficit)
    bad_debt = deficit - paid
    summary["fund"] -= paid
    account["collateral"] = 0
    add_flow(state.ledger, BAD_DEBT, bad_debt)
    add_fund_risk(state, event, outbox, account["account"], -paid, bad_debt)
