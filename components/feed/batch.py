"""Commands gathered until a batch is full or the source has nothing more at hand."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from components.feed.publisher import Publisher
from components.messages.code import OP_PRICE, SOURCE_FEED
from components.messages.command import COMMAND, Commands, new_commands

_RAW: Final = np.dtype((np.void, COMMAND.itemsize))
"""A command as one block of bytes, for copies that need not know its fields."""
_PRICE: Final = struct.Struct("<2q16x2q16xq8xI4x2B2xBxBx")
"""ts origin_ts price qty expires symbol op side flags source; all else is zero."""
_SIZE: Final = COMMAND.itemsize
assert _PRICE.size == _SIZE


class CommandBatch:
    """Price and order-flow commands in the order in which they are added, with their own times.

    A price is packed into its record in one call: field by field it costs four times as much.
    """

    def __init__(self, publisher: Publisher, size_max: int) -> None:
        self.whole: Final = self
        self.venue: Final = 0
        self._publisher = publisher
        self._size_max = size_max
        self._begin()

    def _begin(self) -> None:
        self.count = 0
        self.commands = new_commands(self._size_max)
        self._raw = self.commands.view(_RAW)
        self._bytes = self.commands.view(np.uint8).data

    def grown(self) -> None:
        """A kernel has written ``commands[count]``; a full batch is published at once."""
        self.count += 1
        if self.count == self._size_max:
            self.flush()

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
        row = self.count
        _PRICE.pack_into(
            self._bytes,
            row * _SIZE,
            ts,
            origin_ts,
            price,
            qty,
            matched_ts,
            symbol,
            OP_PRICE,
            venue,
            flags,
            SOURCE_FEED,
        )
        self.grown()

    def add_orders(self, orders: Commands) -> None:
        """Add commands of the order flow."""
        raw_orders = orders.view(_RAW)
        done = 0
        while done < len(orders):
            taken = min(len(orders) - done, self._size_max - self.count)
            end = self.count + taken
            self._raw[self.count : end] = raw_orders[done : done + taken]
            self.count = end
            done += taken
            if self.count == self._size_max:
                self.flush()

    def flush(self) -> None:
        """Publish what is there."""
        if self.count:
            full = self.commands[: self.count]
            self._begin()
            self._publisher.send(full)


class VenueBatch:
    """The batch as one of several venues sees it: its prices name it by its place among them."""

    def __init__(self, batch: CommandBatch, venue: int) -> None:
        self.whole: Final = batch
        self.venue: Final = venue
        self.flush = batch.flush
        self.add_orders = batch.add_orders
        self._add_price = batch.add_price

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
        self._add_price(ts, origin_ts, matched_ts, symbol, price, qty, flags, self.venue)
