"""The table of accounts: from an account's id to its row, opening, and its sums.

Open addressing with linear probing over a table twice as large as the accounts; accounts are
never removed, so a lookup ends at the first free place.  Sequential ids, which is what people
choose, spread without collisions.
"""

from __future__ import annotations

from components.sentinel.engine.state import NONE, SentinelState, wide
from components.units import ACCOUNT_MAX
from disruptor.compiled import inlined, internal


@inlined
def _place(state: SentinelState, account: int) -> int:
    """Where in the index ``account`` is, or would go."""
    mask = state.account_index.size - 1
    low = account & 0x7FFF_FFFF
    high = account >> 31
    mixed = (low * 0x9E37_79B1) ^ (high * 0x05EB_CA6B)
    place = (mixed >> 13) & mask
    while True:
        held = wide(state.account_index[place])
        if held == 0 or state.accounts[held - 1]["account"] == account:
            return place
        place = (place + 1) & mask


@inlined
def find_account(state: SentinelState, account: int) -> int:
    """The account's row, or NONE if it was never opened (a market maker, say)."""
    if account < 0 or account > ACCOUNT_MAX:
        return NONE
    return wide(state.account_index[_place(state, account)]) - 1


@internal
def open_account(state: SentinelState, account: int) -> int:
    """The row of a new account, or of the one that is there; NONE if the id is out of bounds
    or the table is full."""
    if account < 0 or account > ACCOUNT_MAX:
        return NONE
    place = _place(state, account)
    held = wide(state.account_index[place])
    if held > 0:
        return held - 1
    row = wide(state.summary[0]["account_count"])
    if row == state.accounts.size:
        return NONE
    state.summary[0]["account_count"] = row + 1
    state.account_index[place] = row + 1
    state.accounts[row]["account"] = account
    state.accounts[row]["first_position"] = NONE
    return row


@inlined
def equity_of(state: SentinelState, row: int) -> int:
    """Collateral plus unrealised profit at the marks."""
    return wide(state.accounts[row]["collateral"] + state.accounts[row]["unrealised"])
