"""Money that ever crossed the edge of the accounts, counted for the conservation identity.

Every counter is two words, ``high * 2**62 + low``, because volume accumulates for ever and would
pass 63 bits within months.  At any time, exactly,

    sum(collateral) - sum(entry value) + fund
        = DEPOSITED - WITHDRAWN + SEEDED + BAD_DEBT - FEES - FUNDING - TRADED

where TRADED is the signed value of all fills (buys positive) and of opening positions, FEES what
went to the venue, FUNDING what was settled of it (longs pay, shorts receive, and the difference
waits), SEEDED the fund's starting money, and BAD_DEBT what no fund could pay and was
written off.  Adding the value at mark to both sides, the left becomes sum(equity) + fund: equity
moves with the marks and these flows, and with nothing else.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.state import LEDGER_FLOWS
from disruptor.compiled import compiled

DEPOSITED: Final = 0
WITHDRAWN: Final = 1
FEES: Final = 2
TRADED: Final = 3
BAD_DEBT: Final = 4
SEEDED: Final = 5
FUNDING: Final = 6
assert FUNDING + 1 == LEDGER_FLOWS

LOW: Final = 2**62
"""A low word stays in [0, LOW)."""


@compiled
def add_flow(ledger: NDArray[np.int64], flow: int, amount: int) -> None:
    """Count ``amount``, of either sign, |amount| < 2**62, in one of the flows above."""
    low = ledger[flow, 1] + amount
    if low >= LOW:
        low -= LOW
        ledger[flow, 0] += 1
    elif low < 0:
        low += LOW
        ledger[flow, 0] -= 1
    ledger[flow, 1] = low


@compiled
def saturated(high: int, low: int) -> int:
    """A two-word count as one word, held at ±(2**62 - 1) when it does not fit."""
    if high == 0:
        return low
    if high == -1:
        return low - LOW
    return LOW - 1 if high > 0 else 1 - LOW


def flow_total(ledger: NDArray[np.int64], flow: int) -> int:
    """The exact total of a flow, as a Python integer."""
    return int(ledger[flow, 0]) * LOW + int(ledger[flow, 1])
