"""What people may see of Sentinel's accounts: one row an account, and the totals.

The process copies these into shared memory for metrics and status lines; nothing here decides.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.accounts import OWN
from components.sentinel.engine.ledger import BAD_DEBT, add_flow, saturated
from components.sentinel.engine.margin import margin_ratio_ppm
from components.sentinel.engine.state import SentinelState, wide
from components.sentinel.engine.valuation import Measure, measure
from disruptor.compiled import compiled, inlined

ACCOUNT_VIEW: Final = np.dtype(
    [
        ("account", np.int64),
        ("collateral", np.int64),  # money, as are the next three
        ("equity", np.int64),
        ("unrealised", np.int64),
        ("maintenance", np.int64),
        # Maintenance over equity, as Binance counts it: rounded up, above 1,000,000 means
        # liquidation, 0 without positions, RATIO_PPM_MAX (10**12) without equity.
        ("margin_ratio_ppm", np.int64),
        ("positions", np.int32),
        ("at_risk", np.uint8),  # the level of warning, 0: none
        ("in_liquidation", np.uint8),  # a liquidation order is in flight
        ("deleveraging_light", np.uint8),  # see deleveraging_view.py
        ("reserved", np.uint8),
    ],
    align=True,
)
assert ACCOUNT_VIEW.itemsize == 56

AccountViews = NDArray[np.void]
"""An array of dtype ACCOUNT_VIEW."""


class Totals(NamedTuple):
    """Sums over all of Sentinel; money held at ±(2**62 - 1) if it were ever more."""

    accounts: int
    positions: int
    accounts_at_risk: int
    orders_in_flight: int
    collateral: int
    insurance_fund: int
    bad_debt: int


@compiled
def fill_account_view(state: SentinelState, rows: AccountViews) -> int:
    """Describe the first accounts, in order of opening, in ``rows``; returns how many.

    An account's isolated positions are part of its money; its margin ratio is that of the wallet
    that is nearest to liquidation.
    """
    places = np.zeros(state.summary[0]["account_count"], np.int64)
    count = 0
    for row in range(places.size):
        account = state.accounts[row]
        place = count if account["scope"] == OWN else places[wide(account["owner"])]
        places[row] = place
        if place >= rows.size:
            continue
        if account["scope"] == OWN:
            count += 1
            rows[place]["account"] = account["account"]
            _clear(rows[place])
        _add(rows[place], account, measure(state, row))
    return count


@inlined
def _clear(view: np.void) -> None:
    view["collateral"] = 0
    view["equity"] = 0
    view["unrealised"] = 0
    view["maintenance"] = 0
    view["margin_ratio_ppm"] = 0
    view["positions"] = 0
    view["at_risk"] = 0
    view["in_liquidation"] = 0
    view["deleveraging_light"] = 0


@inlined
def _add(view: np.void, account: np.void, found: Measure) -> None:
    view["collateral"] += account["collateral"]
    view["equity"] += found.equity
    view["unrealised"] += found.equity - account["collateral"]
    view["maintenance"] += found.maintenance
    ratio = margin_ratio_ppm(found.maintenance, found.equity)
    view["margin_ratio_ppm"] = max(view["margin_ratio_ppm"], ratio)
    view["positions"] += account["position_count"]
    view["at_risk"] = max(view["at_risk"], account["at_risk"])
    if account["orders_in_flight"] > 0:
        view["in_liquidation"] = 1


@compiled
def totals(state: SentinelState) -> Totals:
    """Count everything; O(accounts)."""
    summary = state.summary[0]
    collateral = np.zeros((1, 2), np.int64)
    for row in range(summary["account_count"]):
        add_flow(collateral, 0, state.accounts[row]["collateral"])
    return Totals(
        summary["account_count"] - summary["isolated_count"],
        summary["position_count"],
        summary["at_risk_count"],
        summary["orders_in_flight"],
        saturated(collateral[0, 0], collateral[0, 1]),
        summary["fund"],
        saturated(state.ledger[BAD_DEBT, 0], state.ledger[BAD_DEBT, 1]),
    )
