"""The conservation identity of ``ledger.py``, checked at run time: quick, exact, and loud.

One pass over wallets and positions, in two-word sums, so that nothing wraps.  ``invariants.py`` has
the same identity in plain Python.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.sentinel.engine.ledger import (
    BAD_DEBT,
    DEPOSITED,
    FEES,
    FUNDING,
    LOW,
    SEEDED,
    TRADED,
    WITHDRAWN,
    add_flow,
    saturated,
)
from components.sentinel.engine.state import BLOCK_SLOTS, NONE, SentinelState, wide
from disruptor.compiled import compiled

_SIGNS: Final = (
    (DEPOSITED, 1),
    (WITHDRAWN, -1),
    (SEEDED, 1),
    (BAD_DEBT, 1),
    (FEES, -1),
    (FUNDING, -1),
    (TRADED, -1),
)


class ConservationError(AssertionError):
    """Money was made or lost; the text says how much."""


@compiled
def conservation_gap(state: SentinelState) -> int:
    """What is held less what came in, in money; 0 unless money was made or lost."""
    total = np.zeros((1, 2), np.int64)
    for row in range(wide(state.summary[0]["account_count"])):
        add_flow(total, 0, wide(state.accounts[row]["collateral"]))
    for symbol in range(len(state.symbols)):
        block = wide(state.symbols[symbol]["first_block"])
        left = wide(state.symbols[symbol]["slot_count"])
        while block != NONE:
            first = block * BLOCK_SLOTS
            for slot in range(first, first + min(left, BLOCK_SLOTS)):
                add_flow(total, 0, -wide(state.positions[slot]["entry_value"]))
            left -= BLOCK_SLOTS
            block = wide(state.block_next[block])
    add_flow(total, 0, wide(state.summary[0]["fund"]))
    for flow, sign in _SIGNS:
        total[0, 0] -= sign * state.ledger[flow, 0]
        add_flow(total, 0, -sign * (state.ledger[flow, 1] // 2))
        add_flow(total, 0, -sign * (state.ledger[flow, 1] - state.ledger[flow, 1] // 2))
    assert 0 <= total[0, 1] < LOW
    return saturated(total[0, 0], total[0, 1])


def require_conservation(state: SentinelState) -> None:
    """ConservationError unless equity, fund, fees and bad debt add up to what came in."""
    gap = int(conservation_gap(state))
    if gap:
        raise ConservationError(
            f"Sentinel's books do not add up: gap={gap} units of 1e-8 between what accounts and fund "
            f"hold and what was deposited, withdrawn, traded, paid in fees and written off"
        )
