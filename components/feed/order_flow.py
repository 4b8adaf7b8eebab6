"""What every order flow is: commands that come due on a schedule, around prices that it is told.

A flow does not hear what became of its orders, so it never needs the matching engine: an order that
was filled is cancelled in its turn all the same, and that cancel is answered ``unknown_order``.  It
begins and ends with a mass cancel for each of its accounts, so that neither a crash nor a shutdown
leaves an order behind, and ids may start again from 1.

Times are any clock's ns, as long as they do not go back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from components.messages.code import OP_CANCEL_ALL, SOURCE_ORDER_FLOW
from components.messages.command import ALL_SYMBOLS, Commands, new_commands

BATCH_NS: Final = 10_000_000
"""Commands that come due within this time are made together."""
BACKLOG_NS_MAX: Final = 100_000_000
"""After a pause longer than this, what a random flow missed is not made up for."""
NEVER: Final = 2**63 - 1


class OrderFlow(ABC):
    """The order flow of one feed."""

    def __init__(self, accounts: Sequence[int]) -> None:
        self._accounts = tuple(accounts)

    @property
    def enabled(self) -> bool:
        """Whether it can ever send anything."""
        return True

    @property
    @abstractmethod
    def next_due_ns(self) -> int:
        """When ``due`` should be called next; NEVER when nothing is to come by itself."""

    @abstractmethod
    def due(self, now_ns: int) -> Commands:
        """The commands that came due by ``now_ns``, each with its time, not above it; or none."""

    @abstractmethod
    def set_price(self, symbol_index: int, price_ticks: int) -> None:
        """The last price of a symbol whose best bid and ask are not known."""

    @abstractmethod
    def set_touch(self, symbol_index: int, bid_ticks: int, ask_ticks: int) -> None:
        """A venue's best bid and ask, 1 <= bid < ask."""

    def open(self, now_ns: int) -> Commands:
        """Start the clock; the mass cancels that clear what an earlier run may have left."""
        return self.close(now_ns)

    def close(self, now_ns: int) -> Commands:
        """The mass cancels that leave no order behind; none if there is no order flow."""
        accounts = self._accounts if self.enabled else ()
        commands = new_commands(len(accounts))
        commands["ts"] = now_ns
        commands["op"] = OP_CANCEL_ALL
        commands["symbol"] = ALL_SYMBOLS
        commands["account"] = accounts
        commands["source"] = SOURCE_ORDER_FLOW
        return commands


class UnpricedFlow(OrderFlow):
    """A flow that does not follow the prices."""

    def set_price(self, symbol_index: int, price_ticks: int) -> None:
        """Nothing."""

    def set_touch(self, symbol_index: int, bid_ticks: int, ask_ticks: int) -> None:
        """Nothing."""


class NoOrderFlow(UnpricedFlow):
    """Sends nothing, ever."""

    def __init__(self) -> None:
        super().__init__(())

    @property
    def enabled(self) -> bool:
        return False

    @property
    def next_due_ns(self) -> int:
        return NEVER

    def due(self, now_ns: int) -> Commands:
        return new_commands(0)
