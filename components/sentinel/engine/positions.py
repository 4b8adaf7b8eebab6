"""Where positions live: slots dense by symbol, and each wallet's list in order of symbol.

    symbol's chain:   block 3 [64 lines full] <-> block 9 [64 full] <-> block 4 [17 used]
    wallet's list:    first_position -> slot of symbol 0 -> slot of symbol 5 -> NONE

Removing a slot moves the symbol's last one into the hole, so chains stay dense.  The order that
results depends on history only; nothing that leaves Sentinel depends on it.
"""

from __future__ import annotations

from components.sentinel.engine.accounts import OWN
from components.sentinel.engine.state import (
    BLOCK_SLOTS,
    FALLING,
    NONE,
    POSITIONS_MAX,
    RISING,
    SentinelState,
    wide,
)
from components.sentinel.engine.trigger_heap import disarm, relocate
from disruptor.compiled import inlined, internal


@inlined
def find_position(state: SentinelState, row: int, symbol: int) -> int:
    """The slot of the wallet's position in ``symbol``, or NONE; at most 64 steps."""
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        if state.positions[slot]["symbol"] == symbol:
            return slot
        slot = wide(state.positions[slot]["next_position"])
    return NONE


@internal
def has_room(state: SentinelState, row: int, symbol: int) -> bool:
    """Whether the wallet could be given a new slot in ``symbol``."""
    return bool(
        state.accounts[row]["slot_count"] < POSITIONS_MAX and symbol_has_room(state, symbol)
    )


@internal
def symbol_has_room(state: SentinelState, symbol: int) -> bool:
    """Whether the symbol could be given a new slot."""
    partly_filled = state.symbols[symbol]["slot_count"] % BLOCK_SLOTS != 0
    return bool(partly_filled or state.summary[0]["free_block_count"] > 0)


@internal
def add_position(state: SentinelState, row: int, symbol: int, leverage: int) -> int:
    """A flat slot for a wallet that has none in ``symbol``; ``has_room`` must hold."""
    slot = _claim_slot(state, symbol)
    record = state.positions[slot]
    record["qty"] = 0
    record["entry_value"] = 0
    record["funding"] = state.symbols[symbol]["funding"]
    record["order_id"] = 0
    record["order_open"] = 0
    record["row"] = row
    record["symbol"] = symbol
    record["leverage"] = leverage
    before = NONE
    after = wide(state.accounts[row]["first_position"])
    while after != NONE and state.positions[after]["symbol"] < symbol:
        before = after
        after = wide(state.positions[after]["next_position"])
    record["next_position"] = after
    _set_link(state, row, before, slot)
    state.accounts[row]["slot_count"] += 1
    state.summary[0]["slot_count"] += 1
    return slot


@internal
def release_if_done(state: SentinelState, slot: int) -> None:
    """Give the slot back if its position is flat, no order of ours is in flight for it, and
    nothing was chosen for it: a leverage, or to be isolated."""
    record = state.positions[slot]
    is_plain = record["leverage"] == 0 and state.accounts[wide(record["row"])]["scope"] == OWN
    if record["qty"] == 0 and record["order_id"] == 0 and is_plain:
        release(state, slot)


@internal
def release(state: SentinelState, slot: int) -> None:
    """Give the slot of a flat position back."""
    record = state.positions[slot]
    row = wide(record["row"])
    disarm(state, slot, FALLING)
    disarm(state, slot, RISING)
    _set_link(state, row, _previous(state, slot), wide(record["next_position"]))
    state.accounts[row]["slot_count"] -= 1
    state.summary[0]["slot_count"] -= 1
    symbol = wide(record["symbol"])
    last = last_slot(state, symbol)
    if last != slot:
        before = _previous(state, last)
        state.positions[slot] = state.positions[last]
        relocate(state, last, slot, FALLING)
        relocate(state, last, slot, RISING)
        _set_link(state, wide(state.positions[slot]["row"]), before, slot)
    _release_last_slot(state, symbol)


@internal
def largest_qty(state: SentinelState, symbol: int) -> int:
    """The lots of the symbol's largest position; one pass over them."""
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
def last_slot(state: SentinelState, symbol: int) -> int:
    """The symbol's last slot in scan order; it must have one."""
    used = (wide(state.symbols[symbol]["slot_count"]) - 1) % BLOCK_SLOTS
    return wide(state.symbols[symbol]["last_block"]) * BLOCK_SLOTS + used


@internal
def _claim_slot(state: SentinelState, symbol: int) -> int:
    record = state.symbols[symbol]
    if record["slot_count"] % BLOCK_SLOTS == 0:
        summary = state.summary[0]
        block = summary["free_block"]
        summary["free_block"] = wide(state.block_next[block])
        summary["free_block_count"] -= 1
        last = wide(record["last_block"])
        state.block_previous[block] = last
        state.block_next[block] = NONE
        if last == NONE:
            record["first_block"] = block
        else:
            state.block_next[last] = block
        record["last_block"] = block
    record["slot_count"] += 1
    return last_slot(state, symbol)


@internal
def _release_last_slot(state: SentinelState, symbol: int) -> None:
    record = state.symbols[symbol]
    record["slot_count"] -= 1
    if record["slot_count"] % BLOCK_SLOTS != 0:
        return
    block = wide(record["last_block"])
    previous = wide(state.block_previous[block])
    record["last_block"] = previous
    if previous == NONE:
        record["first_block"] = NONE
    else:
        state.block_next[previous] = NONE
    summary = state.summary[0]
    state.block_next[block] = summary["free_block"]
    summary["free_block"] = block
    summary["free_block_count"] += 1


@internal
def _previous(state: SentinelState, slot: int) -> int:
    """The slot before this one in its wallet's list, or NONE if it is the first."""
    before = NONE
    each = wide(state.accounts[wide(state.positions[slot]["row"])]["first_position"])
    while each != slot:
        before = each
        each = wide(state.positions[each]["next_position"])
    return before


@inlined
def _set_link(state: SentinelState, row: int, before: int, slot: int) -> None:
    if before == NONE:
        state.accounts[row]["first_position"] = slot
    else:
        state.positions[before]["next_position"] = slot
