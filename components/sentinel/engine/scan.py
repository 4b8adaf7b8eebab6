"""What a price does: one pass over the symbol's positions, then those it touched, in order.

    value each position at the new mark -> carry the difference into its account's sums
      -> equity < maintenance, or the at-risk state changes?  remember the account
    rank what was remembered -> warn and liquidate in that order

The pass is sequential over 64-byte lines and ends as soon as nothing else is to be done: when
no account is touched, nothing is sorted and nothing is written out.

Sorted triggers can later decide which positions to revalue; they would replace ``_revalue`` and
must find the same candidates.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import REASON_BAD_PRICE, REASON_UNKNOWN_SYMBOL
from components.sentinel.engine.liquidation import judge, leaving_ppm
from components.sentinel.engine.margin import exceeds, maintenance_margin
from components.sentinel.engine.outbox import SentinelOutbox, add_rejection
from components.sentinel.engine.ranking import add_candidate, rank
from components.sentinel.engine.state import BLOCK_SLOTS, NONE, NOTIONAL_MAX, SentinelState, wide
from components.units import PRICE_TICKS_MAX
from disruptor.compiled import inlined, internal


@inlined
def apply_price(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Take a price as the symbol's mark, and act on what follows; O(positions in the symbol).

    A price at which some position's value would pass the limit is refused and reported.
    """
    symbol = wide(event["symbol"])
    price = event["price"]
    if symbol >= state.symbols.size or state.symbols[symbol]["money_unit"] == 0:
        add_rejection(event, outbox, 0, REASON_UNKNOWN_SYMBOL, 0)
        return
    if price < 1 or price > PRICE_TICKS_MAX or not _is_valuable(state, symbol, price):
        add_rejection(event, outbox, 0, REASON_BAD_PRICE, 0)
        return
    state.symbols[symbol]["mark"] = price
    revalue(state, symbol)
    if state.summary[0]["candidate_count"] > 0:
        _act(state, event, outbox)


@inlined
def _is_valuable(state: SentinelState, symbol: int, price: int) -> bool:
    """Whether every position of the symbol stays within NOTIONAL_MAX at ``price``.

    ``qty_high`` only grows while positions come and go; it is measured anew when it is in the way.
    """
    record = state.symbols[symbol]
    lots_max = NOTIONAL_MAX // (price * record["money_unit"])
    if record["qty_high"] <= lots_max:
        return True
    record["qty_high"] = _largest_qty(state, symbol)
    return bool(record["qty_high"] <= lots_max)


@internal
def _largest_qty(state: SentinelState, symbol: int) -> int:
    largest = 0
    block = wide(state.symbols[symbol]["first_block"])
    left = state.symbols[symbol]["slot_count"]
    while block != NONE:
        first = block * BLOCK_SLOTS
        for slot in range(first, first + min(left, BLOCK_SLOTS)):
            largest = max(largest, abs(state.positions[slot]["qty"]))
        left -= BLOCK_SLOTS
        block = wide(state.block_next[block])
    return largest


@inlined
def revalue(state: SentinelState, symbol: int) -> None:
    """Value the symbol's positions at its mark and collect the accounts that this touches.

    The candidates are found, not acted on.  Symbol and mark must be known.
    """
    lot_value = state.symbols[symbol]["mark"] * state.symbols[symbol]["money_unit"]
    tier_count = wide(state.symbols[symbol]["tier_count"])
    entering = wide(state.summary[0]["at_risk_ppm"])
    leaving = leaving_ppm(entering)
    block = wide(state.symbols[symbol]["first_block"])
    left = wide(state.symbols[symbol]["slot_count"])
    while block != NONE:
        first = block * BLOCK_SLOTS
        for slot in range(first, first + min(left, BLOCK_SLOTS)):
            position = state.positions[np.uint64(slot)]
            value = position["qty"] * lot_value
            unrealised = value - position["entry_value"]
            maintenance = maintenance_margin(state.tiers, symbol, tier_count, abs(value))
            account = state.accounts[np.uint64(position["row"])]
            account_unrealised = account["unrealised"] + unrealised - position["unrealised"]
            required = account["maintenance"] + maintenance - position["maintenance"]
            position["unrealised"] = unrealised
            position["maintenance"] = maintenance
            account["unrealised"] = account_unrealised
            account["maintenance"] = required
            equity = account["collateral"] + account_unrealised
            was_at_risk = account["at_risk"] != 0
            is_at_risk = exceeds(required, equity, leaving if was_at_risk else entering)
            # A flat position only waits for its order to end; this price says nothing of the account.
            touched = equity < required or is_at_risk != was_at_risk
            if touched and position["qty"] != 0:
                add_candidate(state, wide(position["row"]))
        left -= BLOCK_SLOTS
        block = wide(state.block_next[block])


@internal
def _act(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Judge the candidates in their rank and forget them."""
    count = state.summary[0]["candidate_count"]
    rank(state.candidates, count)
    for place in range(count):
        judge(state, event, outbox, state.candidates[place]["row"])
    state.summary[0]["candidate_count"] = 0
