"""The levels of a venue's book, kept from a snapshot and its changes, or from partial books alone.

Which message may be applied is judged before (``gaps``); this only keeps what it is told.  Prices are
kept sorted, so that the top of a side is a slice, and a change costs one bisection.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

Levels = list[tuple[int, int]]
"""(price in ticks, quantity in lots); of a change, 0 lots means that the level is gone."""


class _Side:
    def __init__(self) -> None:
        self.lots: dict[int, int] = {}
        self.prices: list[int] = []

    def clear(self) -> None:
        self.lots.clear()
        self.prices.clear()

    def change(self, levels: Iterable[tuple[int, int]]) -> None:
        for price, lots in levels:
            if lots > 0:
                if price not in self.lots:
                    insort(self.prices, price)
                self.lots[price] = lots
            elif self.lots.pop(price, 0):
                del self.prices[bisect_left(self.prices, price)]


class VenueBook:
    """One symbol's book."""

    def __init__(self) -> None:
        self._bids = _Side()
        self._asks = _Side()

    def clear(self) -> None:
        """Nothing is known."""
        self._bids.clear()
        self._asks.clear()

    def replace(self, bids: Levels, asks: Levels) -> None:
        """The whole book, in place of what was known."""
        self.clear()
        self.change(bids, asks)

    def change(self, bids: Levels, asks: Levels) -> None:
        """Set these levels; the last one counts if a price stands twice."""
        self._bids.change(bids)
        self._asks.change(asks)

    def keep(self, depth: int) -> None:
        """Forget what is deeper than ``depth`` levels, where a venue tells of no more than those."""
        for price in self._bids.prices[:-depth]:
            del self._bids.lots[price]
        del self._bids.prices[:-depth]
        for price in self._asks.prices[depth:]:
            del self._asks.lots[price]
        del self._asks.prices[depth:]

    def bids(self, depth: int) -> Levels:
        """The best ``depth`` bids, the highest first."""
        return [(price, self._bids.lots[price]) for price in self._bids.prices[: -depth - 1 : -1]]

    def asks(self, depth: int) -> Levels:
        """The best ``depth`` asks, the lowest first."""
        return [(price, self._asks.lots[price]) for price in self._asks.prices[:depth]]

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is not below the best ask, which no venue's book is for long."""
        bids, asks = self._bids.prices, self._asks.prices
        return bool(bids) and bool(asks) and bids[-1] >= asks[0]
