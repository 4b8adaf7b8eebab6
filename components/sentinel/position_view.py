"""What people may see of Sentinel's positions: one row an open position, valued at its mark."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.state import BLOCK_SLOTS, NONE, SentinelState, wide
from components.sentinel.engine.valuation import maintenance_of, unrealised_of
from disruptor.compiled import compiled

POSITION_VIEW: Final = np.dtype(
    [
        ("account", np.int64),
        ("symbol", np.int64),
        ("qty", np.int64),  # signed lots, negative is short
        ("entry_value", np.int64),  # money, signed as qty
        ("unrealised", np.int64),  # money, at the mark, funding owed taken off
        ("maintenance", np.int64),  # money
        ("leverage", np.int64),  # 0: as much as the symbol allows
        ("margin", np.int64),  # money of an isolated position's own wallet; 0 for a cross one
    ]
)

PositionViews = NDArray[np.void]
"""An array of dtype POSITION_VIEW."""


def position_views(state: SentinelState) -> PositionViews:
    """Every open position, by account and symbol."""
    rows = np.zeros(int(state.summary[0]["slot_count"]), POSITION_VIEW)
    found = rows[: _fill(state, rows)]
    return found[np.lexsort((found["symbol"], found["account"]))]


@compiled
def _fill(state: SentinelState, rows: PositionViews) -> int:
    count = 0
    for symbol in range(state.symbols.size):
        left = state.symbols[symbol]["slot_count"]
        block = wide(state.symbols[symbol]["first_block"])
        while block != NONE:
            first = block * BLOCK_SLOTS
            for slot in range(first, first + min(left, BLOCK_SLOTS)):
                position = state.positions[slot]
                if position["qty"] != 0:
                    account = state.accounts[wide(position["row"])]
                    view = rows[count]
                    view["account"] = account["account"]
                    view["symbol"] = symbol
                    view["qty"] = position["qty"]
                    view["entry_value"] = position["entry_value"]
                    view["unrealised"] = unrealised_of(state, slot)
                    view["maintenance"] = maintenance_of(state, slot)
                    view["leverage"] = position["leverage"]
                    view["margin"] = account["collateral"] if account["scope"] != 0 else 0
                    count += 1
            left -= BLOCK_SLOTS
            block = wide(state.block_next[block])
    return count
