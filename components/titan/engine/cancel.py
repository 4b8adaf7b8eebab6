"""Ending orders: one by its owner, many at once, and those whose time has come."""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import (
    REASON_BAD_TYPE,
    REASON_EXPIRED,
    REASON_MASS,
    REASON_UNKNOWN_ORDER,
    REASON_UNKNOWN_SYMBOL,
    REASON_USER,
    SIDES_SELL,
)
from components.messages.command import ALL_SYMBOLS
from components.titan.engine.answers import (
    tell_cancelled,
    tell_cut,
    tell_mass_cancelled,
    tell_rejected,
)
from components.titan.engine.order_index import find_order
from components.titan.engine.order_pool import drop_order, open_qty, remove_order
from components.titan.engine.place import is_listed
from components.titan.engine.shards import answers
from components.titan.engine.state import (
    EVERY_TOUCH,
    EXPIRY_COUNT,
    NOW,
    ORDER_TOP,
    Outbox,
    TitanState,
    int64,
)
from disruptor.compiled import inlined, internal, pasted

ANY_TIF: Final = 255


@pasted
def cancel(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one cancel command."""
    symbol = int64(command["symbol"])
    if not is_listed(state, symbol):
        tell_rejected(state, outbox, command, REASON_UNKNOWN_SYMBOL)
        return
    slot = find_order(state, command["account"], command["order_id"])
    if slot == 0 or int64(state.orders[slot]["symbol"]) != symbol:
        tell_rejected(state, outbox, command, REASON_UNKNOWN_ORDER)
        return
    tell_cancelled(state, outbox, slot, open_qty(state, slot), REASON_USER)
    remove_order(state, slot)


@internal
def _end(state: TitanState, outbox: Outbox, slot: np.uint32, reason: int) -> None:
    tell_cut(state, outbox, slot, open_qty(state, slot), reason)
    drop_order(state, slot)


@internal
def expire(state: TitanState, outbox: Outbox) -> None:
    """Cancel what expires at or before now, in order of expiry, then placement."""
    state.totals[EVERY_TOUCH] = 1
    while state.totals[EXPIRY_COUNT] > 0:
        slot = state.expiries[0]
        if state.terms[slot]["expires"] > state.totals[NOW]:
            break
        _end(state, outbox, slot, REASON_EXPIRED)


@pasted
def cancel_all(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Cancel the orders of an account or of all, in one symbol or all, on one side or both."""
    symbol = int64(command["symbol"])
    if symbol != ALL_SYMBOLS and not is_listed(state, symbol):
        tell_rejected(state, outbox, command, REASON_UNKNOWN_SYMBOL)
        return
    if command["side"] > SIDES_SELL:
        if answers(state, command):
            tell_rejected(state, outbox, command, REASON_BAD_TYPE)
        return
    side = int64(command["side"]) - 1
    count = end_many(state, outbox, command["account"], symbol, side, ANY_TIF, REASON_MASS)
    tell_mass_cancelled(state, outbox, command, count)


@internal
def end_many(
    state: TitanState,
    outbox: Outbox,
    account: int,
    symbol: int,
    side: int,
    tif: int,
    reason: int,
) -> int:
    """Cancel all that fit, in order of placement; how many they were.

    0 is every account, ALL_SYMBOLS every symbol, a negative side both, ANY_TIF each time in force.
    Looks at every slot that was ever used at once: some nanoseconds each, and nothing at all for
    those who never cancel everything.
    """
    state.totals[EVERY_TOUCH] = 1
    count = 0
    for number in range(1, state.totals[ORDER_TOP] + 1):
        order = state.orders[number]
        if order["order_id"] == 0 or (account != 0 and order["account"] != account):
            continue
        if symbol != ALL_SYMBOLS and int64(order["symbol"]) != symbol:
            continue
        if (side < 0 or order["side"] == side) and (tif == ANY_TIF or order["tif"] == tif):
            state.rehearsal[0, count] = number
            count += 1
    _sort_by_placement(state, count)
    for place in range(count):
        _end(state, outbox, np.uint32(state.rehearsal[0, place]), reason)
    return count


@pasted
def _sort_by_placement(state: TitanState, count: int) -> None:
    """Heapsort of ``rehearsal[0, :count]``: no memory, no bad case."""
    for root in range(count // 2 - 1, -1, -1):
        _sink_latest(state, root, count)
    for end in range(count - 1, 0, -1):
        latest = state.rehearsal[0, 0]
        state.rehearsal[0, 0] = state.rehearsal[0, end]
        state.rehearsal[0, end] = latest
        _sink_latest(state, 0, end)


@inlined
def _sink_latest(state: TitanState, place: int, count: int) -> None:
    slot = state.rehearsal[0, place]
    placement = state.orders[slot]["placement"]
    while 2 * place + 1 < count:
        child = 2 * place + 1
        if child + 1 < count:
            left = state.orders[state.rehearsal[0, child]]["placement"]
            if state.orders[state.rehearsal[0, child + 1]]["placement"] > left:
                child += 1
        if state.orders[state.rehearsal[0, child]]["placement"] <= placement:
            break
        state.rehearsal[0, place] = state.rehearsal[0, child]
        place = child
    state.rehearsal[0, place] = slot
