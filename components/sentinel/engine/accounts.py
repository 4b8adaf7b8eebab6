"""The table of wallets: from an account's id and a scope to a row, and opening.

Open addressing with linear probing over a table twice as large as the wallets may be many; wallets are never
removed, so a lookup ends at the first free place.  Sequential ids, which is what people choose,
spread without collisions.
"""

from __future__ import annotations

from typing import Final

from components.sentinel.engine.state import NONE, SentinelState, wide
from components.units import ACCOUNT_MAX
from disruptor.compiled import inlined, internal

OWN: Final = 0
"""The scope of an account's own wallet."""


@inlined
def scope_of(symbol: int) -> int:
    """The scope of the wallet of an isolated position in this symbol."""
    return symbol + 1


@inlined
def _place(state: SentinelState, account: int, scope: int) -> int:
    """Where in the index the wallet is, or would go."""
    mask = state.summary[0]["index_mask"]
    low = account & 0x7FFF_FFFF
    high = account >> 31
    mixed = (low * 0x9E37_79B1) ^ (high * 0x05EB_CA6B) ^ (scope * 0x2545_F491_4F)
    place = (mixed >> 13) & mask
    while True:
        held = wide(state.account_index[place])
        if held == 0:
            return place
        record = state.accounts[held - 1]
        if record["account"] == account and record["scope"] == scope:
            return place
        place = (place + 1) & mask


@inlined
def find_wallet(state: SentinelState, account: int, scope: int) -> int:
    """The wallet's row, or NONE if it was never opened."""
    if account < 0 or account > ACCOUNT_MAX:
        return NONE
    return wide(state.account_index[_place(state, account, scope)]) - 1


@inlined
def find_account(state: SentinelState, account: int) -> int:
    """The row of the account's own wallet, or NONE if it was never opened (a market maker, say)."""
    return find_wallet(state, account, OWN)


@inlined
def is_full(state: SentinelState) -> bool:
    """Whether no wallet more is allowed."""
    summary = state.summary[0]
    return bool(summary["account_count"] >= summary["accounts_allowed"])


@internal
def index_anew(state: SentinelState, mask: int) -> None:
    """Spread the wallets over the part of the index that this mask reaches."""
    state.account_index[: state.summary[0]["index_mask"] + 1] = 0
    state.summary[0]["index_mask"] = mask
    for row in range(state.summary[0]["account_count"]):
        record = state.accounts[row]
        state.account_index[_place(state, record["account"], wide(record["scope"]))] = row + 1


@internal
def open_wallet(state: SentinelState, account: int, scope: int) -> int:
    """The row of a new wallet, or of the one that is there; NONE if the id is out of bounds or
    the table is full.  An isolated wallet's account must be open."""
    if account < 0 or account > ACCOUNT_MAX:
        return NONE
    place = _place(state, account, scope)
    held = wide(state.account_index[place])
    if held > 0:
        return held - 1
    row = wide(state.summary[0]["account_count"])
    if is_full(state):
        return NONE
    owner = row if scope == OWN else find_account(state, account)
    state.summary[0]["account_count"] = row + 1
    state.account_index[place] = row + 1
    record = state.accounts[row]
    record["account"] = account
    record["scope"] = scope
    record["owner"] = owner
    record["first_position"] = NONE
    if scope != OWN:
        state.accounts[owner]["isolated_count"] += 1
        state.summary[0]["isolated_count"] += 1
    return row


@internal
def open_account(state: SentinelState, account: int) -> int:
    """``open_wallet`` for the account's own."""
    return open_wallet(state, account, OWN)


@inlined
def wallet_for(state: SentinelState, row: int, symbol: int) -> int:
    """The wallet in which the account, whose own is ``row``, holds this symbol: the isolated one
    while that has a place for it, else its own."""
    if state.accounts[row]["isolated_count"] > 0:
        isolated = find_wallet(state, wide(state.accounts[row]["account"]), scope_of(symbol))
        if isolated != NONE and state.accounts[isolated]["slot_count"] > 0:
            return isolated
    return row
