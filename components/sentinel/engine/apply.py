"""Sentinel as one function: an event in, risk records and orders out, nothing else touched.

``apply`` is a pure function of the state and the event: no clock, no randomness, no I/O, so the
live process, a replay, the tests and the offline tool all get the same answer.

    price                     price.py    trade, deleverage    fills.py
    cancelled, rejected       the end of a liquidation order, liquidation.py
    account, deposit, withdraw, position  cash.py
    funding                   funding.py  leverage, margin     isolated.py
    instrument, margin_tier, risk_rule, resume                 rules.py
    risk_capacity             capacity.py
    all else                  nothing
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    EVENT_ACCOUNT,
    EVENT_CANCELLED,
    EVENT_DELEVERAGE,
    EVENT_DEPOSIT,
    EVENT_FUNDING,
    EVENT_INSTRUMENT,
    EVENT_LEVERAGE,
    EVENT_MARGIN,
    EVENT_MARGIN_TIER,
    EVENT_POSITION,
    EVENT_PRICE,
    EVENT_REJECTED,
    EVENT_RESUME,
    EVENT_RISK_CAPACITY,
    EVENT_RISK_RULE,
    EVENT_TRADE,
    EVENT_WITHDRAW,
)
from components.sentinel.engine.accounts import find_account, wallet_for
from components.sentinel.engine.bands import arm_wallet
from components.sentinel.engine.capacity import apply_capacity
from components.sentinel.engine.cash import (
    apply_account,
    apply_deposit,
    apply_position,
    apply_withdraw,
)
from components.sentinel.engine.fills import apply_deleverage, apply_trade
from components.sentinel.engine.funding import apply_funding
from components.sentinel.engine.isolated import apply_leverage, apply_margin
from components.sentinel.engine.liquidation import end_order, find_order
from components.sentinel.engine.outbox import SentinelOutbox, has_outbox_room
from components.sentinel.engine.price import apply_price
from components.sentinel.engine.rules import (
    apply_instrument,
    apply_margin_tier,
    apply_resume,
    apply_risk_rule,
)
from components.sentinel.engine.state import FIRST_ORDER_ID, NONE, SentinelState, wide
from disruptor.compiled import compiled, internal


@compiled
def apply(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Apply one event; appends to ``outbox``, whose room must be at least ``outbox_bound``.

    IndexError, with nothing changed, if it is not: the caller's mistake.
    """
    if not has_outbox_room(state, outbox):
        raise IndexError("the outbox has less room than outbox_bound")
    dispatch(state, event, outbox)


@compiled
def apply_batch(
    state: SentinelState, events: NDArray[np.void], first: int, outbox: SentinelOutbox
) -> int:
    """Apply ``events[first:]`` while the outbox has room; returns how far it came.

    When that is not the end, the caller takes what the outbox holds, makes it at least
    ``outbox_bound`` large, and calls again from there.
    """
    for place in range(first, events.size):
        if not has_outbox_room(state, outbox):
            return place
        dispatch(state, events[place], outbox)
    return events.size


@internal
def dispatch(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """``apply`` for kernels, which see to the outbox's room."""
    kind = event["kind"]
    if kind == EVENT_PRICE:
        apply_price(state, event, outbox)
    elif kind == EVENT_TRADE:
        apply_trade(state, event, outbox)
    elif kind in (EVENT_CANCELLED, EVENT_REJECTED):
        _end_order(state, event)
    elif kind == EVENT_DEPOSIT:
        apply_deposit(state, event, outbox)
    elif kind == EVENT_WITHDRAW:
        apply_withdraw(state, event, outbox)
    elif kind == EVENT_ACCOUNT:
        apply_account(state, event, outbox)
    elif kind == EVENT_POSITION:
        apply_position(state, event, outbox)
    elif kind == EVENT_INSTRUMENT:
        apply_instrument(state, event, outbox)
    elif kind == EVENT_MARGIN_TIER:
        apply_margin_tier(state, event, outbox)
    elif kind == EVENT_RISK_RULE:
        apply_risk_rule(state, event, outbox)
    elif kind == EVENT_DELEVERAGE:
        apply_deleverage(state, event, outbox)
    elif kind == EVENT_FUNDING:
        apply_funding(state, event, outbox)
    elif kind == EVENT_LEVERAGE:
        apply_leverage(state, event, outbox)
    elif kind == EVENT_MARGIN:
        apply_margin(state, event, outbox)
    elif kind == EVENT_RESUME:
        apply_resume(state)
    elif kind == EVENT_RISK_CAPACITY:
        apply_capacity(state, event, outbox)


@internal
def _end_order(state: SentinelState, event: np.void) -> None:
    """A liquidation order was cancelled or rejected: what is left waits for the next price."""
    if event["order_id"] < FIRST_ORDER_ID:
        return
    own = find_account(state, event["account"])
    if own == NONE:
        return
    row = wallet_for(state, own, wide(event["symbol"]))
    slot = find_order(state, row, event["order_id"])
    if slot != NONE:
        end_order(state, slot)
        arm_wallet(state, row)
