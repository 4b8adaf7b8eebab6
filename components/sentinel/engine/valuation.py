"""What a wallet is worth and what it must have, at the marks of this moment; computed, not kept.

    value        signed lots times the mark, or what was paid while there is no mark
    owed         funding since it was last settled, rounded up: against the account
    equity       collateral + sum of (value - entry value - owed)
    maintenance  sum of each position's maintenance margin

At most 64 positions a wallet, mostly one or two, so asking is cheap; and a sum that is not kept
cannot be wrong.
"""

from __future__ import annotations

from typing import NamedTuple

from components.sentinel.engine.margin import (
    exceeds,
    initial_margin,
    leaving_ppm,
    maintenance_margin,
)
from components.sentinel.engine.state import LEVELS, NONE, SentinelState, wide
from components.units import PPM
from disruptor.compiled import entry, inlined, internal


class Measure(NamedTuple):
    """A wallet at one moment, in money."""

    equity: int
    maintenance: int
    notional: int


@inlined
def value_of(state: SentinelState, slot: int) -> int:
    """Signed value at the mark, or at entry before the first price."""
    position = state.positions[slot]
    symbol = state.symbols[wide(position["symbol"])]
    if symbol["mark"] == 0:
        return wide(position["entry_value"])
    return wide(position["qty"] * (symbol["mark"] * symbol["money_unit"]))


@inlined
def owed_funding(state: SentinelState, slot: int) -> int:
    """What the position has to pay for funding since it was settled; negative: it receives.

    The product may need more than 64 bits; its whole money and its millionths do not.
    """
    position = state.positions[slot]
    change = wide(state.symbols[wide(position["symbol"])]["funding"] - position["funding"])
    if change == 0:
        return 0
    whole = change // PPM
    rest = change - whole * PPM
    return wide(position["qty"] * whole - (-(position["qty"] * rest)) // PPM)


@inlined
def unrealised_of(state: SentinelState, slot: int) -> int:
    """Profit at the mark, funding owed taken off."""
    return (
        value_of(state, slot)
        - wide(state.positions[slot]["entry_value"])
        - owed_funding(state, slot)
    )


@inlined
def maintenance_of(state: SentinelState, slot: int) -> int:
    """Maintenance margin of the position; 0 when it is flat."""
    if state.positions[slot]["qty"] == 0:
        return 0
    symbol = wide(state.positions[slot]["symbol"])
    tier_count = wide(state.symbols[symbol]["tier_count"])
    return maintenance_margin(state.tiers, symbol, tier_count, abs(value_of(state, slot)))


@entry
def measure(state: SentinelState, row: int) -> Measure:
    """The wallet's equity, maintenance margin and notional."""
    equity = wide(state.accounts[row]["collateral"])
    maintenance = 0
    notional = 0
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        equity += unrealised_of(state, slot)
        maintenance += maintenance_of(state, slot)
        notional += abs(value_of(state, slot))
        slot = wide(state.positions[slot]["next_position"])
    return Measure(equity, maintenance, notional)


@internal
def equity_of(state: SentinelState, row: int) -> int:
    """Collateral plus unrealised profit at the marks, funding owed taken off."""
    return measure(state, row).equity


@inlined
def tier_at(state: SentinelState, symbol: int, notional: int) -> int:
    """The margin tier of a position of this size."""
    tier = wide(state.symbols[symbol]["tier_count"]) - 1
    while tier > 0 and notional <= state.tiers[symbol, tier]["floor"]:
        tier -= 1
    return tier


@inlined
def tier_of(state: SentinelState, slot: int) -> int:
    """The margin tier that the position is in."""
    return tier_at(state, wide(state.positions[slot]["symbol"]), abs(value_of(state, slot)))


@internal
def leverage_cap(state: SentinelState, symbol: int, notional: int) -> int:
    """The most leverage that a position of this size may have: its bracket's, or the symbol's."""
    cap = wide(state.tiers[symbol, tier_at(state, symbol, notional)]["leverage"])
    most = wide(state.symbols[symbol]["max_leverage"])
    return min(cap, most) if cap > 0 else most


@internal
def initial_margin_of_position(state: SentinelState, slot: int, leverage: int) -> int:
    """What the position needs to be opened at its mark with ``leverage``; 0: as much as it may."""
    position = state.positions[slot]
    notional = abs(value_of(state, slot))
    most = leverage_cap(state, wide(position["symbol"]), notional)
    chosen = min(leverage, most) if leverage > 0 else most
    return initial_margin(notional, chosen, maintenance_of(state, slot))


@internal
def initial_margin_of(state: SentinelState, row: int) -> int:
    """What all the wallet's positions need to be opened, at their marks and leverages."""
    total = 0
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        total += initial_margin_of_position(state, slot, wide(state.positions[slot]["leverage"]))
        slot = wide(state.positions[slot]["next_position"])
    return total


@inlined
def level_at(state: SentinelState, level: int, equity: int, maintenance: int) -> int:
    """The level of warning that follows ``level`` at these balances.

    A level is entered above its threshold and left at nineteen twentieths of it.
    """
    thresholds = state.summary[0]["at_risk_ppm"]
    found = 0
    for each in range(1, LEVELS + 1):
        threshold = wide(thresholds[each - 1])
        if threshold > 0:
            if each <= level:
                threshold = leaving_ppm(threshold)
            if exceeds(maintenance, equity, threshold):
                found = each
    return found
