"""What one or several events made Sentinel say: risk records and orders, in the caller's arrays.

The caller owns the arrays and their growth: before each event there must be room for
``outbox_bound`` more records of each kind, so that the engine never has to drop or stop.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    MARGIN_ISOLATED,
    RISK_ACCOUNT,
    RISK_INSURANCE_FUND,
    RISK_REJECTED,
    SOURCE_SENTINEL,
)
from components.messages.command import COMMAND
from components.messages.risk import RISK
from components.sentinel.engine.accounts import OWN
from components.sentinel.engine.state import BLOCK_SLOTS, SentinelState, blocks_for, wide
from components.sentinel.engine.valuation import Measure, measure
from disruptor.by_address import by_address
from disruptor.compiled import compiled, inlined, internal

RECORDS_PER_EVENT: Final = 40
"""What an event can produce apart from a price's liquidations: a trade's two sides, each a position,
its funding, two changes of the fund, its money and that of its account, and a step of its
liquidation; or a price's refusal."""

RECORDS_PER_ACCOUNT: Final = 5
"""Its funding, a warning, and the three records of a step."""


@by_address
class SentinelOutbox(NamedTuple):
    """Risk records and commands produced, in order; the counts say how many are valid."""

    risks: NDArray[np.void]
    risk_count: NDArray[np.int64]
    orders: NDArray[np.void]
    order_count: NDArray[np.int64]


def new_outbox(risk_capacity: int = 1024, order_capacity: int = 1024) -> SentinelOutbox:
    """Empty arrays of these capacities."""
    return SentinelOutbox(
        risks=np.zeros(risk_capacity, RISK),
        risk_count=np.zeros(1, np.int64),
        orders=np.zeros(order_capacity, COMMAND),
        order_count=np.zeros(1, np.int64),
    )


@compiled
def outbox_bound(state: SentinelState) -> int:
    """No event produces more risk records than this, nor more orders.

    A price can warn each account once and take one step of its liquidation, which says at most
    that the fund paid, what the account has and what is liquidated, and sends two orders; there
    are no more accounts than positions.  Everything else is a handful.
    """
    return RECORDS_PER_ACCOUNT * wide(state.summary[0]["slot_count"]) + RECORDS_PER_EVENT


@compiled
def largest_bound(state: SentinelState) -> int:
    """``outbox_bound`` of as many positions as may be there while the limits stay as they are."""
    summary = state.summary[0]
    allowed = BLOCK_SLOTS * blocks_for(summary["positions_allowed"], summary["symbols_allowed"])
    return RECORDS_PER_ACCOUNT * max(allowed, wide(summary["slot_count"])) + RECORDS_PER_EVENT


@inlined
def has_outbox_room(state: SentinelState, outbox: SentinelOutbox) -> bool:
    """Whether any next event's output fits what is left of the outbox."""
    bound = RECORDS_PER_ACCOUNT * wide(state.summary[0]["slot_count"]) + RECORDS_PER_EVENT
    risks_left = outbox.risks.size - outbox.risk_count[0]
    orders_left = outbox.orders.size - outbox.order_count[0]
    return bool(risks_left >= bound and orders_left >= bound)


@internal
def add_risk(outbox: SentinelOutbox, event: np.void, kind: int, account: int) -> int:
    """Append a risk record of this kind, otherwise zero; returns its index for the fields."""
    index = wide(outbox.risk_count[0])
    outbox.risk_count[0] = index + 1
    record = outbox.risks[index]
    record["seq"] = event["seq"]
    record["ts"] = event["ts"]
    record["account"] = account
    record["price"] = 0
    record["qty"] = 0
    record["bankruptcy_price"] = 0
    record["collateral"] = 0
    record["equity"] = 0
    record["maintenance"] = 0
    record["entry_value"] = 0
    record["amount"] = 0
    record["symbol"] = 0
    record["kind"] = kind
    record["reason"] = 0
    record["side"] = 0
    record["flags"] = 0
    return index


@internal
def add_order(outbox: SentinelOutbox, event: np.void, operation: int, account: int) -> int:
    """Append a command of Sentinel's for this account, otherwise zero; its index, for the rest."""
    index = wide(outbox.order_count[0])
    outbox.order_count[0] = index + 1
    order = outbox.orders[index]
    order["ts"] = event["ts"]
    order["origin_ts"] = 0
    order["account"] = account
    order["order_id"] = 0
    order["price"] = 0
    order["qty"] = 0
    order["stop_price"] = 0
    order["display_qty"] = 0
    order["expires"] = 0
    order["cause"] = event["seq"]
    order["symbol"] = 0
    order["leverage"] = 0
    order["op"] = operation
    order["side"] = 0
    order["order_type"] = 0
    order["tif"] = 0
    order["flags"] = 0
    order["stp"] = 0
    order["source"] = SOURCE_SENTINEL
    order["reserved"] = 0
    return index


@internal
def put_balances(
    state: SentinelState, outbox: SentinelOutbox, index: int, row: int, found: Measure
) -> None:
    """Write the balances of a wallet, which was just measured, into a risk record."""
    record = outbox.risks[index]
    record["collateral"] = state.accounts[row]["collateral"]
    record["equity"] = found.equity
    record["maintenance"] = found.maintenance


@internal
def add_account_risk(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int, amount: int
) -> None:
    """Say that the wallet's collateral changed by ``amount``."""
    add_measured_account_risk(state, event, outbox, row, amount, measure(state, row))


@internal
def add_measured_account_risk(
    state: SentinelState,
    event: np.void,
    outbox: SentinelOutbox,
    row: int,
    amount: int,
    found: Measure,
) -> None:
    """``add_account_risk`` for a wallet that was just measured."""
    index = add_risk(outbox, event, RISK_ACCOUNT, state.accounts[row]["account"])
    outbox.risks[index]["amount"] = amount
    scope = wide(state.accounts[row]["scope"])
    if scope != OWN:
        outbox.risks[index]["symbol"] = scope - 1
        outbox.risks[index]["side"] = MARGIN_ISOLATED
    put_balances(state, outbox, index, row, found)


@internal
def add_fund_risk(
    state: SentinelState,
    event: np.void,
    outbox: SentinelOutbox,
    account: int,
    amount: int,
    bad_debt: int,
) -> None:
    """Say that the fund changed by ``amount`` for ``account``, and what it could not pay."""
    index = add_risk(outbox, event, RISK_INSURANCE_FUND, account)
    outbox.risks[index]["amount"] = amount
    outbox.risks[index]["collateral"] = state.summary[0]["fund"]
    outbox.risks[index]["entry_value"] = bad_debt


@internal
def add_rejection(
    event: np.void, outbox: SentinelOutbox, account: int, reason: int, amount: int
) -> None:
    """Say that an event was refused as a whole and changed nothing."""
    index = add_risk(outbox, event, RISK_REJECTED, account)
    outbox.risks[index]["reason"] = reason
    outbox.risks[index]["amount"] = amount
    outbox.risks[index]["symbol"] = event["symbol"]
