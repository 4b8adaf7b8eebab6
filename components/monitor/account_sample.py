"""Which accounts get a series of their own, and what stands for the others.

Prometheus keeps every label value it ever saw, so that a series for each of many thousand users
would cost more than the platform.  Up to ``max_users`` accounts all are exposed; above that those
with the smallest hash of their number: a sample that does not change as prices move or accounts
join, and whose mean is that of all, so that ``avg(sentinel_margin_ratio)`` stays true.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


def sampled(accounts: NDArray[np.int64], max_users: int) -> Indices:
    """Indices of at most ``max_users`` accounts, ascending; all when there are no more."""
    if len(accounts) <= max_users:
        return np.arange(len(accounts))
    chosen = np.argpartition(_hashed(accounts), max_users)[:max_users]
    return np.sort(chosen)


def worst(margin_ratios: NDArray[Any], count: int) -> Indices:
    """Indices of the ``count`` highest ratios, the account nearest to liquidation first."""
    if len(margin_ratios) <= count:
        return np.argsort(-margin_ratios, kind="stable")
    bound = np.partition(margin_ratios, -count)[-count]
    chosen = np.flatnonzero(margin_ratios >= bound)
    return chosen[np.argsort(-margin_ratios[chosen], kind="stable")][:count]


def _hashed(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: neighbouring account numbers end up far apart."""
    mixed = values.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return mixed ^ (mixed >> np.uint64(31))
