"""Random order flow, compiled: when an order comes, and what it is.

What it is, zero intelligence (after Smith, Farmer, Gillemot and Krishnamurthy): with λ limit orders
and μ takers a second in all, and δ the rate at which each order that lives is cancelled,

    a limit order   with probability λ / (λ + μ + δ·n)   any side, any distance within the band
    a taker         with probability μ / (λ + μ + δ·n)
    a cancel        with probability δ·n / (…)           any of the n orders that live

so n is Poisson with mean λ/δ, and each order lives for an exponential time of mean 1/δ.

When it comes: Poisson, after an exponential time of mean 1 / (λ + μ + δ·n).  Or Hawkes, with the
intensity  ρ + Σ α·exp(-β·(now - t))  over all orders at t before now, drawn exactly (after Dassios
and Zhao): the next order is the earlier of one by the base rate ρ and one by the excitement, which
may never come.  α/β, the branching ratio, is how many others each order causes.

Of an order's two random words the first decides what it is, the second the rest:

    bits  0-15  which symbol     bit 32      side          bits 41-56  quantity
    bits 16-31  distance         bits 33-40  account       bits 57-62  kind of a take
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.feed.flow_orders import FlowRules, FlowState, Int64Array, lots_for, take, write
from components.feed.portable_math import exp_of_negative, log_of_fraction
from components.messages.code import BUY, OP_CANCEL, OP_PLACE, TIF_GTC, TYPE_LIMIT
from components.messages.command import Commands
from components.units import PPM, PRICE_TICKS_MAX
from disruptor.compiled import compiled

Float64Array = NDArray[np.float64]

NEXT_NS: Final = 0  # when the next order comes, since the start
INTENSITY: Final = 1  # Hawkes: just after the last order, orders per ns
_UNIT: Final = 1.0 / 2.0**53


class RandomState(NamedTuple):
    """What a random flow knows beside what all flows know; room for C orders that live."""

    clock: Float64Array  # (2,) NEXT_NS, INTENSITY
    live: Int64Array  # (1,) n
    live_symbol: Int64Array  # (C,) of each order that lives
    live_account: Int64Array  # (C,) its place in ``accounts``
    live_id: Int64Array  # (C,)


class RandomRules(NamedTuple):
    """Rates are per ns; ``base`` 0 means a Poisson flow."""

    limit_rate: float
    taker_rate: float
    cancel_rate: float  # of each order that lives
    base: float  # ρ
    jump: float  # α
    decay: float  # β
    band_ppm: int


@compiled
def _wait_ns(state: RandomState, rules: RandomRules, first: float, second: float) -> float:
    """From one order to the next, of two exponential numbers of mean 1; moves the intensity on."""
    if rules.base == 0.0:
        alive = rules.limit_rate + rules.taker_rate + rules.cancel_rate * state.live[0]
        return first / alive
    intensity = state.clock[INTENSITY]
    wait = first / rules.base
    excited = intensity - rules.base
    left = 1.0 - second * rules.decay / excited if excited > 0.0 else 0.0
    if left > 0.0:
        wait = min(wait, -log_of_fraction(left) / rules.decay)
    excited *= exp_of_negative(-rules.decay * wait)
    state.clock[INTENSITY] = rules.base + excited + rules.jump
    return wait


@compiled
def _place(
    flow: FlowState,
    state: RandomState,
    rules: FlowRules,
    band_ppm: int,
    word: int,
    symbol: int,
    command: np.void,
) -> bool:
    """A limit order on either side, anywhere in the band behind the touch."""
    live = state.live[0]
    if live == state.live_id.shape[0]:
        return False
    side = (word >> 32) & 1
    middle = (flow.bid[symbol] + flow.ask[symbol]) >> 1
    distance = (max(middle * band_ppm // PPM, 1) * ((word >> 16) & 0xFFFF)) >> 16
    price = flow.bid[symbol] - distance if side == BUY else flow.ask[symbol] + distance
    if price < 1 or price > PRICE_TICKS_MAX:
        return False
    maker = ((word >> 33) & 0xFF) % rules.maker_count
    order_id = flow.next_id[maker]
    flow.next_id[maker] = order_id + 1
    write(command, OP_PLACE, symbol, flow.accounts[maker], order_id, side)
    lots = lots_for(rules.maker_notional, price, flow.money_unit[symbol])
    command["order_type"] = TYPE_LIMIT
    command["tif"] = TIF_GTC
    command["price"] = price
    command["qty"] = 1 + (((lots - 1) * ((word >> 41) & 0xFFFF)) >> 16)
    state.live_symbol[live] = symbol
    state.live_account[live] = maker
    state.live_id[live] = order_id
    state.live[0] = live + 1
    return True


@compiled
def _cancel(flow: FlowState, state: RandomState, chosen: int, command: np.void) -> None:
    """The order at ``chosen`` lives no more; the last one takes its place."""
    account = flow.accounts[state.live_account[chosen]]
    write(command, OP_CANCEL, state.live_symbol[chosen], account, state.live_id[chosen], 0)
    last = state.live[0] - 1
    state.live_symbol[chosen] = state.live_symbol[last]
    state.live_account[chosen] = state.live_account[last]
    state.live_id[chosen] = state.live_id[last]
    state.live[0] = last


@compiled
def _order(
    flow: FlowState,
    state: RandomState,
    flow_rules: FlowRules,
    rules: RandomRules,
    what: float,
    word: int,
    command: np.void,
) -> bool:
    """One order, ``what`` uniform in 0…1 deciding what it is; False if none could be sent."""
    live = state.live[0]
    total = rules.limit_rate + rules.taker_rate + rules.cancel_rate * live
    at = what * total - rules.limit_rate - rules.taker_rate
    if at >= 0.0 and live > 0:
        _cancel(flow, state, min(int(at / rules.cancel_rate), live - 1), command)
        return True
    symbol = flow.symbols[(word & 0xFFFF) % flow.symbols.shape[0]]
    if flow.bid[symbol] == 0:
        return False
    if at >= -rules.taker_rate:
        return take(flow, flow_rules, word, symbol, command)
    return _place(flow, state, flow_rules, rules.band_ppm, word, symbol, command)


@compiled
def begin(state: RandomState, rules: RandomRules, first: float, second: float) -> None:
    """Draw the time of the first order; a Hawkes flow starts at its mean intensity."""
    state.clock[INTENSITY] = 0.0
    if rules.base > 0.0:
        state.clock[INTENSITY] = rules.base / (1.0 - rules.jump / rules.decay)
    state.clock[NEXT_NS] = _wait_ns(state, rules, first, second)


@compiled
def advance(
    flow: FlowState,
    state: RandomState,
    flow_rules: FlowRules,
    rules: RandomRules,
    until_ns: float,
    waits: Float64Array,
    words: Int64Array,
    out: Commands,
) -> tuple[int, int]:
    """Write the orders up to ``until_ns`` into zeroed ``out``, their ``ts`` since the start.

    ``waits``, shape (B, 2), exponential of mean 1, and ``words``, shape (B, 2), 0…2**63-1: a row
    for each order.  Returns how many rows were used and how many commands written; all B used
    means that there may be more.  Bound: B orders.
    """
    used, written = 0, 0
    while used < words.shape[0] and state.clock[NEXT_NS] <= until_ns:
        now = state.clock[NEXT_NS]
        what = (words[used, 0] >> 10) * _UNIT
        if _order(flow, state, flow_rules, rules, what, words[used, 1], out[written]):
            out[written]["ts"] = int(now)
            written += 1
        state.clock[NEXT_NS] = now + _wait_ns(state, rules, waits[used, 0], waits[used, 1])
        used += 1
    return used, written
