"""What happens before two orders trade when one of them is not plain.

    self-trade, by the taker's mode       events, in order                        then
    N  cancel_newest                      taker's rest                            the taker stops
    O  cancel_oldest                      maker                                   next maker
    B  cancel_both                        maker, taker's rest                     the taker stops
    D  decrement                          maker and taker, the smaller quantity   next, if any left

A decrement takes the smaller open quantity, hidden part included, off both; a maker that remains
keeps its place.  A reduce-only maker is first cut to what its account's position still allows, so
that no trade can ever open or turn a position through it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import (
    REASON_REDUCE_ONLY,
    REASON_SELF_TRADE,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
    STP_NONE,
)
from components.titan.engine.answers import tell_cut
from components.titan.engine.order_pool import drop_order, open_qty
from components.titan.engine.orders.iceberg import shrink_resting
from components.titan.engine.positions import position_of, reducible
from components.titan.engine.state import LAYER_REDUCE_ONLY, Outbox, TitanState
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
    if taking["stp"] != STP_NONE and taking["account"] == resting["account"]:
        _prevent_self_trade(state, outbox, taker, maker)
        return NEXT
    if resting["layers"] & LAYER_REDUCE_ONLY:
        return _cut_maker(state, outbox, maker)
    return TRADE


@internal
def _prevent_self_trade(
    state: TitanState, outbox: Outbox, taker: np.uint32, maker: np.uint32
) -> None:
    taking = state.orders[taker]
    mode = taking["stp"]
    maker_open = open_qty(state, maker)
    wanted = taking["qty"]
    maker_loss = maker_open
    taker_loss = wanted
    if mode == STP_CANCEL_NEWEST:
        maker_loss = 0
    elif mode == STP_CANCEL_OLDEST:
        taker_loss = 0
    elif mode != STP_CANCEL_BOTH:
        maker_loss = min(maker_open, wanted)
        taker_loss = maker_loss
    if maker_loss:
        tell_cut(state, outbox, maker, maker_loss, REASON_SELF_TRADE)
    if taker_loss:
        tell_cut(state, outbox, taker, taker_loss, REASON_SELF_TRADE)
        taking["qty"] = wanted - taker_loss
    if maker_loss == maker_open:
        drop_order(state, maker)
    elif maker_loss:
        shrink_resting(state, maker, maker_open - maker_loss)


@internal
def _cut_maker(state: TitanState, outbox: Outbox, maker: np.uint32) -> int:
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
