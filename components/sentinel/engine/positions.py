"""Where positions live: slots dense by symbol, and each account's list in order of symbol.

    symbol's chain:   block 3 [64 lines full] <-> block 9 [64 full] <-> block 4 [17 used]
    account's list:   first_position -> slot of symbol 0 -> slot of symbol 5 -> NONE

Removing a slot moves the symbol's last one into the hole, so chains stay dense.  The order that
results depends on history only; nothing that leaves Sentinel depends on it.
"""

from __future__ import annotations

from components.sentinel.engine.margin import initial_margin, maintenance_margin
from components.sentinel.engine.state import BLOCK_SLOTS, NONE, POSITIONS_MAX, SentinelState, wide
from disruptor.compiled import inlined, internal


@inlined
def find_position(state: SentinelState, row: int, symbol: int) -> int:
    """The slot of the account's position in ``symbol``, or NONE; at most 64 steps."""
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        if state.positions[slot]["symbol"] == symbol:
            return slot
        slot = wide(state.positions[slot]["next_position"])
    return NONE


@internal
def has_room(state: SentinelState, row: int, symbol: int) -> bool:
    """Whether the account could be given a new slot in ``symbol``."""
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
    """A flat slot for an account that has none in ``symbol``; ``has_room`` must hold."""
    slot = _claim_slot(state, symbol)
    record = state.positions[slot]
    record["qty"] = 0
    record["entry_value"] = 0
    record["unrealised"] = 0
    record["maintenance"] = 0
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
    """Give the slot back if its position is flat and no order of ours is in flight for it."""
    record = state.positions[slot]
    if record["qty"] != 0 or record["order_id"] != 0:
        return
    row = wide(record["row"])
    _set_link(state, row, _previous(state, slot), wide(record["next_position"]))
    state.accounts[row]["slot_count"] -= 1
    state.summary[0]["slot_count"] -= 1
    symbol = wide(record["symbol"])
    last = last_slot(state, symbol)
    if last != slot:
        before = _previous(state, last)
        state.positions[slot] = state.positions[last]
        _set_link(state, wide(state.positions[slot]["row"]), before, slot)
    _release_last_slot(state, symbol)


@internal
def set_valuation(state: SentinelState, slot: int) -> None:
    """Value the position at its symbol's mark, or at entry before the first price, and carry
    the difference into the account's sums."""
    record = state.positions[slot]
    symbol = wide(record["symbol"])
    tier_count = wide(state.symbols[symbol]["tier_count"])
    lot_value = state.symbols[symbol]["mark"] * state.symbols[symbol]["money_unit"]
    value = record["qty"] * lot_value if lot_value > 0 else record["entry_value"]
    unrealised = value - record["entry_value"]
    maintenance = 0
    if record["qty"] != 0:
        maintenance = maintenance_margin(state.tiers, symbol, tier_count, abs(value))
    account = state.accounts[wide(record["row"])]
    account["unrealised"] += unrealised - record["unrealised"]
    account["maintenance"] += maintenance - record["maintenance"]
    record["unrealised"] = unrealised
    record["maintenance"] = maintenance


@internal
def notional_of(state: SentinelState, row: int) -> int:
    """The value at mark of all the account's positions, without regard to side."""
    total = 0
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        record = state.positions[slot]
        total += abs(record["entry_value"] + record["unrealised"])
        slot = wide(record["next_position"])
    return total


@internal
def initial_margin_of(state: SentinelState, row: int) -> int:
    """What all the account's positions need to be opened, at their marks and leverages."""
    total = 0
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        record = state.positions[slot]
        notional = abs(record["entry_value"] + record["unrealised"])
        leverage = wide(record["leverage"])
        total += initial_margin(notional, leverage, record["maintenance"])
        slot = wide(record["next_position"])
    return total


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
    """The slot before this one in its account's list, or NONE if it is the first."""
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
