"""Who takes a bankrupt position over when the insurance fund cannot: ranked deleveraging.

Positions of the other side are ranked as BitMEX ranks them: by profit over entry value times
effective leverage, notional over the account's equity; for a loss, divided by the leverage.

    1. the higher score first, in millionths, rounded down
    2. then the larger notional
    3. then the smaller account id

The takeover is a command like any other: it goes into the commands ring, is journaled, passes
Titan, which moves the two positions that it knows, and comes back as an event that closes both
sides at the bankruptcy price.  One counterparty at a time: its event brings the next decision.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import BUY, FLAG_LIQUIDATION, OP_DELEVERAGE, SELL
from components.sentinel.engine.margin import proportion
from components.sentinel.engine.outbox import SentinelOutbox, add_order
from components.sentinel.engine.state import BLOCK_SLOTS, NONE, SentinelState, wide
from components.sentinel.engine.valuation import equity_of, unrealised_of, value_of
from components.units import PPM
from disruptor.compiled import compiled, internal

RATIO_MAX: Final = 10**9
"""What a ratio in millionths saturates at: a thousand times."""


@compiled
def ratio_ppm(part: int, whole: int) -> int:
    """part / whole in millionths, rounded down; part >= 0, whole >= 1; at most RATIO_MAX."""
    times = part // whole
    if times >= RATIO_MAX // PPM:
        return RATIO_MAX
    rest, _ = proportion(PPM, part - times * whole, whole)
    return times * PPM + rest


@internal
def score_of(state: SentinelState, slot: int) -> int:
    """How early this position is deleveraged: the higher, the earlier; below 0 for losses."""
    position = state.positions[slot]
    unrealised = unrealised_of(state, slot)
    notional = abs(value_of(state, slot))
    equity = max(equity_of(state, wide(position["row"])), 1)
    leverage = max(ratio_ppm(notional, equity), 1)
    share = ratio_ppm(abs(unrealised), max(abs(position["entry_value"]), 1))
    if unrealised >= 0:
        return share * leverage // PPM
    return -(share * PPM // leverage) - 1


@internal
def _comes_first(state: SentinelState, slot: int, other: int) -> bool:
    one, two = score_of(state, slot), score_of(state, other)
    if one != two:
        return one > two
    notional, rival = abs(value_of(state, slot)), abs(value_of(state, other))
    if notional != rival:
        return bool(notional > rival)
    first = state.accounts[wide(state.positions[slot]["row"])]
    second = state.accounts[wide(state.positions[other]["row"])]
    return bool(first["account"] < second["account"])


@internal
def find_counterparty(state: SentinelState, slot: int) -> int:
    """The slot of the position on the other side that is ranked first, or NONE; one pass over
    the symbol's positions."""
    symbol = wide(state.positions[slot]["symbol"])
    is_long = state.positions[slot]["qty"] > 0
    found = NONE
    block = wide(state.symbols[symbol]["first_block"])
    left = wide(state.symbols[symbol]["slot_count"])
    while block != NONE:
        first = block * BLOCK_SLOTS
        for other in range(first, first + min(left, BLOCK_SLOTS)):
            qty = state.positions[other]["qty"]
            is_opposite = qty != 0 and (qty > 0) != is_long
            if is_opposite and (found == NONE or _comes_first(state, other, found)):
                found = other
        left -= BLOCK_SLOTS
        block = wide(state.block_next[block])
    return found


@internal
def send_deleverage(
    state: SentinelState,
    event: np.void,
    outbox: SentinelOutbox,
    slot: int,
    counterparty: int,
    lots: int,
    price: int,
) -> None:
    """Append the command that closes ``lots`` of both positions against each other."""
    position = state.positions[slot]
    account = state.accounts[wide(position["row"])]["account"]
    taken_by = state.positions[counterparty]
    order = outbox.orders[add_order(outbox, event, OP_DELEVERAGE, account)]
    order["order_id"] = state.summary[0]["next_order_id"]
    order["price"] = price
    order["qty"] = lots
    order["display_qty"] = state.accounts[wide(taken_by["row"])]["account"]
    order["symbol"] = position["symbol"]
    order["side"] = SELL if position["qty"] > 0 else BUY
    order["flags"] = FLAG_LIQUIDATION
    state.summary[0]["next_order_id"] += 1
