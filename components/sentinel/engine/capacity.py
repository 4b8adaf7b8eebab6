"""How many wallets, symbols and positions there may be: rules like any other, so they come as events.

What is beyond is refused.  The arrays are far larger and need not be moved; only the table of
wallets is spread anew, over a part of its array that is in proportion, so that few wallets lie
close together.  A lower limit than what is there ends nothing; it refuses what is new.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import REASON_BAD_CAPACITY
from components.sentinel.engine.accounts import index_anew
from components.sentinel.engine.outbox import SentinelOutbox, add_rejection
from components.sentinel.engine.state import (
    SentinelState,
    blocks_for,
    index_mask_for,
)
from disruptor.compiled import internal


@internal
def apply_capacity(state: SentinelState, event: np.void, outbox: SentinelOutbox) -> None:
    """Take the event's limits, or refuse them."""
    accounts, symbols, positions = event["price"], event["maker_account"], event["qty"]
    is_valid = 1 <= accounts <= state.accounts.size and 1 <= symbols <= state.symbols.size
    blocks = blocks_for(positions, symbols)
    if not is_valid or positions < 1 or blocks > state.block_next.size:
        add_rejection(event, outbox, 0, REASON_BAD_CAPACITY, 0)
        return
    allow(state, accounts, symbols, positions)


@internal
def allow(state: SentinelState, accounts: int, symbols: int, positions: int) -> None:
    """Set valid limits."""
    summary = state.summary[0]
    used = blocks_for(summary["positions_allowed"], summary["symbols_allowed"])
    used -= summary["free_block_count"]
    summary["free_block_count"] = blocks_for(positions, symbols) - used
    summary["accounts_allowed"] = accounts
    summary["symbols_allowed"] = symbols
    summary["positions_allowed"] = positions
    index_anew(state, index_mask_for(max(accounts, summary["account_count"])))
