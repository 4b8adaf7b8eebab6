"""What a price does: a look at two heaps, then at the wallets whose bands it reaches, in order.

    take the mark -> while a heap's first key is reached: take the wallet out, measure it exactly
    rank these candidates -> warn, calm or liquidate them in that order -> arm them anew

When no band is reached nothing else is done, however many positions there are.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import REASON_BAD_PRICE, REASON_UNKNOWN_SYMBOL
from components.sentinel.engine.bands import arm_measured, disarm_wallet
from components.sentinel.engine.liquidation import judge
from components.sentinel.engine.margin import of_ppm
from components.sentinel.engine.outbox import SentinelOutbox, add_rejection
from components.sentinel.engine.positions import largest_qty
from components.sentinel.engine.ranking import add_candidate, rank
from components.sentinel.engine.state import (
    FALLING,
    NONE,
    NOTIONAL_MAX,
    RISING,
    SentinelState,
    wide,
)
from components.sentinel.engine.trigger_heap import root_of
from components.sentinel.engine.valuation import Measure
from components.units import PRICE_TICKS_MAX
from disruptor.compiled import inlined, internal


@inlined
def apply_price(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Take a price as the symbol's mark, and act on what follows; O(bands reached).

    A price at which some position's value would pass the limit is refused and reported.  One that
    its source flags, or that jumps too far, is suspect: it warns, but liquidates nobody.
    """
    symbol = wide(event["symbol"])
    price = event["price"]
    if symbol >= state.symbols.size or state.symbols[symbol]["money_unit"] == 0:
        add_rejection(event, outbox, 0, REASON_UNKNOWN_SYMBOL, 0)
        return
    if price < 1 or price > PRICE_TICKS_MAX or not _is_valuable(state, symbol, price):
        add_rejection(event, outbox, 0, REASON_BAD_PRICE, 0)
        return
    record = state.symbols[symbol]
    is_suspect = event["flags"] != 0 or _jumps(state, record["mark"], price)
    record["is_suspect"] = 1 if is_suspect else 0
    record["mark"] = price
    act_on_mark(state, event, outbox, symbol)


@inlined
def _jumps(state: SentinelState, mark: int, price: int) -> bool:
    """Whether the price is further from the mark before it than the rule lets it be."""
    jump_ppm = wide(state.summary[0]["jump_ppm"])
    return bool(jump_ppm > 0 and mark > 0 and abs(price - mark) > of_ppm(mark, jump_ppm))


@inlined
def act_on_mark(state: SentinelState, event: np.void, outbox: SentinelOutbox, symbol: int) -> None:
    """Look at the wallets whose bands the symbol's mark or drift has reached."""
    record = state.symbols[symbol]
    falling = record["drift"] - record["mark"]
    rising = record["drift"] + record["mark"]
    if is_reached(state, symbol, FALLING, falling) or is_reached(state, symbol, RISING, rising):
        _collect(state, symbol, FALLING, falling)
        _collect(state, symbol, RISING, rising)
        _act(state, event, outbox)


@inlined
def is_reached(state: SentinelState, symbol: int, heap: int, level: int) -> bool:
    """Whether the heap's first key is at or below ``level``."""
    root = root_of(state, symbol, heap)
    return bool(root != NONE and state.triggers[heap, root]["key"] <= level)


@internal
def _collect(state: SentinelState, symbol: int, heap: int, level: int) -> None:
    """Make candidates of the wallets at the front of this heap; they are in no heap afterwards."""
    while is_reached(state, symbol, heap, level):
        row = wide(state.positions[root_of(state, symbol, heap)]["row"])
        disarm_wallet(state, row)
        add_candidate(state, row)


@internal
def _act(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Judge the candidates in their rank, arm and forget them."""
    count = state.summary[0]["candidate_count"]
    rank(state.candidates, count)
    for place in range(count):
        candidate = state.candidates[place]
        row = candidate["row"]
        state.accounts[row]["is_candidate"] = 0
        found = Measure(candidate["equity"], candidate["maintenance"], candidate["notional"])
        arm_measured(state, row, judge(state, event, outbox, row, found))
    state.summary[0]["candidate_count"] = 0


@inlined
def _is_valuable(state: SentinelState, symbol: int, price: int) -> bool:
    """Whether every position of the symbol stays within NOTIONAL_MAX at ``price``.

    ``qty_high`` only grows while positions come and go; it is measured anew when it is in the way.
    """
    record = state.symbols[symbol]
    lots_max = NOTIONAL_MAX // (price * record["money_unit"])
    if record["qty_high"] <= lots_max:
        return True
    record["qty_high"] = largest_qty(state, symbol)
    return bool(record["qty_high"] <= lots_max)
