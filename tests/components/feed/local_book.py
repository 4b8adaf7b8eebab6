"""Titan's engine as a test asks it: commands in, events out, and the levels that result."""

from __future__ import annotations

import numpy as np

from components.instruments import InstrumentTable
from components.messages.command import Commands
from components.messages.event import Events
from components.titan.engine.apply import apply_batch
from components.titan.engine.market_data import depth
from components.titan.engine.state import new_outbox, new_state

Levels = list[tuple[int, int]]


class LocalBook:
    """The real engine with the feed's instruments listed."""

    def __init__(self, instruments: InstrumentTable, max_orders: int = 4_096) -> None:
        self._state = new_state(max_orders=max_orders)
        self._outbox = new_outbox(65_536)
        self._sequence = 1
        self.apply(instruments.to_commands())

    def apply(self, commands: Commands) -> Events:
        """Apply all commands; their events."""
        self._outbox.count[0] = 0
        applied = apply_batch(self._state, commands, self._sequence, self._outbox)
        assert applied == len(commands)
        self._sequence += applied
        return self._outbox.slots[: self._outbox.count[0]].copy()

    def levels(self, symbol: int, count: int) -> tuple[Levels, Levels]:
        """The best bids and asks, (price, lots), best first."""
        bids, asks = depth(self._state, symbol, count)
        return _pairs(bids), _pairs(asks)


def _pairs(side: np.ndarray) -> Levels:
    return [(int(price), int(lots)) for price, lots, *_ in side.tolist() if lots > 0]
