"""Market orders by quote amount: at each price, as many lots as what is left can pay for.

Both sides alike: a buyer spends at most the amount, a seller receives at most that.  What is left
and is worth no lot at the best price is cancelled, in money.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import REASON_MARKET_UNFILLED
from components.titan.engine.answers import tell_cut
from components.titan.engine.ladder import level_of
from components.titan.engine.matching import trade_once, worst_key
from components.titan.engine.order_pool import give_slot
from components.titan.engine.orders.encounter import TRADE, encounter
from components.titan.engine.state import Outbox, TitanState, int64
from disruptor.compiled import internal


@internal
def enter_by_amount(state: TitanState, outbox: Outbox, slot: np.uint32) -> bool:
    """Let it take, then end; True if anything was traded."""
    order = state.orders[slot]
    terms = state.terms[slot]
    side = int64(order["side"])
    opposite = state.sides[np.uint64(int64(order["symbol"]) * 2 + 1 - side)]
    limit_key = worst_key(side, order["order_type"], order["price"])
    money_unit = state.books[order["symbol"]]["money_unit"]
    traded = False
    while terms["money"] > 0 and opposite["best_key"] <= limit_key:
        maker = state.levels[level_of(opposite["first"], opposite["best_key"])]["head"]
        worth = state.orders[maker]["price"] * money_unit
        order["qty"] = terms["money"] // worth
        if order["qty"] == 0:
            break
        if encounter(state, outbox, slot, maker) == TRADE:
            terms["money"] -= trade_once(state, outbox, slot, maker, order["qty"]) * worth
            traded = True
    if terms["money"] > 0:
        tell_cut(state, outbox, slot, terms["money"], REASON_MARKET_UNFILLED)
    give_slot(state, slot)
    return traded
