"""What simulated flows share: their state, how an order is written, and what a taker sends; compiled."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    BUY,
    OP_PLACE,
    SELL,
    SOURCE_ORDER_FLOW,
    TIF_IOC,
    TYPE_LIMIT,
    TYPE_MARKET,
)
from components.units import PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX
from disruptor.compiled import compiled

Int64Array = NDArray[np.int64]

SHARE_BITS: Final = 20


class FlowState(NamedTuple):
    """All that the flow knows; S symbols by index, L slots a symbol, M makers, T takers."""

    symbols: Int64Array  # (active,) indices of the traded symbols
    money_unit: Int64Array  # (S,) money of one tick times one lot
    bid: Int64Array  # (S,) the touch that quotes stand around, ticks; 0 before the first price
    ask: Int64Array  # (S,)
    slot_id: Int64Array  # (S, L) order id of the quote in each slot; 0: empty
    slot_price: Int64Array  # (S, L)
    slot_born: Int64Array  # (S, L) number of the placement, for age
    accounts: Int64Array  # (M + T,) makers, then takers
    next_id: Int64Array  # (M + T,)
    inventory: Int64Array  # (S, T) lots that each taker sent to buy less those to sell
    placed: Int64Array  # (1,) quotes placed so far
    cancelled: Int64Array  # (1,) quotes cancelled so far


class FlowRules(NamedTuple):
    """The settings as integers; ``taker_share`` is in units of 2**-SHARE_BITS."""

    maker_count: int
    taker_count: int
    taker_share: int
    level_step_ppm: int
    taker_reach_ppm: int
    maker_notional: int
    taker_notional: int
    inventory_notional: int


@compiled
def lots_for(notional: int, price: int, money_unit: int) -> int:
    """The lots worth at most ``notional`` money at ``price``, at least one."""
    lots = notional // (price * money_unit)
    return min(max(lots, 1), QTY_LOTS_MAX)


@compiled
def write(command: np.void, op: int, symbol: int, account: int, order_id: int, side: int) -> None:
    """The fields that every command of a flow has."""
    command["op"] = op
    command["symbol"] = symbol
    command["account"] = account
    command["order_id"] = order_id
    command["side"] = side
    command["source"] = SOURCE_ORDER_FLOW


@compiled
def take(state: FlowState, rules: FlowRules, word: int, symbol: int, command: np.void) -> bool:
    """A taker's order: three in four an IOC limit through the touch, else a market order.

    Of ``word``: bit 32 its side, bits 33-40 the account, bits 41-56 the quantity, 57-58 its kind.
    """
    bid, ask = state.bid[symbol], state.ask[symbol]
    taker = ((word >> 33) & 0xFF) % rules.taker_count
    most = lots_for(rules.taker_notional, ask, state.money_unit[symbol])
    bound = lots_for(rules.inventory_notional, ask, state.money_unit[symbol])
    qty = 1 + (((most - 1) * ((word >> 41) & 0xFFFF)) >> 16)
    side = (word >> 32) & 1
    if state.inventory[symbol, taker] > bound:
        side = SELL
    elif state.inventory[symbol, taker] < -bound:
        side = BUY
    account = rules.maker_count + taker
    order_id = state.next_id[account]
    state.next_id[account] = order_id + 1
    write(command, OP_PLACE, symbol, state.accounts[account], order_id, side)
    command["qty"] = qty
    command["tif"] = TIF_IOC
    if (word >> 57) & 3 == 0:
        command["order_type"] = TYPE_MARKET
    else:
        command["order_type"] = TYPE_LIMIT
        reach = ask * rules.taker_reach_ppm // PPM
        if side == BUY:
            command["price"] = min(ask + reach, PRICE_TICKS_MAX)
        else:
            command["price"] = max(bid - reach, 1)
    state.inventory[symbol, taker] += qty if side == BUY else -qty
    return True
