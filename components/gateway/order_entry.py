"""The gateway's gate into the commands ring: what a client may send, checked and stamped.

A line that is malformed, that is no client's business, or that speaks for an account which the
connection has not logged in is answered with one error and goes no further.  What only the book
can judge (an unknown order, a used id, a price off the grid) is published, and the engine answers.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

import numpy as np

from components.instruments import InstrumentTable
from components.messages.code import (
    OP_AMEND,
    OP_BRACKET,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_NAMES,
    OP_PLACE,
    OP_REPLACE,
    SOURCE_GATEWAY,
)
from components.messages.command import Commands, new_commands
from components.messages.command_text import parse_command
from components.messages.json_lines import Reader, did_you_mean, read_object
from components.messages.order_text import CLIENT_ORDER_ID_MAX
from components.units import ACCOUNT_MAX
from disruptor.ring.ring_buffer import Producer

LOGIN: Final = "login"
_TAKEN: Final = (OP_PLACE, OP_CANCEL, OP_AMEND, OP_CANCEL_ALL, OP_REPLACE, OP_BRACKET)
_NAMES: Final = (LOGIN, *(OP_NAMES[op] for op in _TAKEN))
_SENTINELS: Final = ("liquidation", "cause")
_PIECE: Final = 256
"""Commands of one claim."""


class Login:
    """A client wants to speak for this account, and to hear of it."""

    def __init__(self, account: int) -> None:
        self.account = account


def read_line(
    line: bytes, place: str, accounts: Collection[int], table: InstrumentTable
) -> Login | Commands:
    """What one line asks for: a login, or one command; TextError if it cannot be had."""
    values = read_object(line, place)
    reader = Reader(values, place)
    operation = values.get("op")
    if operation == LOGIN:
        reader.has("op")
        login = Login(reader.integer("account", 1, ACCOUNT_MAX, "an account's number"))
        reader.finish()
        return login
    if operation not in _NAMES:
        raise reader.fail("op", f"one of {', '.join(_NAMES)}{did_you_mean(operation, _NAMES)}")
    command = new_commands(1)
    parse_command(line, table, command[0], place)
    if int(command["account"][0]) not in accounts:
        raise reader.fail("account", "one that this connection has logged in")
    if int(command["order_id"][0]) > CLIENT_ORDER_ID_MAX:
        raise reader.fail("id", f"at most {CLIENT_ORDER_ID_MAX}; those above are Sentinel's")
    for key in _SENTINELS:
        if key in values:
            raise reader.fail(key, "nothing: only Sentinel says it")
    return command


class OrderEntry:
    """Publishes what clients send; for one thread."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._last_ts = 0
        self.last_sequence = 0
        """Of the last command that was published, 0 before the first."""

    def publish(self, commands: Commands) -> int:
        """Stamp and publish as many as there is room for, without waiting; how many."""
        self._last_ts = max(self._last_ts, time.time_ns())
        commands["origin_ts"] = np.where(
            commands["op"] == OP_BRACKET, commands["origin_ts"], commands["ts"]
        )
        commands["ts"] = self._last_ts
        commands["source"] = SOURCE_GATEWAY
        for first in range(0, len(commands), _PIECE):
            piece = commands[first : first + _PIECE]
            claim = self._producer.try_claim(len(piece))
            if claim is None:
                return first
            with claim:
                claim.write(piece)
            self.last_sequence = claim.high
        return len(commands)
