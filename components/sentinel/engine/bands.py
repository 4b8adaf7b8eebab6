"""How far the marks may move before a wallet must be looked at: conservative, never late.

Let B be the money by which a wallet is away from the next thing that could happen to it:

    healthy or warned      equity - maintenance, and the way to the next level up and down
    falling, order sent    maintenance - equity: it may become safe
    falling, none sent     nothing: every price is looked at

When the marks move by dp, that distance changes by at most sum |lots| * unit * (1 + m) * |dp|,
because equity moves by lots * unit * dp, maintenance by at most m of it, and thresholds are at
most one.  So while each mark stays within p * B / sum(notional * (1 + m)) of where it was, nothing
can have happened.  m is the symbol's highest rate.  Rounding is worth two units of money a position.

Each position keeps the ends of its band as keys of two heaps.  Funding moves equity as a mark that
goes ``rate`` of its way would; a symbol's ``drift`` counts those ways, and as keys are relative to
it, funding costs no more than a price:

    FALLING   key = drift_then - low     reached when key <= drift - mark
    RISING    key = drift_then + high    reached when key <= drift + mark

A band that is reached is not an event: the wallet is measured exactly, and armed anew if nothing
happened.  A price that goes straight for a threshold finds a wallet a handful of times on its way.
"""

from __future__ import annotations

from typing import Final

from components.sentinel.engine.margin import leaving_ppm, of_ppm, proportion
from components.sentinel.engine.state import (
    FALLING,
    LEVELS,
    NONE,
    RISING,
    SentinelState,
    wide,
)
from components.sentinel.engine.trigger_heap import arm, disarm
from components.sentinel.engine.valuation import Measure, measure, value_of
from disruptor.compiled import internal

AT_ONCE: Final = -(2**62)
"""A key that any price reaches."""

POSITION_SLACK: Final = 64
"""Sums of up to 64 weights of 2**57 would pass 63 bits: they are added in units of 64, each rounded
down, which this makes up for."""


@internal
def distance(state: SentinelState, row: int, found: Measure) -> int:
    """B of the module's docstring; negative when every price must be looked at."""
    account = state.accounts[row]
    equity, maintenance = found.equity, found.maintenance
    if equity < maintenance:
        if account["orders_in_flight"] == 0:
            return -1
        return maintenance - equity - 1
    away = equity - maintenance
    level = wide(account["at_risk"])
    thresholds = state.summary[0]["at_risk_ppm"]
    for each in range(1, LEVELS + 1):
        threshold = wide(thresholds[each - 1])
        if threshold > 0 and each > level:
            away = min(away, of_ppm(equity, threshold) - maintenance)
        elif threshold > 0:
            away = min(away, maintenance - of_ppm(equity, leaving_ppm(threshold)) - 1)
    return away


@internal
def _weight(state: SentinelState, slot: int) -> int:
    """notional * (1 + m), rounded up; at most 2**57."""
    symbol = wide(state.positions[slot]["symbol"])
    notional = abs(value_of(state, slot))
    rate = wide(state.tiers[symbol, wide(state.symbols[symbol]["tier_count"]) - 1]["ppm"])
    return notional - of_ppm(-notional, rate)


@internal
def disarm_wallet(state: SentinelState, row: int) -> None:
    """Take all the wallet's positions out of the heaps."""
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        disarm(state, slot, FALLING)
        disarm(state, slot, RISING)
        slot = wide(state.positions[slot]["next_position"])


@internal
def arm_wallet(state: SentinelState, row: int) -> None:
    """Set the bands of all the wallet's positions from what it is worth now."""
    arm_measured(state, row, measure(state, row))


@internal
def arm_measured(state: SentinelState, row: int, found: Measure) -> None:
    """``arm_wallet`` for one that was just measured.

    A band that is narrower than need be stays as it is: to be looked at early costs a measurement,
    and then it is armed anew.
    """
    account = state.accounts[row]
    if account["position_count"] == 0:
        disarm_wallet(state, row)
        return
    away = distance(state, row, found) - 2 * account["slot_count"] - LEVELS
    total = 0
    slot = wide(account["first_position"])
    while slot != NONE:
        total += _weight(state, slot) >> 6
        slot = wide(state.positions[slot]["next_position"])
    slot = wide(account["first_position"])
    while slot != NONE:
        if state.positions[slot]["qty"] != 0:
            _arm_position(state, slot, away >> 6, total + POSITION_SLACK)
        else:
            disarm(state, slot, FALLING)
            disarm(state, slot, RISING)
        slot = wide(state.positions[slot]["next_position"])


@internal
def arm_at_once(state: SentinelState, row: int) -> None:
    """Let the next price of any of the wallet's symbols look at it."""
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        if state.positions[slot]["qty"] != 0:
            arm(state, slot, FALLING, AT_ONCE)
            arm(state, slot, RISING, AT_ONCE)
        slot = wide(state.positions[slot]["next_position"])


@internal
def _arm_position(state: SentinelState, slot: int, away: int, total: int) -> None:
    symbol = state.symbols[wide(state.positions[slot]["symbol"])]
    mark = symbol["mark"]
    if away < 0 or mark == 0:
        arm(state, slot, FALLING, AT_ONCE)
        arm(state, slot, RISING, AT_ONCE)
        return
    reach = mark
    if away < total:
        reach, _ = proportion(mark, away, total)
    arm(state, slot, FALLING, symbol["drift"] - (mark - reach - 1))
    arm(state, slot, RISING, symbol["drift"] + (mark + reach + 1))


@internal
def drift_of(mark: int, rate_ppm: int) -> int:
    """The way of the mark that is worth funding at this rate, in ticks, rounded up and one more;
    |rate_ppm| <= 10**6."""
    return 1 - of_ppm(-mark, abs(rate_ppm))
