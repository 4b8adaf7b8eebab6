"""The whole platform as it was after one command: all states, derived from the journal.

What a person or a notebook asks of them is given as arrays: instruments, orders, positions,
balances, depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from components.instruments import Instrument, InstrumentTable, mark_of
from components.messages.code import FLAG_DEPTH, FLAG_STOPS_ON_MARK
from components.oracle.derivation import Derivation, StateHashes
from components.oracle.moment import command_at
from components.oracle.read_ahead import ReadAhead
from components.oracle.starts import derivation_before
from components.oracle.store import Journal
from components.sentinel.account_view import ACCOUNT_VIEW, AccountViews, fill_account_view
from components.sentinel.engine import SentinelState
from components.sentinel.position_view import position_views
from components.titan.engine import depth
from components.titan.engine.snapshot import live_orders
from components.titan.shards import Shards, now_of, owner
from components.units import GRID_SCALE


@dataclass(frozen=True)
class PlatformState:
    """Titan and Sentinel after the command ``sequence``."""

    sequence: int
    shards: Shards  # Titan's states
    sentinel: SentinelState

    @property
    def ts(self) -> int:
        """The platform's time: the largest timestamp seen."""
        return now_of(self.shards)

    @property
    def instruments(self) -> InstrumentTable:
        """The instruments that are listed, without their margin tiers."""
        count = len(self.shards[0].books)
        books = ((index, self.book(index)) for index in range(count))
        return InstrumentTable(_instrument(*each) for each in books if each[1]["money_unit"])

    def book(self, symbol: int) -> np.void:
        """A symbol's rules and prices, as Titan has them."""
        found: np.void = owner(self.shards, symbol).books[symbol]
        return found

    def hashes(self) -> StateHashes:
        """The state hashes of Titan, Sentinel and the platform."""
        return Derivation(self.shards, self.sentinel, self.sequence).hashes()

    def orders(self) -> NDArray[np.void]:
        """Each order that rests or waits, as Titan's snapshot holds it: by symbol, bids best
        first in queue order, then asks, then stops; ``layers`` tells what it is."""
        orders = np.concatenate([live_orders(each) for each in self.shards])
        chosen: NDArray[np.void] = orders[np.argsort(orders["symbol"], kind="stable")]
        return chosen

    def depth(self, symbol: int, levels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The best levels of bids and of asks: ticks and lots shown."""
        return depth(owner(self.shards, symbol), symbol, levels)

    def positions(self) -> NDArray[np.void]:
        """Every open position as POSITION_VIEW, by account and symbol."""
        return position_views(self.sentinel)

    def balances(self) -> AccountViews:
        """Every account as ACCOUNT_VIEW, in order of opening."""
        rows = np.zeros(len(self.sentinel.accounts), ACCOUNT_VIEW)
        count = int(fill_account_view(self.sentinel, rows))
        return rows[:count]


def state_at(journal: Journal, at: str | int | None = None) -> PlatformState:
    """The platform after a command: by its sequence, by a time (``moment``), or the last one.

    Derived from the newest snapshot before it, else from the beginning.
    """
    sequence = command_at(journal, at)
    derivation = derivation_before(journal, sequence)
    with ReadAhead(journal, "commands", derivation.commands_last + 1, sequence) as chunks:
        for _, commands in chunks:
            derivation.run(commands)
    return PlatformState(sequence, derivation.shards, derivation.sentinel)


def _instrument(index: int, book: np.void) -> Instrument:
    return Instrument(
        name=np.array(book["name"], "<i8").tobytes().rstrip(b"\0").decode(),
        index=index,
        tick_size=Decimal(int(book["tick_size"])) / GRID_SCALE,
        lot_size=Decimal(int(book["lot_size"])) / GRID_SCALE,
        maker_fee_ppm=int(book["maker_fee_ppm"]),
        taker_fee_ppm=int(book["taker_fee_ppm"]),
        max_leverage=int(book["leverage"]),
        stops_on_mark=bool(int(book["flags"]) & FLAG_STOPS_ON_MARK),
        publish_depth=bool(int(book["flags"]) & FLAG_DEPTH),
        mark=mark_of(int(book["flags"])),
        margin_tiers=(),
    )
