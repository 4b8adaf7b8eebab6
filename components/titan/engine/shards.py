"""Several Titans on one commands stream: which commands are whose.

Each reads every command and applies what is its own:

    a symbol's            the shard whose number is the symbol's index modulo the number of shards
    without a symbol      shard 0, because the field is 0 then
    everybody's           a mass cancel and a session end in every symbol, and the capacity

Time moves for all with every command, so whatever expires ends where it rests.  Of everybody's
commands shard 0 tells the answer, except for the number of orders that a mass cancel ended, which
each tells for itself and who merges their events adds up (merging.py).

What spans symbols is therefore a shard's own: ids are unique among the account's open orders in the
symbols of one shard, pairs are of one shard, the capacity counts for each, and orders of several
symbols that end together do so shard by shard.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import OP_CANCEL_ALL, OP_CAPACITY, OP_SESSION_END
from components.messages.command import ALL_SYMBOLS
from components.titan.engine.state import SHARD, SHARDS, TitanState, int64
from disruptor.compiled import inlined


@inlined
def is_everybodys(command: np.void) -> bool:
    """Whether each shard has to do what the command says."""
    operation = command["op"]
    if operation == OP_CAPACITY:
        return True
    everywhere = operation in (OP_CANCEL_ALL, OP_SESSION_END)
    return everywhere and int64(command["symbol"]) == ALL_SYMBOLS


@inlined
def answering_shard(command: np.void, shards: int) -> int:
    """The shard that answers the command."""
    return 0 if is_everybodys(command) else int64(command["symbol"]) % shards


@inlined
def is_own(state: TitanState, command: np.void) -> bool:
    """Whether this shard applies the command."""
    if is_everybodys(command):
        return True
    return int64(command["symbol"]) % state.totals[SHARDS] == state.totals[SHARD]


@inlined
def answers(state: TitanState, command: np.void) -> bool:
    """Whether this shard tells what became of a command that it applies."""
    return answering_shard(command, state.totals[SHARDS]) == state.totals[SHARD]
