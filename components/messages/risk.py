"""The risk stream: what Sentinel decides, a function of the events alone; 96 bytes each.

Which fields a kind uses (``seq`` is the sequence of the command behind the event that caused it):

    account         account collateral equity maintenance; amount: the change of collateral;
                    side, symbol: MARGIN_ISOLATED and which, when it is an isolated wallet's
    position        account symbol; qty: signed lots after the change, negative is short;
                    entry_value: money paid for it, signed as qty; price: of the fill, ticks;
                    amount: profit realised by the change, fees taken off; collateral
    at_risk         account equity maintenance collateral; flags: the level entered, 0: none any more
    liquidation     account symbol side qty price; side: of the closing order; price: the mark;
                    qty: what this step closes; amount: the loss on it, >= 0; bankruptcy_price (0:
                    at market); collateral equity maintenance; flags: the margin tier, from 0;
                    entry_value: the version of the rules (both 0 before version 3)
    insurance_fund  amount: the change; collateral: the fund after it; account: for whom
                    (0: its start); entry_value: bad debt, what the fund could not pay
    deleverage      account symbol side qty price; amount: profit realised by it; collateral
    rejected        account symbol reason; amount: the money that was refused
    leverage        account symbol; side: a MARGIN code; qty: the leverage chosen, 0: the most
    funding         account symbol; amount: what was received, negative: paid; collateral; side
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

RISK: Final = np.dtype(
    [
        ("seq", np.int64),
        ("ts", np.int64),
        ("account", np.int64),
        ("price", np.int64),
        ("qty", np.int64),
        ("bankruptcy_price", np.int64),
        ("collateral", np.int64),
        ("equity", np.int64),
        ("maintenance", np.int64),
        ("entry_value", np.int64),
        ("amount", np.int64),
        ("symbol", np.uint32),
        ("kind", np.uint8),
        ("reason", np.uint8),
        ("side", np.uint8),
        ("flags", np.uint8),
    ],
    align=True,
)
assert RISK.itemsize == 96

Risks = NDArray[np.void]
"""An array of dtype RISK."""
