"""The state machine's one door: a command in, its events out.

    time ──► expiry ──► the command ──► the queue: triggered stops, armed exits, doomed partners
         ──► best bid and ask, if changed

``apply`` is compiled into its caller; ``apply_batch`` is the loop that most callers want.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    OP_AMEND,
    OP_BOOK,
    OP_BRACKET,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_CAPACITY,
    OP_COUNT,
    OP_PLACE,
    OP_REPLACE,
    OP_SHARDS,
    OP_VOID,
    REASON_BAD_TYPE,
)
from components.messages.command import BOOK_ROWS_MAX
from components.titan.engine.amend import amend
from components.titan.engine.answers import tell_rejected
from components.titan.engine.book_request import tell_whole_book
from components.titan.engine.bracket import place_bracket
from components.titan.engine.cancel import cancel, cancel_all, expire
from components.titan.engine.capacity import confirm_shards, set_capacity
from components.titan.engine.look_ahead import look_ahead, look_at_first
from components.titan.engine.market_data import publish_depth, publish_every_touch, publish_touch
from components.titan.engine.orders.stop import run_queue
from components.titan.engine.pass_through import pass_through
from components.titan.engine.place import place
from components.titan.engine.replace import replace
from components.titan.engine.shards import is_own
from components.titan.engine.state import (
    EVERY_TOUCH,
    EXPIRY_COUNT,
    FIRST_EVENT,
    HIDDEN_SLICES,
    ICEBERG_SLICES_MAX,
    LIVE,
    NOW,
    SEQUENCE,
    SHARDS,
    SYMBOL_TOP,
    TOUCH_DUE,
    Outbox,
    TitanState,
    int64,
)
from disruptor.compiled import entry, internal, pasted

_ROWS: Final = 2 * BOOK_ROWS_MAX + 4


@entry
def outbox_bound(state: TitanState) -> int:
    """The most events that the next command can cause, whatever it is.

    A trade ends a slice of its maker or the taker's wish.  With L live orders, H hidden slices and
    the incoming order (at most S slices), slices end at most L + H + S + 1 times, each after a cut
    at most.  At most L + 3 orders take, each with at most: accepted, armed, triggered, cut, last
    trade or decrement, cancelled; a decrement that ends its maker tells of two.  Each level that
    changed had an order before or has one of those that took.  Then one answer, the rows of a book,
    and a touch a symbol.
    """
    live = state.totals[LIVE]
    slices = live + state.totals[HIDDEN_SLICES] + ICEBERG_SLICES_MAX + 1
    return 2 * slices + (live + 3) * 9 + state.totals[SYMBOL_TOP] + 1 + _ROWS


@pasted
def apply(state: TitanState, command: np.void, sequence: int, outbox: Outbox) -> None:
    """Apply one COMMAND record and append its events.

    The caller has seen to ``outbox_bound`` free slots.  Sequences rise; time never goes back,
    whatever the command's ``ts`` says.
    """
    operation = command["op"]
    if operation == OP_VOID:
        return
    totals = state.totals
    totals[SEQUENCE] = sequence
    totals[FIRST_EVENT] = outbox.count[0]
    if command["ts"] > totals[NOW]:
        totals[NOW] = command["ts"]
        if totals[EXPIRY_COUNT] > 0:
            _expire_due(state, outbox)
    if totals[SHARDS] != 1 and not is_own(state, command):
        if totals[EVERY_TOUCH] != 0:
            _tell_expired(state, outbox)
        return
    if operation == OP_PLACE:
        place(state, outbox, command)
    elif operation == OP_CANCEL:
        cancel(state, outbox, command)
    elif operation == OP_AMEND:
        amend(state, outbox, command)
    else:
        _apply_other(state, outbox, command)
    run_queue(state, outbox)
    publish_depth(state, outbox)
    if totals[EVERY_TOUCH] != 0:
        totals[EVERY_TOUCH] = 0
        publish_every_touch(state, outbox)
    elif totals[TOUCH_DUE] != 0:
        publish_touch(state, outbox, int64(command["symbol"]))
    totals[TOUCH_DUE] = 0


@pasted
def _expire_due(state: TitanState, outbox: Outbox) -> None:
    if state.terms[state.expiries[0]]["expires"] <= state.totals[NOW]:
        expire(state, outbox)
        run_queue(state, outbox)


@internal
def _tell_expired(state: TitanState, outbox: Outbox) -> None:
    """The command is another shard's, but its time has ended orders of this one."""
    publish_depth(state, outbox)
    state.totals[EVERY_TOUCH] = 0
    state.totals[TOUCH_DUE] = 0
    publish_every_touch(state, outbox)


@internal
def _apply_other(state: TitanState, outbox: Outbox, command: np.void) -> None:
    operation = command["op"]
    if operation == OP_CANCEL_ALL:
        cancel_all(state, outbox, command)
    elif operation == OP_REPLACE:
        replace(state, outbox, command)
    elif operation == OP_BRACKET:
        place_bracket(state, outbox, command)
    elif operation == OP_BOOK:
        tell_whole_book(state, outbox, command)
    elif operation == OP_CAPACITY:
        set_capacity(state, outbox, command)
    elif operation == OP_SHARDS:
        confirm_shards(state, outbox, command)
    elif operation < OP_COUNT:
        pass_through(state, outbox, command)
    else:
        tell_rejected(state, outbox, command, REASON_BAD_TYPE)


@entry
def apply_batch(
    state: TitanState, commands: NDArray[Any], first_sequence: int, outbox: Outbox
) -> int:
    """Apply commands, shape (n,), numbered from ``first_sequence``; how many were applied.

    Fewer than n when the outbox might not hold the next one's events: take what is there, make
    room for ``outbox_bound`` if it is empty, and go on with the rest.
    """
    room = len(outbox.slots)
    applied = 0
    look_at_first(state, commands)
    for number in range(len(commands)):
        if outbox.count[0] + outbox_bound(state) > room:
            break
        look_ahead(state, commands, number)
        apply(state, commands[np.uint64(number)], first_sequence + number, outbox)
        applied += 1
    return applied
