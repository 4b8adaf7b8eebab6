"""How early each account would be deleveraged: the lights that Binance shows beside a position.

    positions of one symbol and side, ranked as deleveraging.py ranks them, the first one first
    light 5: the first fifth ... light 1: the last fifth; 0: no position

An account shows the brightest light of its positions, isolated ones too.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.accounts import OWN
from components.sentinel.engine.deleveraging import score_of
from components.sentinel.engine.state import BLOCK_SLOTS, NONE, SentinelState, wide
from components.sentinel.engine.valuation import value_of
from disruptor.compiled import compiled

LIGHTS: Final = 5

RANKED: Final = np.dtype(
    [
        ("symbol", np.int64),
        ("is_short", np.int64),
        ("score", np.int64),
        ("notional", np.int64),
        ("account", np.int64),
        ("owner", np.int64),  # row of the account's own wallet
    ],
    align=True,
)


@compiled
def _collect(state: SentinelState, into: NDArray[Any]) -> int:
    count = 0
    for symbol in range(len(state.symbols)):
        block = wide(state.symbols[symbol]["first_block"])
        left = wide(state.symbols[symbol]["slot_count"])
        while block != NONE:
            first = block * BLOCK_SLOTS
            for slot in range(first, first + min(left, BLOCK_SLOTS)):
                position = state.positions[slot]
                if position["qty"] != 0:
                    account = state.accounts[wide(position["row"])]
                    ranked = into[count]
                    ranked["symbol"] = symbol
                    ranked["is_short"] = position["qty"] < 0
                    ranked["score"] = score_of(state, slot)
                    ranked["notional"] = abs(value_of(state, slot))
                    ranked["account"] = account["account"]
                    ranked["owner"] = wide(account["owner"])
                    count += 1
            left -= BLOCK_SLOTS
            block = wide(state.block_next[block])
    return count


def deleveraging_lights(state: SentinelState) -> NDArray[np.uint8]:
    """The light of each account, in order of opening, as in the account view."""
    ranked = np.zeros(int(state.summary[0]["position_count"]), RANKED)
    ranked = ranked[: _collect(state, ranked)]
    order = np.lexsort(
        (
            ranked["account"],
            -ranked["notional"],
            -ranked["score"],
            ranked["is_short"],
            ranked["symbol"],
        )
    )
    ranked = ranked[order]
    side = ranked["symbol"] * 2 + ranked["is_short"]
    _, first, size = np.unique(side, return_index=True, return_counts=True)
    place = np.arange(len(ranked)) - np.repeat(first, size)
    lights = LIGHTS - place * LIGHTS // np.repeat(size, size)
    rows = int(state.summary[0]["account_count"])
    by_row = np.zeros(rows, np.uint8)
    np.maximum.at(by_row, ranked["owner"], lights.astype(np.uint8))
    own: NDArray[np.uint8] = by_row[state.accounts["scope"][:rows] == OWN]
    return own
