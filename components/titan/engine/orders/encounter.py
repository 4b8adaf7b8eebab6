"""What happens before two orders trade when one of them is not plain.

    self-trade, by the taker's mode       events, in order                        then
    N  cancel_newest                      taker's rest                            the taker stops
    O  cancel_oldest                      maker                                   next maker
    B  cancel_both                        maker, taker's rest                     the taker stops
    D  decrement                          maker and taker, the smaller quantity   next, if any left

A decrement takes the smaller open quantity, hidden part included, off both; a maker that remains
keeps its place.  A reduce-only maker is first cut to what its account's position still allows, so
that no trade can ever open or turn a position through it.

A doomed maker, or one that is the taker's own partner, is cancelled instead.  When a linked order
is certain to trade its partner is cancelled first, wherever that is; an entry notes what it trades.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import (
    FLAG_BY_AMOUNT,
    REASON_LINKED,
    REASON_REDUCE_ONLY,
    REASON_SELF_TRADE,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
    STP_NONE,
)
from components.titan.engine.answers import tell_cut
from components.titan.engine.order_pool import drop_order, open_qty
from components.titan.engine.orders.iceberg import reveal, shrink_resting
from components.titan.engine.orders.linked import is_doomed, is_entry, partner_of, untie
from components.titan.engine.positions import position_of, reducible
from components.titan.engine.state import (
    EVERY_TOUCH,
    LAYER_HIDDEN,
    LAYER_LINKED,
    LAYER_REDUCE_ONLY,
    Outbox,
    TitanState,
)
from disruptor.compiled import internal

TRADE: Final = 0
NEXT: Final = 1


@internal
def encounter(state: TitanState, outbox: Outbox, taker: np.uint32, maker: np.uint32) -> int:
    """Settle what comes before the trade; the taker's ``qty`` is what it still wants.

    TRADE: trade with this maker.  NEXT: look again, if the taker wants anything.
    """
    taking = state.orders[taker]
    resting = state.orders[maker]
    linked = (taking["layers"] | resting["layers"]) & LAYER_LINKED
    if linked and cancel_if_out(state, outbox, taker, maker):
        return NEXT
    if taking["stp"] != STP_NONE and taking["account"] == resting["account"]:
        _prevent_self_trade(state, outbox, taker, maker)
        return NEXT
    if resting["layers"] & LAYER_REDUCE_ONLY and cut_resting(state, outbox, maker) != TRADE:
        return NEXT
    if resting["layers"] & LAYER_HIDDEN:
        reveal(state, maker, taking["qty"])
    if linked:
        qty = min(taking["qty"], resting["qty"])
        settle_links(state, outbox, taker, qty)
        settle_links(state, outbox, maker, qty)
    return TRADE


@internal
def cancel_if_out(state: TitanState, outbox: Outbox, one: np.uint32, other: np.uint32) -> bool:
    """Cancel ``other`` if it is doomed, or the partner of ``one``."""
    is_partner = one != 0 and partner_of(state, other) == one
    if is_partner:
        untie(state, one)
        untie(state, other)
    elif not is_doomed(state, other):
        return False
    _cancel_linked(state, outbox, other)
    return True


@internal
def settle_links(state: TitanState, outbox: Outbox, slot: np.uint32, qty: int) -> None:
    """It is about to trade ``qty``: its partner goes; if it is an entry, that counts."""
    if not state.orders[slot]["layers"] & LAYER_LINKED:
        return
    if is_entry(state, slot):
        state.terms[slot]["traded"] += qty
        return
    partner = state.terms[slot]["link"]
    untie(state, slot)
    if partner != 0:
        untie(state, partner)
        _cancel_linked(state, outbox, partner)


@internal
def _cancel_linked(state: TitanState, outbox: Outbox, slot: np.uint32) -> None:
    state.totals[EVERY_TOUCH] = 1
    tell_cut(state, outbox, slot, open_qty(state, slot), REASON_LINKED)
    drop_order(state, slot)


@internal
def _prevent_self_trade(
    state: TitanState, outbox: Outbox, taker: np.uint32, maker: np.uint32
) -> None:
    taking = state.orders[taker]
    resting = state.orders[maker]
    mode = taking["stp"]
    by_amount = taking["flags"] & FLAG_BY_AMOUNT != 0
    maker_open = open_qty(state, maker)
    wanted = taking["qty"]
    maker_loss = maker_open
    taker_loss = state.terms[taker]["money"] if by_amount else wanted
    if mode == STP_CANCEL_NEWEST:
        maker_loss = 0
    elif mode == STP_CANCEL_OLDEST:
        taker_loss = 0
    elif mode != STP_CANCEL_BOTH:
        maker_loss = min(maker_open, wanted)
        taker_loss = maker_loss
        if by_amount:
            taker_loss *= resting["price"] * state.books[resting["symbol"]]["money_unit"]
    if maker_loss:
        tell_cut(state, outbox, maker, maker_loss, REASON_SELF_TRADE)
    if taker_loss:
        tell_cut(state, outbox, taker, taker_loss, REASON_SELF_TRADE)
        if by_amount:
            state.terms[taker]["money"] -= taker_loss
        else:
            taking["qty"] = wanted - taker_loss
    if maker_loss == maker_open:
        drop_order(state, maker)
    elif maker_loss:
        shrink_resting(state, maker, maker_open - maker_loss)


@internal
def cut_resting(state: TitanState, outbox: Outbox, maker: np.uint32) -> int:
    """Cut a resting reduce-only order to what it may trade; NEXT if that ended it."""
    resting = state.orders[maker]
    allowed = reducible(position_of(state, maker), resting["side"])
    wanted = open_qty(state, maker)
    if allowed >= wanted:
        return TRADE
    tell_cut(state, outbox, maker, wanted - allowed, REASON_REDUCE_ONLY)
    if allowed == 0:
        drop_order(state, maker)
        return NEXT
    shrink_resting(state, maker, allowed)
    return TRADE
