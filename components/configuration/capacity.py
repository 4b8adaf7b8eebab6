"""How much the engines take; more is refused."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from pydantic import Field

from components.messages.code import OP_CAPACITY, OP_RISK_CAPACITY
from components.messages.command import Commands, new_commands
from components.sentinel.engine.state import (
    ACCOUNTS_ALLOWED,
    ACCOUNTS_ROOM,
    POSITIONS_ALLOWED,
    POSITIONS_ROOM,
    SYMBOLS_ALLOWED,
)
from components.titan.engine.state import SYMBOLS_ALLOWED_AT_FIRST, SYMBOLS_ROOM
from disruptor.errors import ConfigurationError
from disruptor.topology.model import Strict


class Capacity(Strict):
    """Limits that decide outcomes, so they are journaled like every other rule."""

    orders: int = Field(default=1 << 17, ge=1, le=1 << 21, description="from 1 to 2097152")
    positions: int = Field(default=1 << 18, ge=1, le=1 << 22, description="from 1 to 4194304")
    symbols: int = Field(
        default=SYMBOLS_ALLOWED_AT_FIRST,
        ge=1,
        le=SYMBOLS_ROOM,
        description=f"instruments, removed ones too, from 1 to {SYMBOLS_ROOM}",
    )

    def to_commands(self) -> Commands:
        """The capacity command."""
        commands = new_commands(1)
        commands["op"] = OP_CAPACITY
        commands["price"], commands["qty"] = self.orders, self.positions
        commands["order_id"] = self.symbols
        return commands

    @classmethod
    def from_commands(cls, commands: Commands) -> Capacity:
        """The last one that those commands set; the default before any."""
        told: Iterable[np.void] = commands[commands["op"] == OP_CAPACITY]
        limits = cls()
        for command in told:
            limits = cls(
                orders=int(command["price"]),
                positions=int(command["qty"]),
                symbols=int(command["order_id"]) or limits.symbols,
            )
        return limits

    def refuse(self, symbols: int, journal: str) -> None:
        """ConfigurationError if so many instruments, a journal's among them, are too many."""
        if symbols > self.symbols:
            raise ConfigurationError(
                f"capacity.symbols: found {self.symbols}, but with those of the journal {journal} "
                f"there are {symbols} instruments; write at least {symbols}"
            )


class RiskCapacity(Strict):
    """How many wallets, symbols and positions Sentinel takes; journaled like Titan's.

    An account has a wallet of its own, and one for each isolated position.
    """

    accounts: int = Field(
        default=ACCOUNTS_ALLOWED, ge=1, le=ACCOUNTS_ROOM, description="from 1 to 1048576"
    )
    symbols: int = Field(
        default=SYMBOLS_ALLOWED, ge=1, le=SYMBOLS_ROOM, description="from 1 to 4096"
    )
    positions: int = Field(
        default=POSITIONS_ALLOWED, ge=1, le=POSITIONS_ROOM, description="from 1 to 2097152"
    )

    def to_commands(self) -> Commands:
        """The risk capacity command."""
        commands = new_commands(1)
        commands["op"] = OP_RISK_CAPACITY
        commands["price"], commands["stop_price"] = self.accounts, self.symbols
        commands["qty"] = self.positions
        return commands

    @classmethod
    def from_commands(cls, commands: Commands) -> RiskCapacity:
        """The last one that those commands set; the default before any."""
        last: Iterable[np.void] = commands[commands["op"] == OP_RISK_CAPACITY][-1:]
        for command in last:
            return cls(
                accounts=int(command["price"]),
                symbols=int(command["stop_price"]),
                positions=int(command["qty"]),
            )
        return cls()
