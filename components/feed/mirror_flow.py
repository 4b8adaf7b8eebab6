"""A maker who copies the top of a venue's book, so that orders here meet the liquidity there.

After each change of the venue's book, this sends what makes its own quotes the same: first the
cancels of levels that are gone or have another quantity, then the quotes for what is new.  So it

- sends at most two commands for each level that it copies, a side, an update;
- never crosses its own quotes, as what is left after the cancels is part of the new book, whose
  bids are below its asks;
- puts a level back whole when the venue changes it, even if it was eaten here meanwhile: a quote is
  never amended, because what is left of it is not known.

A book that is lost, or crossed, is withdrawn with one mass cancel of the symbol.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.feed.order_flow import NEVER, UnpricedFlow
from components.feed.venue_book import Levels, VenueBook
from components.messages.code import (
    BUY,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_PLACE,
    SELL,
    SOURCE_ORDER_FLOW,
    TIF_GTC,
    TYPE_LIMIT,
)
from components.messages.command import Commands, new_commands


class MirrorFlow(UnpricedFlow):
    """The quotes of one account, in any number of symbols."""

    def __init__(self, account: int, levels: int) -> None:
        super().__init__((account,))
        self._account = account
        self.levels: Final = levels
        self._next_id = 1
        self._quotes: dict[tuple[int, int], dict[int, tuple[int, int]]] = {}

    @property
    def next_due_ns(self) -> int:
        return NEVER

    def due(self, now_ns: int) -> Commands:
        return new_commands(0)

    def follow(self, symbol: int, book: VenueBook, now_ns: int) -> Commands:
        """What makes the quotes in ``symbol`` those of ``book``."""
        if book.is_crossed:
            return self.withdraw(symbol, now_ns)
        cancels: list[tuple[int, int, int, int]] = []
        places: list[tuple[int, int, int, int]] = []
        for side, levels in ((BUY, book.bids(self.levels)), (SELL, book.asks(self.levels))):
            self._follow_side(symbol, side, levels, cancels, places)
        commands = new_commands(len(cancels) + len(places))
        if len(commands):
            self._write(commands, symbol, now_ns, [*cancels, *places])
            commands["op"][: len(cancels)] = OP_CANCEL
            placed = commands[len(cancels) :]
            placed["op"] = OP_PLACE
            placed["order_type"] = TYPE_LIMIT
            placed["tif"] = TIF_GTC
        return commands

    def withdraw(self, symbol: int, now_ns: int) -> Commands:
        """The mass cancel that takes all quotes in ``symbol`` away; nothing if there are none."""
        quotes = [self._quotes.pop((symbol, side), {}) for side in (BUY, SELL)]
        commands = new_commands(1 if any(quotes) else 0)
        self._write(commands, symbol, now_ns, [(0, 0, 0, 0)] * len(commands))
        commands["op"] = OP_CANCEL_ALL
        return commands

    def _follow_side(
        self,
        symbol: int,
        side: int,
        levels: Levels,
        cancels: list[tuple[int, int, int, int]],
        places: list[tuple[int, int, int, int]],
    ) -> None:
        """Add (order id, side, price, lots) of each quote to take away, and of each to make."""
        quotes = self._quotes.setdefault((symbol, side), {})
        wanted = dict(levels)
        for price, (order_id, lots) in tuple(quotes.items()):
            if wanted.get(price) != lots:
                cancels.append((order_id, 0, 0, 0))
                del quotes[price]
        for price, lots in levels:
            if price not in quotes:
                quotes[price] = (self._next_id, lots)
                places.append((self._next_id, side, price, lots))
                self._next_id += 1

    def _write(
        self,
        commands: Commands,
        symbol: int,
        now_ns: int,
        fields: list[tuple[int, int, int, int]],
    ) -> None:
        commands["ts"] = now_ns
        commands["source"] = SOURCE_ORDER_FLOW
        commands["account"] = self._account
        commands["symbol"] = symbol
        columns = np.array(fields, np.int64).reshape(len(fields), 4)
        for at, name in enumerate(("order_id", "side", "price", "qty")):
            commands[name] = columns[:, at]
