"""The events that the ring's scenarios send: one cache line each."""

from __future__ import annotations

from typing import Final

import numpy as np

VALUE: Final = np.dtype([("value", np.int64), ("rest", np.int64, (7,))])
FUNCTION: Final = np.dtype(
    [
        ("operand_one", np.int64),
        ("operand_two", np.int64),
        ("step_one", np.int64),
        ("step_two", np.int64),
        ("rest", np.int64, (4,)),
    ]
)
FIZZ_BUZZ: Final = np.dtype(
    [("value", np.int64), ("fizz", np.int64), ("buzz", np.int64), ("rest", np.int64, (5,))]
)
OPERAND_TWO: Final = 777
