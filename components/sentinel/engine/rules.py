"""Instruments, their margin tiers, and the risk rule: set-up that travels as events.

The risk rule names the version of the rules by which it is to be applied, so that a journal is
replayed by its own: 1 and 2 differ in what set-up sends, 3 says with each liquidation by which tier
and version it was decided.

A symbol starts with one tier of half a per cent, so that no position is ever without maintenance
margin; tier 0 replaces it, and each further tier must rise in floor and not fall in rate.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import REASON_BAD_AMOUNT, REASON_BAD_INSTRUMENT
from components.sentinel.engine.bands import arm_at_once
from components.sentinel.engine.ledger import SEEDED, add_flow
from components.sentinel.engine.outbox import SentinelOutbox, add_fund_risk, add_rejection
from components.sentinel.engine.state import (
    BLOCK_SLOTS,
    DEFAULT_MAINTENANCE_PPM,
    NONE,
    TIERS_MAX,
    SentinelState,
    wide,
)
from components.units import MONEY_MAX, MONEY_UNIT_MAX, PPM
from disruptor.compiled import internal

RULE_VERSION: Final = 3
"""The newest rules, which a new journal begins with."""

LEVERAGE_MAX: Final = 1_000_000


@internal
def apply_instrument(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Define a symbol, or its leverage and tiers anew; its grid is fixed while it is held."""
    symbol = wide(event["symbol"])
    money_unit = event["maker_account"]
    leverage = wide(event["leverage"])
    is_valid = symbol < state.symbols.size and 1 <= money_unit <= MONEY_UNIT_MAX
    is_known = is_valid and state.symbols[symbol]["money_unit"] > 0
    is_valid = is_valid and (is_known or symbol < state.summary[0]["symbols_allowed"])
    if is_valid and state.symbols[symbol]["slot_count"] > 0:
        is_valid = money_unit == state.symbols[symbol]["money_unit"]
    if not is_valid or leverage < 1 or leverage > LEVERAGE_MAX:
        add_rejection(event, outbox, 0, REASON_BAD_INSTRUMENT, 0)
        return
    record = state.symbols[symbol]
    if record["money_unit"] != money_unit:
        record["mark"] = 0
        record["qty_high"] = 0
    record["money_unit"] = money_unit
    record["max_leverage"] = leverage
    _set_tier(state, symbol, 0, 0, DEFAULT_MAINTENANCE_PPM)
    _look_anew(state, symbol)


@internal
def apply_margin_tier(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Set tier ``order_id`` of the symbol and drop those above it."""
    symbol = wide(event["symbol"])
    tier = event["order_id"]
    is_valid = symbol < state.symbols.size and 0 <= tier < TIERS_MAX
    is_valid = is_valid and tier <= state.symbols[symbol]["tier_count"]
    is_valid = is_valid and 0 <= event["price"] <= MONEY_MAX and 0 <= event["qty"] <= PPM
    if is_valid and tier == 0:
        is_valid = state.symbols[symbol]["money_unit"] > 0 and event["price"] == 0
    elif is_valid:
        below = state.tiers[symbol, tier - 1]
        is_valid = event["price"] > below["floor"] and event["qty"] >= below["ppm"]
    if not is_valid:
        add_rejection(event, outbox, 0, REASON_BAD_INSTRUMENT, 0)
        return
    _set_tier(state, symbol, tier, event["price"], event["qty"])
    state.tiers[symbol, tier]["leverage"] = wide(event["leverage"])
    _look_anew(state, symbol)


@internal
def _set_tier(state: SentinelState, symbol: int, tier: int, floor: int, ppm: int) -> None:
    """Write a valid tier with its deduction, which makes margin continuous at its floor."""
    record = state.tiers[symbol, tier]
    record["floor"] = floor
    record["ppm"] = ppm
    record["deduction"] = 0
    record["deduction_ppm"] = 0
    record["leverage"] = 0
    if tier > 0:
        below = state.tiers[symbol, tier - 1]
        step = ppm - below["ppm"]
        whole = floor // PPM
        millionths = (floor - whole * PPM) * step + below["deduction_ppm"]
        record["deduction"] = below["deduction"] + whole * step + millionths // PPM
        record["deduction_ppm"] = millionths % PPM
    state.symbols[symbol]["tier_count"] = tier + 1


@internal
def _look_anew(state: SentinelState, symbol: int) -> None:
    """Tiers changed: what follows from it is decided at the next price."""
    block = wide(state.symbols[symbol]["first_block"])
    left = state.symbols[symbol]["slot_count"]
    while block != NONE:
        first = block * BLOCK_SLOTS
        for slot in range(first, first + min(left, BLOCK_SLOTS)):
            arm_at_once(state, wide(state.positions[slot]["row"]))
        left -= BLOCK_SLOTS
        block = wide(state.block_next[block])


@internal
def apply_resume(state: SentinelState) -> None:
    """The platform was started again: no mark may liquidate anybody before it is fresh."""
    state.symbols["is_suspect"][:] = 1


@internal
def apply_risk_rule(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Take the fee, the levels of warning, the jump that makes a price suspect, and, with the
    first rule, the fund's starting money.

    The levels rise; a level is at most 10**6 ppm, where liquidation begins; 0: no such level.
    """
    fee_ppm = event["price"]
    first, second, third = event["qty"], event["taker_fee"], event["maker_fee"]
    jump_ppm = event["maker_order_id"]
    seed = event["maker_account"]
    is_valid = 0 <= fee_ppm <= PPM and 0 <= seed <= MONEY_MAX and 0 <= jump_ppm <= PPM
    is_valid = is_valid and 0 < first <= PPM and (second == 0 or first < second <= PPM)
    is_valid = is_valid and (third == 0 or max(first, second) < third <= PPM)
    if not is_valid:
        add_rejection(event, outbox, 0, REASON_BAD_AMOUNT, seed)
        return
    summary = state.summary[0]
    summary["rule_version"] = event["order_id"]
    summary["liquidation_fee_ppm"] = fee_ppm
    summary["at_risk_ppm"][0] = first
    summary["at_risk_ppm"][1] = second
    summary["at_risk_ppm"][2] = third
    summary["jump_ppm"] = jump_ppm
    for row in range(summary["account_count"]):
        arm_at_once(state, row)
    if summary["fund_seeded"] == 0:
        summary["fund_seeded"] = 1
        summary["fund"] += seed
        add_flow(state.ledger, SEEDED, seed)
        if seed > 0:
            add_fund_risk(state, event, outbox, 0, seed, 0)
