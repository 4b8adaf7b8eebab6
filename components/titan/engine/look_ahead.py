"""Brings near what the commands of a batch will look at, some commands before they do.

Memory that is in no cache takes as long as several commands.  Each command of a batch is followed
through what it will read, a step every few commands, so that each step finds what the one before
has asked for, and a dozen requests are on their way at once:

    24 ahead   the command itself
    12         where the search for its order begins
     6         the order that is there, or the level that one will join
     3         the order's level and its neighbours in the queue, or the last of that level

Nothing here changes the state or depends on what is found being right.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.titan.engine.hash_table import hash_of, home_of, slot_of
from components.titan.engine.ladder import level_of
from components.titan.engine.state import (
    NEAR_BLOCKS,
    ORDER_TABLE,
    TABLE_SIZE,
    TitanState,
    flip_of,
    int64,
)
from disruptor.compiled import inlined, internal
from disruptor.instructions import prefetch

_COMMAND: Final = 24
_INDEX: Final = 12
_ORDER: Final = 6
_NEIGHBOURS: Final = 3

_FAR_TABLE: Final = 1 << 16
"""Below it orders and their index are in a cache that is near, and calling for them only costs."""


@inlined
def look_ahead(state: TitanState, commands: NDArray[Any], number: int) -> None:
    """``commands[number]`` comes next: take each of those behind it one step further."""
    prefetch(commands, number + _COMMAND)
    if _is_far(state):
        _call_index(state, commands, number + _INDEX)
        _call_order(state, commands, number + _ORDER)
        _call_neighbours(state, commands, number + _NEIGHBOURS)


@internal
def look_at_first(state: TitanState, commands: NDArray[Any]) -> None:
    """A batch begins: take its first commands as far as ``look_ahead`` would have taken them."""
    if _is_far(state):
        for number in range(min(_INDEX, len(commands))):
            _call_index(state, commands, number)
        for number in range(min(_ORDER, len(commands))):
            _call_order(state, commands, number)
        for number in range(min(_NEIGHBOURS, len(commands))):
            _call_neighbours(state, commands, number)


@inlined
def _is_far(state: TitanState) -> bool:
    return state.totals[ORDER_TABLE + TABLE_SIZE] >= _FAR_TABLE


@inlined
def _call_index(state: TitanState, commands: NDArray[Any], number: int) -> None:
    prefetch(state.ids, _home(state, commands, number))


@inlined
def _call_order(state: TitanState, commands: NDArray[Any], number: int) -> None:
    prefetch(state.orders, _probable(state, commands, number))
    prefetch(state.levels, _level(state, commands, number))


@inlined
def _call_neighbours(state: TitanState, commands: NDArray[Any], number: int) -> None:
    order = state.orders[_probable(state, commands, number)]
    prefetch(state.levels, order["level"])
    prefetch(state.orders, order["prev"])
    prefetch(state.orders, order["next"])
    level = state.levels[_level(state, commands, number)]
    prefetch(state.orders, level["tail"])


@inlined
def _home(state: TitanState, commands: NDArray[Any], number: int) -> np.uint64:
    """Where the search for the order of that command, or of the last one, will begin."""
    command = commands[np.uint64(min(number, len(commands) - 1))]
    return home_of(state.totals, ORDER_TABLE, hash_of(command["account"], command["order_id"]))


@inlined
def _probable(state: TitanState, commands: NDArray[Any], number: int) -> np.uint32:
    """The order that the search will probably find."""
    return slot_of(state.ids[_home(state, commands, number)])


@inlined
def _level(state: TitanState, commands: NDArray[Any], number: int) -> np.uint64:
    """The level of that command's price, if its block is where it was last; else any."""
    command = commands[np.uint64(min(number, len(commands) - 1))]
    symbol = min(int64(command["symbol"]), len(state.books) - 1)
    side = int64(command["side"]) & 1
    key = command["price"] ^ flip_of(side)
    place = (symbol * 2 + side) * NEAR_BLOCKS + (key >> 6 & (NEAR_BLOCKS - 1))
    return level_of(state.near[np.uint64(place)], key)
