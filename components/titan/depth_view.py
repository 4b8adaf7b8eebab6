"""What people may see of Titan's books: the best levels of each side, as of one moment.

Titan's process copies them into shared memory some times a second, which costs the pipeline a few
microseconds each time and the journal nothing; published depth events would cost both for every
order, and a reader that missed one could not know the book any more.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.messages.code import BUY, SELL
from components.titan.engine import TitanState, depth

LEVELS_SHOWN: Final = 12
"""Of each side."""

DEPTH_VIEW: Final = np.dtype(
    [
        ("price", np.int64),  # ticks
        ("qty", np.int64),  # lots shown there
        ("symbol", np.int32),
        ("side", np.int32),
    ]
)


def depth_capacity(symbol_count: int) -> int:
    """Rows that a table of so many books needs."""
    return 2 * LEVELS_SHOWN * symbol_count


def depth_rows(state: TitanState, symbol_count: int) -> NDArray[Any]:
    """The best levels of the first ``symbol_count`` books, by symbol and side, best first."""
    rows = np.zeros(depth_capacity(symbol_count), DEPTH_VIEW)
    count = 0
    for symbol in range(min(symbol_count, len(state.books))):
        for side, levels in zip((BUY, SELL), depth(state, symbol, LEVELS_SHOWN), strict=True):
            chosen = rows[count : count + len(levels)]
            chosen["price"], chosen["qty"] = levels[:, 0], levels[:, 1]
            chosen["symbol"], chosen["side"] = symbol, side
            count += len(levels)
    return rows[:count]
