"""Where an account would fall if one symbol's price moved alone: for people, never to decide.

Equity minus maintenance is monotone in one price as long as rates stay below 1: rising for a
long, falling for a short.  The price is therefore found by bisection with the decision's own
arithmetic, so that it agrees with the engine in every tier and to the tick, where a closed
formula has to guess the tier and round.
"""

from __future__ import annotations

from components.sentinel.engine.margin import maintenance_margin
from components.sentinel.engine.state import NOTIONAL_MAX, SentinelState, wide
from components.sentinel.engine.valuation import maintenance_of, measure, value_of
from components.units import PRICE_TICKS_MAX
from disruptor.compiled import compiled, internal


@internal
def falls_at(state: SentinelState, slot: int, price: int) -> bool:
    """Whether the position's account would be liquidated with its symbol at ``price`` ticks;
    |qty| * price must be within NOTIONAL_MAX."""
    position = state.positions[slot]
    row = wide(position["row"])
    symbol = wide(position["symbol"])
    tier_count = wide(state.symbols[symbol]["tier_count"])
    value = position["qty"] * (price * state.symbols[symbol]["money_unit"])
    maintenance = maintenance_margin(state.tiers, symbol, tier_count, abs(value))
    found = measure(state, row)
    equity = found.equity - value_of(state, slot) + value
    others = found.maintenance - maintenance_of(state, slot)
    return bool(equity < others + maintenance)


@compiled
def liquidation_price(state: SentinelState, slot: int) -> int:
    """The tick nearest to safety at which the account falls, other symbols unmoved; 0: nowhere.

    For a long the highest such price, for a short the lowest; 41 steps at most.
    """
    position = state.positions[slot]
    qty = wide(position["qty"])
    if qty == 0:
        return 0
    unit = wide(state.symbols[wide(position["symbol"])]["money_unit"])
    low = 1
    high = min(PRICE_TICKS_MAX, NOTIONAL_MAX // (abs(qty) * unit))
    if not falls_at(state, slot, low if qty > 0 else high):
        return 0
    while low < high:
        if qty > 0:
            middle = (low + high + 1) // 2
            if falls_at(state, slot, middle):
                low = middle
            else:
                high = middle - 1
        else:
            middle = (low + high) // 2
            if falls_at(state, slot, middle):
                high = middle
            else:
                low = middle + 1
    return low
