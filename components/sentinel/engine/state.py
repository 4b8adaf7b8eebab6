"""Everything that Sentinel knows, as arrays: its layouts, its limits, and an empty state.

    account_index  open addressing: (account id, scope) -> row + 1 (0: free)
    accounts       one 64-byte line a *wallet*, in order of opening; never removed
    positions      one 64-byte line each, in blocks of 64 lines; a block belongs to one symbol
    triggers       for each position, where the mark must go before its wallet is looked at again
    symbols        grid, mark, tier count, the chain of the symbol's blocks, its heaps of triggers
    tiers          margin tiers, one row of ``TIERS_MAX`` a symbol
    summary        the one record of counts, limits, the risk rule and the insurance fund
    ledger         money that ever crossed the accounts' edge, see ``ledger.py``
    candidates     scratch: wallets that a price touched; empty between two events

A wallet is money and the positions that share it, which are judged and liquidated together: an
account's own with its cross positions (scope 0), and one for each isolated position (scope
symbol + 1), whose money is apart.  Everything below judges wallets and need not know which.

Nothing that depends on a mark is stored: equity and margin are computed when somebody asks
(valuation.py).  A price therefore costs nothing but a look at two heaps, until it reaches a trigger
(bands.py).

A symbol's positions lie dense in its blocks (all full but the last), so a pass over them is
sequential.  A wallet's positions form a list in order of symbol, short because a wallet holds at
most one position a symbol.

Limits, from which the arithmetic's bounds follow (``margin.py`` has the argument):

    |lots| of a position               <= QTY_LOTS_MAX         2**40
    its entry value and value at mark  <= NOTIONAL_MAX         2**56 (720 million of the quote)
    funding that it owes or is owed    <= PENDING_MAX          2**54
    positions of a wallet              <= POSITIONS_MAX        2**6
    |collateral|, fund                 <= MONEY_MAX            2**60
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from disruptor.aligned import zeros
from disruptor.by_address import by_address
from disruptor.compiled import compiled, inlined

NOTIONAL_MAX: Final = 2**56
PENDING_MAX: Final = 2**54
POSITIONS_MAX: Final = 64
TIERS_MAX: Final = 16
BLOCK_SLOTS: Final = 64
LEVELS: Final = 3
"""How many levels of warning there are, below liquidation."""
NONE: Final = -1

FALLING: Final = 0
RISING: Final = 1
"""The two heaps of a symbol: what to look at when its mark falls, and when it rises."""

DEFAULT_MAINTENANCE_PPM: Final = 5_000
DEFAULT_AT_RISK_PPM: Final = 800_000
FIRST_ORDER_ID: Final = 2**61
RULES_TOLD: Final = 3
"""From this version of the rules on, a liquidation says its tier and its rules."""

ACCOUNT: Final = np.dtype(
    [
        ("account", np.int64),
        ("collateral", np.int64),
        ("scope", np.int32),  # 0: the account's own money; else symbol + 1, isolated
        ("owner", np.int32),  # row of the account's own wallet
        ("first_position", np.int32),
        ("slot_count", np.int32),  # positions, and flat ones that wait for an order's end
        ("position_count", np.int32),
        ("orders_in_flight", np.int32),
        ("isolated_count", np.int32),  # of an own wallet: isolated ones beside it
        ("at_risk", np.uint8),  # the level of warning, 0: none
        ("is_liquidated", np.uint8),  # from the first step of a liquidation until it is safe again
        ("is_candidate", np.uint8),
        ("reserved", np.uint8, (17,)),
    ],
    align=True,
)
assert ACCOUNT.itemsize == 64

POSITION: Final = np.dtype(
    [
        ("qty", np.int64),  # signed lots, negative is short
        ("entry_value", np.int64),  # signed as qty
        ("funding", np.int64),  # the symbol's index when funding was last settled
        ("order_id", np.int64),  # liquidation order in flight, 0: none
        ("order_open", np.int64),  # lots of it that may still trade
        ("row", np.int32),
        ("next_position", np.int32),  # of the same wallet, in order of symbol
        ("symbol", np.uint32),
        ("leverage", np.uint32),  # 0: as much as the symbol allows
        ("reserved", np.int64),
    ],
    align=True,
)
assert POSITION.itemsize == 64

TRIGGER: Final = np.dtype(
    [
        ("key", np.int64),
        ("child", np.int32),  # links of a pairing heap, see trigger_heap.py
        ("next", np.int32),
        ("previous", np.int32),
        ("is_armed", np.int32),
    ],
    align=True,
)
assert TRIGGER.itemsize == 24

SYMBOL: Final = np.dtype(
    [
        ("money_unit", np.int64),  # money of one tick times one lot; 0: no such symbol
        ("mark", np.int64),  # ticks; 0 before the first price
        ("qty_high", np.int64),  # no position has more lots
        ("slot_count", np.int64),
        ("funding", np.int64),  # what a lot has paid so far, in millionths of money
        ("funding_low", np.int64),  # no position was settled at a lower index, nor at a higher one
        ("funding_high", np.int64),
        ("drift", np.int64),  # funding so far as a way of the mark, in ticks; never falls
        ("first_block", np.int32),
        ("last_block", np.int32),
        ("tier_count", np.int32),
        ("max_leverage", np.int32),
        ("falling", np.int32),  # roots of the heaps of triggers
        ("rising", np.int32),
        ("is_suspect", np.int32),  # no liquidation on this price
        ("reserved", np.int32),
    ],
    align=True,
)
assert SYMBOL.itemsize == 96

TIER: Final = np.dtype(
    [
        ("floor", np.int64),  # money; the tier holds above it
        ("ppm", np.int64),
        ("deduction", np.int64),  # maintenance amount: whole money ...
        ("deduction_ppm", np.int64),  # ... and its millionths, 0 to 999,999
        ("leverage", np.int64),  # the most that a position of this size may have; 0: no cap
    ],
    align=True,
)

SUMMARY: Final = np.dtype(
    [
        ("account_count", np.int64),
        ("isolated_count", np.int64),  # of the rows above: isolated wallets
        ("position_count", np.int64),
        ("slot_count", np.int64),
        ("at_risk_count", np.int64),
        ("orders_in_flight", np.int64),
        ("free_block", np.int64),
        ("free_block_count", np.int64),
        ("next_order_id", np.int64),
        ("rule_version", np.int64),
        ("liquidation_fee_ppm", np.int64),
        ("at_risk_ppm", np.int64, (LEVELS,)),  # rising; 0: no such level
        ("jump_ppm", np.int64),  # a price that jumps by more is suspect; 0: none is
        ("fund", np.int64),
        ("fund_seeded", np.int64),  # 1 once a risk rule has started the fund
        ("candidate_count", np.int64),
        ("index_mask", np.int64),  # of the part of ``account_index`` that is in use
        ("accounts_allowed", np.int64),  # as capacity.py sets them, like the next two
        ("symbols_allowed", np.int64),
        ("positions_allowed", np.int64),
    ],
    align=True,
)

CANDIDATE: Final = np.dtype(
    [
        ("account", np.int64),
        ("equity", np.int64),
        ("maintenance", np.int64),
        ("notional", np.int64),
        ("row", np.int64),
        ("scope", np.int64),
    ],
    align=True,
)

Accounts = NDArray[np.void]
"""An array of dtype ACCOUNT."""
Positions = NDArray[np.void]
"""An array of dtype POSITION."""


@by_address
class SentinelState(NamedTuple):
    """The whole of Sentinel; compiled functions take it as their first argument."""

    account_index: NDArray[np.int32]
    accounts: NDArray[np.void]
    positions: NDArray[np.void]
    triggers: NDArray[np.void]  # shape (2, slots), by FALLING and RISING
    block_next: NDArray[np.int32]  # of a free block: the next free one
    block_previous: NDArray[np.int32]
    symbols: NDArray[np.void]
    tiers: NDArray[np.void]
    summary: NDArray[np.void]
    ledger: NDArray[np.int64]
    candidates: NDArray[np.void]


LEDGER_FLOWS: Final = 7


@inlined
def wide(value: int) -> int:
    """A 32-bit or unsigned field as int64, so that sums and comparisons stay signed and whole."""
    return np.int64(value)  # type: ignore[return-value]


ACCOUNTS_ALLOWED: Final = 1 << 14
SYMBOLS_ALLOWED: Final = 64
POSITIONS_ALLOWED: Final = 1 << 15
"""What is allowed until a capacity event says otherwise."""

ACCOUNTS_ROOM: Final = 1 << 20
SYMBOLS_ROOM: Final = 1 << 12
POSITIONS_ROOM: Final = 1 << 21
"""What there is room for at least: the most that a capacity event can allow."""


def new_state(
    max_accounts: int = ACCOUNTS_ALLOWED,
    max_symbols: int = SYMBOLS_ALLOWED,
    max_positions: int = POSITIONS_ALLOWED,
) -> SentinelState:
    """An empty state that allows so many wallets, symbols and open positions.

    Its arrays are many times larger, and cost nothing: the operating system gives memory to what is
    touched, page by page.  What is not allowed is refused, which is an outcome, so whatever is
    journaled, and whatever replays it, begins with the defaults; see ``capacity.py``.

    Memory: 120 bytes a wallet, 112 a position.  ValueError if a limit is not positive.
    """
    if min(max_accounts, max_symbols, max_positions) < 1:
        raise ValueError("max_accounts, max_symbols and max_positions must be at least 1")
    accounts = max(max_accounts, ACCOUNTS_ROOM)
    symbols = max(max_symbols, SYMBOLS_ROOM)
    blocks = blocks_for(max(max_positions, POSITIONS_ROOM), symbols)
    state = SentinelState(
        account_index=zeros(index_mask_for(accounts) + 1, np.int32),
        accounts=zeros(accounts, ACCOUNT),
        positions=zeros(blocks * BLOCK_SLOTS, POSITION),
        triggers=zeros(2 * blocks * BLOCK_SLOTS, TRIGGER).reshape(2, -1),
        block_next=np.arange(1, blocks + 1, dtype=np.int32),
        block_previous=np.full(blocks, NONE, np.int32),
        symbols=zeros(symbols, SYMBOL),
        tiers=zeros(symbols * TIERS_MAX, TIER).reshape(symbols, TIERS_MAX),
        summary=zeros(1, SUMMARY),
        ledger=np.zeros((LEDGER_FLOWS, 2), np.int64),
        candidates=zeros(accounts, CANDIDATE),
    )
    state.block_next[-1] = NONE
    for name in ("first_block", "last_block", "falling", "rising"):
        state.symbols[name] = NONE
    summary = state.summary[0]
    summary["next_order_id"] = FIRST_ORDER_ID
    summary["at_risk_ppm"] = (DEFAULT_AT_RISK_PPM, 0, 0)
    summary["accounts_allowed"] = max_accounts
    summary["symbols_allowed"] = max_symbols
    summary["positions_allowed"] = max_positions
    summary["index_mask"] = index_mask_for(max_accounts)
    summary["free_block_count"] = blocks_for(max_positions, max_symbols)
    return state


@compiled
def index_mask_for(accounts: int) -> int:
    """A table of wallets at least twice as large as they are many has this mask."""
    size = 2
    while size < 2 * accounts:
        size *= 2
    return size - 1


@compiled
def blocks_for(positions: int, symbols: int) -> int:
    """How many blocks so many positions take, however they are spread over the symbols."""
    return -(-positions // BLOCK_SLOTS) + symbols
