"""Every wallet looked at: what the bands must never miss, and what one does when in doubt.

``touched_wallets`` measures all wallets from nothing, one pass over the table.  The bands (bands.py)
are conservative: whatever a scan finds touched, a band has reached.  invariants.py checks that after
every event in tests, and perf times the scan.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.price import is_reached
from components.sentinel.engine.state import BLOCK_SLOTS, FALLING, NONE, RISING, SentinelState, wide
from components.sentinel.engine.valuation import level_at, measure
from disruptor.compiled import compiled, inlined, internal


@inlined
def is_touched(state: SentinelState, row: int) -> bool:
    """Whether the marks of this moment would warn, calm or liquidate the wallet."""
    account = state.accounts[row]
    found = measure(state, row)
    level = wide(account["at_risk"])
    if level_at(state, level, found.equity, found.maintenance) != level:
        return True
    if found.equity >= found.maintenance:
        return bool(account["is_liquidated"] != 0)
    return bool(account["orders_in_flight"] == 0 and _has_mark(state, row))


@inlined
def _has_mark(state: SentinelState, row: int) -> bool:
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        position = state.positions[slot]
        if position["qty"] != 0 and state.symbols[wide(position["symbol"])]["mark"] > 0:
            return True
        slot = wide(position["next_position"])
    return False


@compiled
def touched_wallets(state: SentinelState) -> NDArray[np.int64]:
    """The rows of the wallets to which something would happen at any price, in order of opening."""
    rows = np.zeros(state.summary[0]["account_count"], np.int64)
    count = 0
    for row in range(rows.size):
        if state.accounts[row]["position_count"] > 0 and is_touched(state, row):
            rows[count] = row
            count += 1
    return rows[:count]


@compiled
def reached_wallets(state: SentinelState) -> NDArray[np.int64]:
    """The rows of the wallets of which a band is reached at the marks of this moment."""
    rows = np.zeros(2 * state.summary[0]["slot_count"], np.int64)
    count = 0
    for symbol in range(state.symbols.size):
        record = state.symbols[symbol]
        for heap in (FALLING, RISING):
            sign = -1 if heap == FALLING else 1
            level = record["drift"] + sign * record["mark"]
            if is_reached(state, symbol, heap, level):
                count = _add_reached(state, symbol, heap, level, rows, count)
    return rows[:count]


@internal
def _add_reached(
    state: SentinelState, symbol: int, heap: int, level: int, rows: NDArray[np.int64], count: int
) -> int:
    block = wide(state.symbols[symbol]["first_block"])
    left = wide(state.symbols[symbol]["slot_count"])
    while block != NONE:
        first = block * BLOCK_SLOTS
        for slot in range(first, first + min(left, BLOCK_SLOTS)):
            node = state.triggers[heap, slot]
            if node["is_armed"] != 0 and node["key"] <= level:
                rows[count] = wide(state.positions[slot]["row"])
                count += 1
        left -= BLOCK_SLOTS
        block = wide(state.block_next[block])
    return count
