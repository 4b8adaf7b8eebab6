"""The events that the ring's scenarios send: with the fields of LMAX's, and no padding."""

from __future__ import annotations

from typing import Final

import numpy as np

VALUE: Final = np.dtype([("value", np.int64)])
WIDE: Final = np.dtype([("value", np.int64), ("rest", np.int64, (7,))])
"""A whole cache line, as most events of a real system are."""
FUNCTION: Final = np.dtype(
    [
        ("operand_one", np.int64),
        ("operand_two", np.int64),
        ("step_one", np.int64),
        ("step_two", np.int64),
    ]
)
FIZZ_BUZZ: Final = np.dtype(
    [("value", np.int64), ("fizz", np.bool_), ("buzz", np.bool_)], align=True
)
OPERAND_TWO: Final = 777
