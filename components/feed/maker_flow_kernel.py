"""What one order of the simulated flow is, compiled; a function of its state and one random word.

Every random word makes at most one command, so a rate in commands a second is kept exactly and
the stream does not depend on how the words are batched.  The word's bits decide:

    bits  0-19  taker or maker            bits 33-40  which taker account
    bits 20-31  which symbol              bits 41-56  quantity
    bit  32     taker's side              bits 57-62  jitter of a quote, kind of a take

A maker's command goes where the book needs it most:

    A  a quote on the wrong side of the touch (it would be crossed)   cancel it, the worst first
    B  an empty slot                                                  place its quote
    C  a quote more than a step from where it belongs                 cancel it, the farthest first
    D  none of these                                                  cancel the oldest

so a slot is refilled with the next command (B), every quote is renewed in turn (D), and never more
orders rest than there are slots.  Slot ``2·level + side`` of a symbol belongs to one maker account.
A quote is never priced through an own quote that still waits for its cancel.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.feed.flow_orders import (
    SHARE_BITS,
    FlowRules,
    FlowState,
    Int64Array,
    lots_for,
    take,
    write,
)
from components.messages.code import BUY, OP_CANCEL, OP_PLACE, TIF_GTC, TYPE_LIMIT
from components.messages.command import Commands
from components.units import PPM, PRICE_TICKS_MAX
from disruptor.compiled import compiled

_NO_SLOT: Final = -1


@compiled
def _choose_slot(state: FlowState, symbol: int, step: int) -> tuple[int, np.int64, np.int64]:
    """The slot that a maker's command goes to (cases A to D), highest own bid, lowest own ask."""
    bid, ask = state.bid[symbol], state.ask[symbol]
    crossed, empty, stale, oldest = _NO_SLOT, _NO_SLOT, _NO_SLOT, 0
    crossed_most, stale_most, born_first = -1, step, np.int64(2**62)
    own_bid, own_ask = np.int64(0), np.int64(PRICE_TICKS_MAX + 1)
    for slot in range(state.slot_id.shape[1]):
        if state.slot_id[symbol, slot] == 0:
            if empty == _NO_SLOT:
                empty = slot
            continue
        price = state.slot_price[symbol, slot]
        level = slot >> 1
        if slot & 1 == BUY:
            own_bid = max(own_bid, price)
            through = price - ask
            away = abs(bid - level * step - price)
        else:
            own_ask = min(own_ask, price)
            through = bid - price
            away = abs(ask + level * step - price)
        if through > crossed_most:
            crossed, crossed_most = slot, through
        if away > stale_most:
            stale, stale_most = slot, away
        if state.slot_born[symbol, slot] < born_first:
            oldest, born_first = slot, state.slot_born[symbol, slot]
    chosen = oldest
    if crossed != _NO_SLOT:
        chosen = crossed
    elif empty != _NO_SLOT:
        chosen = empty
    elif stale != _NO_SLOT:
        chosen = stale
    return chosen, own_bid, own_ask


@compiled
def _make(state: FlowState, rules: FlowRules, word: int, symbol: int, command: np.void) -> bool:
    """A maker's next command: cancel one quote, or place the one that is missing."""
    middle = (state.bid[symbol] + state.ask[symbol]) >> 1
    step = max(middle * rules.level_step_ppm // PPM, 1)
    slot, own_bid, own_ask = _choose_slot(state, symbol, step)
    level, side = slot >> 1, slot & 1
    maker = level % rules.maker_count
    order_id = state.slot_id[symbol, slot]
    if order_id != 0:
        write(command, OP_CANCEL, symbol, state.accounts[maker], order_id, 0)
        state.slot_id[symbol, slot] = 0
        state.cancelled[0] += 1
        return True
    distance = level * step + ((step * ((word >> 57) & 63)) >> 7)
    if side == BUY:
        price = min(max(state.bid[symbol] - distance, 1), own_ask - 1)
    else:
        price = max(min(state.ask[symbol] + distance, PRICE_TICKS_MAX), own_bid + 1)
    if price < 1 or price > PRICE_TICKS_MAX:
        return False
    lots = lots_for(rules.maker_notional, price, state.money_unit[symbol])
    order_id = state.next_id[maker]
    state.next_id[maker] = order_id + 1
    write(command, OP_PLACE, symbol, state.accounts[maker], order_id, side)
    command["order_type"] = TYPE_LIMIT
    command["tif"] = TIF_GTC
    command["price"] = price
    command["qty"] = 1 + (((lots - 1) * ((word >> 41) & 0xFFFF)) >> 16)
    state.slot_id[symbol, slot] = order_id
    state.slot_price[symbol, slot] = price
    state.slot_born[symbol, slot] = state.placed[0]
    state.placed[0] += 1
    return True


@compiled
def generate(state: FlowState, rules: FlowRules, words: Int64Array, out: Commands) -> int:
    """Write one command for each of ``words`` (each 0…2**63-1) into zeroed ``out``.

    Returns how many were written; symbols without a price yet give none.  Bound: one scan of a
    symbol's slots a word.
    """
    count = 0
    for index in range(words.shape[0]):
        word = words[index]
        symbol = state.symbols[((word >> SHARE_BITS) & 0xFFF) % state.symbols.shape[0]]
        if state.bid[symbol] == 0:
            continue
        if word & ((1 << SHARE_BITS) - 1) < rules.taker_share:
            written = take(state, rules, word, symbol, out[count])
        else:
            written = _make(state, rules, word, symbol, out[count])
        if written:
            count += 1
    return count
