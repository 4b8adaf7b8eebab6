"""How many orders and positions the matching engine takes; what is beyond is refused."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from pydantic import Field

from components.messages.code import OP_CAPACITY
from components.messages.command import Commands, new_commands
from disruptor.topology.model import Strict


class Capacity(Strict):
    """Limits that decide outcomes, so they are journaled like every other rule."""

    orders: int = Field(default=1 << 17, ge=1, le=1 << 21, description="from 1 to 2097152")
    positions: int = Field(default=1 << 18, ge=1, le=1 << 22, description="from 1 to 4194304")

    def to_commands(self) -> Commands:
        """The capacity command."""
        commands = new_commands(1)
        commands["op"] = OP_CAPACITY
        commands["price"], commands["qty"] = self.orders, self.positions
        return commands

    @classmethod
    def from_commands(cls, commands: Commands) -> Capacity:
        """The last one that those commands set; the default before any."""
        last: Iterable[np.void] = commands[commands["op"] == OP_CAPACITY][-1:]
        for command in last:
            return cls(orders=int(command["price"]), positions=int(command["qty"]))
        return cls()
