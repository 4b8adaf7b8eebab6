"""The order among wallets that one price reaches: the same in every run and every replay.

    1. the larger shortfall ratio, (maintenance - equity) / maintenance, first
    2. then the larger notional
    3. then the smaller account id, its own wallet before isolated ones, those by symbol

Sorted by heap, in place: no allocation, and no bad case when a crash touches every account.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.margin import compare_ratios
from components.sentinel.engine.state import SentinelState
from components.sentinel.engine.valuation import measure
from disruptor.compiled import internal


@internal
def add_candidate(state: SentinelState, row: int) -> None:
    """Remember a wallet whose band the current price reached; once a price and wallet."""
    account = state.accounts[row]
    if account["is_candidate"] != 0:
        return
    account["is_candidate"] = 1
    count = state.summary[0]["candidate_count"]
    state.summary[0]["candidate_count"] = count + 1
    found = measure(state, row)
    candidate = state.candidates[count]
    candidate["account"] = account["account"]
    candidate["equity"] = found.equity
    candidate["maintenance"] = found.maintenance
    candidate["notional"] = found.notional
    candidate["row"] = row
    candidate["scope"] = account["scope"]


@internal
def _comes_after(candidates: NDArray[np.void], left: int, right: int) -> bool:
    """Whether the candidate at ``left`` is ranked behind the one at ``right``."""
    one = candidates[left]
    other = candidates[right]
    order = compare_ratios(
        one["equity"], max(one["maintenance"], 1), other["equity"], max(other["maintenance"], 1)
    )
    if order != 0:
        return bool(order > 0)
    if one["notional"] != other["notional"]:
        return bool(one["notional"] < other["notional"])
    if one["account"] != other["account"]:
        return bool(one["account"] > other["account"])
    return bool(one["scope"] > other["scope"])


@internal
def _swap(candidates: NDArray[np.void], left: int, right: int) -> None:
    for_left = candidates[right]
    account = for_left["account"]
    equity = for_left["equity"]
    maintenance = for_left["maintenance"]
    notional = for_left["notional"]
    row = for_left["row"]
    scope = for_left["scope"]
    candidates[right] = candidates[left]
    for_left = candidates[left]
    for_left["account"] = account
    for_left["equity"] = equity
    for_left["maintenance"] = maintenance
    for_left["notional"] = notional
    for_left["row"] = row
    for_left["scope"] = scope


@internal
def _sift_down(candidates: NDArray[np.void], start: int, count: int) -> None:
    parent = start
    while 2 * parent + 1 < count:
        child = 2 * parent + 1
        if child + 1 < count and _comes_after(candidates, child + 1, child):
            child += 1
        if not _comes_after(candidates, child, parent):
            return
        _swap(candidates, parent, child)
        parent = child


@internal
def rank(candidates: NDArray[np.void], count: int) -> None:
    """Sort the first ``count`` candidates into the order above, in place; O(count log count)."""
    for start in range(count // 2 - 1, -1, -1):
        _sift_down(candidates, start, count)
    for last in range(count - 1, 0, -1):
        _swap(candidates, 0, last)
        _sift_down(candidates, 0, last)
