"""Kraken's book of one symbol as it is sent, proven by its checksum after every message.

The checksum is a CRC-32 over the ten best asks, then the ten best bids, each as the digits of its
price and of its quantity without the point and without leading zeros.  Digits count, trailing zeros
among them, so texts are kept as they came.  Kraken says nothing of a level that falls out of the
subscribed depth; what is deeper is forgotten.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from components.feed.venue_messages import Pairs

CHECKED_LEVELS: Final = 10


class KrakenBook:
    """Texts by price, best first."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self.bids: Pairs = []
        self.asks: Pairs = []

    def replace(self, bids: Pairs, asks: Pairs) -> None:
        """The whole book."""
        self.bids, self.asks = [], []
        self.change(bids, asks)

    def change(self, bids: Pairs, asks: Pairs) -> None:
        """Set these levels; a quantity of zero takes its level away."""
        self.bids = _changed(self.bids, bids, self._depth, highest_first=True)
        self.asks = _changed(self.asks, asks, self._depth, highest_first=False)

    def checksum(self) -> int:
        """What Kraken must have sent with the message that led here."""
        levels = (*self.asks[:CHECKED_LEVELS], *self.bids[:CHECKED_LEVELS])
        digits = "".join(_digits(price) + _digits(qty) for price, qty in levels)
        return zlib.crc32(digits.encode())


def _digits(text: str) -> str:
    return text.replace(".", "").lstrip("0")


def _changed(side: Pairs, levels: Iterable[list[str]], depth: int, *, highest_first: bool) -> Pairs:
    if not levels:
        return side
    by_price = {Decimal(price): [price, qty] for price, qty in side}
    for price, qty in levels:
        if Decimal(qty):
            by_price[Decimal(price)] = [price, qty]
        else:
            by_price.pop(Decimal(price), None)
    ordered = sorted(by_price, reverse=highest_first)[:depth]
    return [by_price[price] for price in ordered]
