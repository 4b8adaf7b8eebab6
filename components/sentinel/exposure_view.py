"""The positions of those who are nearest to liquidation, and the price at which each would fall.

For people: an account view has a row for everybody, while this costs a bisection a position and is
therefore made for the worst wallets alone.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.monitor.account_sample import worst
from components.sentinel.engine.liquidation_price import liquidation_price
from components.sentinel.engine.margin import margin_ratio_ppm
from components.sentinel.engine.state import NONE, SentinelState, wide
from components.sentinel.engine.valuation import maintenance_of, measure, unrealised_of
from disruptor.compiled import compiled

EXPOSURES_SHOWN: Final = 48

EXPOSURE_VIEW: Final = np.dtype(
    [
        ("account", np.int64),
        ("qty", np.int64),  # signed lots, negative is short
        ("entry_value", np.int64),  # money, signed as qty
        ("unrealised", np.int64),  # money, at the mark, funding owed taken off
        ("maintenance", np.int64),  # money
        ("mark", np.int64),  # ticks; 0 before the first price
        ("liquidation_price", np.int64),  # ticks, other symbols unmoved; 0: nowhere
        ("margin_ratio_ppm", np.int64),  # of the wallet that it belongs to
        ("symbol", np.int32),
        ("is_isolated", np.int32),
    ]
)

Exposures = NDArray[Any]
"""An array of dtype EXPOSURE_VIEW."""


def nearest_exposures(state: SentinelState) -> Exposures:
    """At most EXPOSURES_SHOWN positions, those of the wallet nearest to liquidation first."""
    ratios = wallet_ratios(state)
    rows = worst(ratios, EXPOSURES_SHOWN)
    exposed = np.ascontiguousarray(rows[ratios[rows] > 0], np.int64)
    views = np.zeros(EXPOSURES_SHOWN, EXPOSURE_VIEW)
    return views[: int(fill_exposures(state, exposed, views))]


@compiled
def wallet_ratios(state: SentinelState) -> NDArray[np.int64]:
    """The margin ratio of every wallet, in ppm; 0 without positions."""
    ratios = np.zeros(state.summary[0]["account_count"], np.int64)
    for row in range(ratios.size):
        if state.accounts[row]["position_count"] > 0:
            found = measure(state, row)
            ratios[row] = margin_ratio_ppm(found.maintenance, found.equity)
    return ratios


@compiled
def fill_exposures(state: SentinelState, rows: NDArray[np.int64], views: Exposures) -> int:
    """Describe the open positions of the wallets in ``rows``; returns how many had room."""
    count = 0
    for row in rows:
        found = measure(state, row)
        ratio = margin_ratio_ppm(found.maintenance, found.equity)
        slot = wide(state.accounts[row]["first_position"])
        while slot != NONE and count < views.size:
            position = state.positions[slot]
            if position["qty"] != 0:
                symbol = wide(position["symbol"])
                view = views[count]
                view["account"] = state.accounts[row]["account"]
                view["qty"] = position["qty"]
                view["entry_value"] = position["entry_value"]
                view["unrealised"] = unrealised_of(state, slot)
                view["maintenance"] = maintenance_of(state, slot)
                view["mark"] = state.symbols[symbol]["mark"]
                view["liquidation_price"] = liquidation_price(state, slot)
                view["margin_ratio_ppm"] = ratio
                view["symbol"] = symbol
                view["is_isolated"] = 1 if state.accounts[row]["scope"] != 0 else 0
                count += 1
            slot = wide(position["next_position"])
    return count
