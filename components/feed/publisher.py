"""The last step of every source: admit a batch, hand it on, and count what it held."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from components.feed.ingress import Ingress
from components.feed.metrics import FeedMetrics
from components.messages.code import OP_PRICE
from components.messages.command import Commands

Publish = Callable[[Commands], None]
"""Puts commands, all valid and stamped, into the ring; may block briefly when it is full."""


class Publisher:
    """Gives each admitted command to ``publish`` once, in order, ``batch_max`` at a time."""

    def __init__(
        self, publish: Publish, ingress: Ingress, metrics: FeedMetrics, batch_max: int
    ) -> None:
        self._publish = publish
        self._ingress = ingress
        self._metrics = metrics
        self._batch_max = batch_max

    def send(self, commands: Commands) -> None:
        """Publish prices and orders, mixed, with their own times."""
        admitted = self._hand_on(self._ingress.admit(commands))
        prices = admitted[admitted["op"] == OP_PRICE]
        if len(prices) < len(admitted):
            self._metrics.orders(len(admitted) - len(prices))
        self._count_prices(prices)

    def send_prices(self, prices: Commands, now_ns: int) -> None:
        """Publish price commands, stamped ``now_ns``."""
        self._count_prices(self._hand_on(self._ingress.stamp(prices, now_ns)))

    def send_orders(self, orders: Commands, now_ns: int) -> None:
        """Publish commands of the order flow, stamped ``now_ns``."""
        if len(orders):
            self._metrics.orders(len(self._hand_on(self._ingress.stamp(orders, now_ns))))

    def _hand_on(self, admitted: Commands) -> Commands:
        for first in range(0, len(admitted), self._batch_max):
            self._publish(admitted[first : first + self._batch_max])
        return admitted

    def _count_prices(self, admitted: Commands) -> None:
        counts = np.bincount(admitted["symbol"])
        for symbol in np.flatnonzero(counts):
            last = admitted["price"][admitted["symbol"] == symbol][-1]
            self._metrics.price_update(int(symbol), int(last), int(counts[symbol]))
