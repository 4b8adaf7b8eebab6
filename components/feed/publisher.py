"""The last step of every source: admit a batch, hand it on, and count what it held."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from components.feed.ingress import Ingress
from components.feed.metrics import FeedMetrics
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

    def send_prices(self, commands: Commands, now_ns: int | None = None) -> None:
        """Publish price commands, stamped ``now_ns``, or with their own times if it is None."""
        admitted = self._send(commands, now_ns)
        counts = np.bincount(admitted["symbol"])
        for symbol in np.flatnonzero(counts):
            last = admitted["price"][admitted["symbol"] == symbol][-1]
            self._metrics.price_update(int(symbol), int(last), int(counts[symbol]))

    def send_orders(self, commands: Commands, now_ns: int | None = None) -> None:
        """Publish commands of the order flow, stamped as ``send_prices`` does."""
        if len(commands):
            self._metrics.orders(len(self._send(commands, now_ns)))

    def _send(self, commands: Commands, now_ns: int | None) -> Commands:
        if now_ns is None:
            admitted = self._ingress.admit(commands)
        else:
            admitted = self._ingress.stamp(commands, now_ns)
        for first in range(0, len(admitted), self._batch_max):
            self._publish(admitted[first : first + self._batch_max])
        return admitted
