"""What must hold after every event; checked by tests, and by whoever doubts.

A  conservation: the identity of ``ledger.py``, to the last unit
B  each wallet is worth what a valuation from nothing says
C  every slot is reached exactly once by symbol and exactly once by wallet
D  the summary's counts are those of the arrays
E  orders in flight are distinct, ours, and for slots that exist
F  flat wallets owe nothing; limits hold
G  each open position is in both heaps of its symbol, no other slot is in any, keys rise from the roots,
   and no band is wider than the full scan allows
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from components.sentinel.engine.accounts import OWN
from components.sentinel.engine.full_scan import reached_wallets, touched_wallets
from components.sentinel.engine.ledger import (
    BAD_DEBT,
    DEPOSITED,
    FEES,
    FUNDING,
    SEEDED,
    TRADED,
    WITHDRAWN,
    flow_total,
)
from components.sentinel.engine.snapshot import scan_order
from components.sentinel.engine.state import (
    BLOCK_SLOTS,
    FALLING,
    FIRST_ORDER_ID,
    NONE,
    NOTIONAL_MAX,
    RISING,
    SentinelState,
)
from components.sentinel.engine.valuation import measure
from components.units import MONEY_MAX, PPM, QTY_LOTS_MAX

ROOTS = {FALLING: "falling", RISING: "rising"}


class InvariantError(AssertionError):
    """Sentinel's books contradict themselves; the text names the invariant and the values."""


def check_invariants(state: SentinelState) -> None:
    """Raise InvariantError at the first of the invariants above that does not hold.

    Python over all accounts and positions: for tests, shutdown and doubt, not for every event.
    """
    order = scan_order(state)
    _check_conservation(state, order)
    _check_sums(state, order)
    _check_reachability(state, order)
    _check_counts(state, order)
    _check_orders(state, order)
    _check_limits(state, order)
    _check_heaps(state, order)


def _require(holds: bool, invariant: str, **values: object) -> None:
    if not holds:
        told = " ".join(f"{name}={value}" for name, value in values.items())
        raise InvariantError(f"invariant {invariant} is broken: {told}")


def _gap(state: SentinelState, order: np.ndarray) -> int:
    """Left minus right of the identity of ``ledger.py``; 0 unless money was made or lost."""
    count = int(state.summary[0]["account_count"])
    held = sum(state.accounts["collateral"][:count].tolist())
    held -= sum(state.positions["entry_value"][order].tolist())
    held += int(state.summary[0]["fund"])
    flows = {flow: flow_total(state.ledger, flow) for flow in range(len(state.ledger))}
    came_in = flows[DEPOSITED] - flows[WITHDRAWN] + flows[SEEDED] + flows[BAD_DEBT]
    return int(held - (came_in - flows[FEES] - flows[FUNDING] - flows[TRADED]))


def _check_conservation(state: SentinelState, order: np.ndarray) -> None:
    gap = _gap(state, order)
    _require(gap == 0, "A, conservation", gap=gap)


def _maintenance(state: SentinelState, symbol: int, notional: int) -> int:
    """Maintenance margin straight from the definition, as the margin of each slice of notional."""
    margin = Fraction(0)
    tiers = state.tiers[symbol][: state.symbols[symbol]["tier_count"]]
    for index, tier in enumerate(tiers):
        above = int(tiers[index + 1]["floor"]) if index + 1 < len(tiers) else notional
        inside = max(min(notional, above) - int(tier["floor"]), 0)
        margin += Fraction(inside * int(tier["ppm"]), PPM)
    return -(-margin.numerator // margin.denominator)


def _check_sums(state: SentinelState, order: np.ndarray) -> None:
    count = int(state.summary[0]["account_count"])
    equity = state.accounts["collateral"][:count].tolist()
    maintenance = [0] * count
    for slot in order:
        position = state.positions[slot]
        symbol = state.symbols[position["symbol"]]
        qty, entry_value = int(position["qty"]), int(position["entry_value"])
        value = qty * int(symbol["mark"]) * int(symbol["money_unit"]) or entry_value
        way = qty * (int(symbol["funding"]) - int(position["funding"]))
        equity[position["row"]] += value - entry_value - -(-way // PPM)
        maintenance[position["row"]] += _maintenance(state, int(position["symbol"]), abs(value))
    for row in range(count):
        found = measure(state, row)
        _require(
            (equity[row], maintenance[row]) == (found.equity, found.maintenance),
            "B, worth",
            account=state.accounts[row]["account"],
            expected=(equity[row], maintenance[row]),
            found=found,
        )


def _check_reachability(state: SentinelState, order: np.ndarray) -> None:
    seen: list[int] = []
    for row in range(int(state.summary[0]["account_count"])):
        slot = int(state.accounts[row]["first_position"])
        symbol_before = -1
        while slot != NONE:
            position = state.positions[slot]
            in_order = symbol_before < position["symbol"]
            _require(in_order and position["row"] == row, "C, account's list", row=row, slot=slot)
            symbol_before = int(position["symbol"])
            seen.append(slot)
            slot = int(position["next_position"])
    _require(
        sorted(seen) == sorted(order.tolist()),
        "C, reach",
        by_account=len(seen),
        by_symbol=len(order),
    )


def _check_counts(state: SentinelState, order: np.ndarray) -> None:
    summary = state.summary[0]
    accounts = state.accounts[: summary["account_count"]]
    positions = state.positions[order]
    is_open = positions["qty"] != 0
    expected = {
        "slot_count": len(order),
        "position_count": int(is_open.sum()),
        "isolated_count": int((accounts["scope"] != OWN).sum()),
        "at_risk_count": int((accounts["at_risk"] != 0).sum()),
        "orders_in_flight": int((positions["order_id"] != 0).sum()),
        "candidate_count": 0,
    }
    for name, count in expected.items():
        _require(count == int(summary[name]), "D, count", name=name, value=int(summary[name]))
    for name in ("slot_count", "position_count", "orders_in_flight"):
        total = int(accounts[name].sum())
        _require(total == expected[name], "D, accounts' counts", name=name, value=total)


def _check_orders(state: SentinelState, order: np.ndarray) -> None:
    positions = state.positions[order]
    orders = positions["order_id"][positions["order_id"] != 0].tolist()
    _require(len(set(orders)) == len(orders), "E, distinct", orders=orders)
    next_order_id = int(state.summary[0]["next_order_id"])
    _require(all(FIRST_ORDER_ID <= each < next_order_id for each in orders), "E", orders=orders)
    is_own = state.accounts["scope"][positions["row"]] == OWN
    idle = (positions["qty"] == 0) & (positions["order_id"] == 0)
    idle &= (positions["leverage"] == 0) & is_own
    _require(not idle.any(), "E, idle slots", count=int(idle.sum()))


def _check_limits(state: SentinelState, order: np.ndarray) -> None:
    summary = state.summary[0]
    accounts = state.accounts[: summary["account_count"]]
    flat = accounts[accounts["position_count"] == 0]
    _require(bool((flat["collateral"] >= 0).all()), "F, flat accounts", count=len(flat))
    within = bool((abs(accounts["collateral"]) <= 2 * MONEY_MAX).all())
    _require(within and 0 <= summary["fund"] <= MONEY_MAX, "F, money", fund=summary["fund"])
    for slot in order:
        position = state.positions[slot]
        symbol = state.symbols[position["symbol"]]
        lots = abs(int(position["qty"]))
        value = lots * int(symbol["mark"]) * int(symbol["money_unit"])
        holds = lots <= min(QTY_LOTS_MAX, int(symbol["qty_high"]))
        holds = holds and max(value, abs(int(position["entry_value"]))) <= NOTIONAL_MAX
        _require(holds, "F, position", slot=slot, lots=lots, value=value)


def _check_heaps(state: SentinelState, order: np.ndarray) -> None:
    used = (int(order.max(initial=-1)) // BLOCK_SLOTS + 1) * BLOCK_SLOTS
    is_open = np.zeros(used, bool)
    is_open[order] = state.positions["qty"][order] != 0
    for heap in (FALLING, RISING):
        nodes = state.triggers[heap]
        armed = nodes["is_armed"][:used] != 0
        _require(bool((armed == is_open).all()), "G, armed", heap=heap)
        seen = 0
        for symbol in np.flatnonzero(state.symbols[ROOTS[heap]] != NONE):
            pending = [(int(state.symbols[symbol][ROOTS[heap]]), NONE, -(2**63))]
            while pending:
                slot, before, floor = pending.pop()
                if slot == NONE:
                    continue
                node = nodes[slot]
                holds = node["key"] >= floor and node["previous"] == before
                _require(bool(holds), "G, order", heap=heap, slot=slot)
                seen += 1
                pending.append((int(node["next"]), slot, floor))
                pending.append((int(node["child"]), slot, int(node["key"])))
        _require(seen == int(is_open.sum()), "G, reach", heap=heap, seen=seen)
    missed = set(touched_wallets(state).tolist()) - set(reached_wallets(state).tolist())
    _require(not missed, "G, a band is too wide", rows=sorted(missed))
