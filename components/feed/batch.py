"""Commands gathered until a batch is full or the source has nothing more at hand."""

from __future__ import annotations

from typing import Final

import numpy as np

from components.feed.publisher import Publisher
from components.messages.code import OP_PRICE, SOURCE_FEED
from components.messages.command import COMMAND, Commands, new_commands

_RAW: Final = np.dtype((np.void, COMMAND.itemsize))
"""A command as one block of bytes, for copies that need not know its fields."""


class CommandBatch:
    """Price and order-flow commands in the order in which they are added, with their own times.

    Fields are written column by column: a row of a structured array costs three times as much.
    """

    def __init__(self, publisher: Publisher, size_max: int) -> None:
        self._publisher = publisher
        self._size_max = size_max
        self._begin()

    def __len__(self) -> int:
        return self._count

    def _begin(self) -> None:
        self._count = 0
        self._commands = new_commands(self._size_max)
        self._raw = self._commands.view(_RAW)
        self._commands["op"] = OP_PRICE
        self._commands["source"] = SOURCE_FEED
        self._ts = self._commands["ts"]
        self._origin_ts = self._commands["origin_ts"]
        self._symbol = self._commands["symbol"]
        self._price = self._commands["price"]
        self._qty = self._commands["qty"]
        self._matched_ts = self._commands["expires"]
        self._flags = self._commands["flags"]
        self._venue = self._commands["side"]

    def add_price(
        self,
        ts: int,
        origin_ts: int,
        matched_ts: int,
        symbol: int,
        price: int,
        qty: int,
        flags: int,
        venue: int = 0,
    ) -> None:
        """Add a price; a full batch is published at once."""
        row = self._count
        self._ts[row] = ts
        self._origin_ts[row] = origin_ts
        self._symbol[row] = symbol
        self._price[row] = price
        self._qty[row] = qty
        self._matched_ts[row] = matched_ts
        if flags:
            self._flags[row] = flags
        if venue:
            self._venue[row] = venue
        self._count = row + 1
        if self._count == self._size_max:
            self.flush()

    def add_orders(self, orders: Commands) -> None:
        """Add commands of the order flow."""
        raw_orders = orders.view(_RAW)
        done = 0
        while done < len(orders):
            taken = min(len(orders) - done, self._size_max - self._count)
            end = self._count + taken
            self._raw[self._count : end] = raw_orders[done : done + taken]
            self._count = end
            done += taken
            if self._count == self._size_max:
                self.flush()

    def flush(self) -> None:
        """Publish what is there."""
        if self._count:
            full = self._commands[: self._count]
            self._begin()
            self._publisher.send(full)


class VenueBatch:
    """The batch as one of several venues sees it: its prices name it by its place among them."""

    def __init__(self, batch: CommandBatch, venue: int) -> None:
        self.flush = batch.flush
        self.add_orders = batch.add_orders
        self._add_price = batch.add_price
        self._venue = venue

    def add_price(
        self,
        ts: int,
        origin_ts: int,
        matched_ts: int,
        symbol: int,
        price: int,
        qty: int,
        flags: int,
    ) -> None:
        """Add a price of this venue."""
        self._add_price(ts, origin_ts, matched_ts, symbol, price, qty, flags, self._venue)
