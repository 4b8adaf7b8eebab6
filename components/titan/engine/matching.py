"""The one matching loop: best price first, first come first served, at the maker's price.

Every order that takes, however it came to, goes through ``sweep``; what is special about some
orders is settled around it: before a trade in ``encounter``, after one in ``show_next_slice``.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BUY,
    PHASE_CONTINUOUS,
    REASON_IOC,
    REASON_MARKET_UNFILLED,
    REASON_REDUCE_ONLY,
    STP_NONE,
    TIF_IOC,
    TYPE_MARKET,
    TYPE_STOP,
)
from components.titan.engine.answers import tell_cancelled, tell_cut, tell_trade
from components.titan.engine.fees import fee_of
from components.titan.engine.ladder import join_level, leave_level, level_of, show_less
from components.titan.engine.order_index import index_order
from components.titan.engine.order_pool import end_live_order, give_slot
from components.titan.engine.orders.encounter import TRADE, encounter
from components.titan.engine.orders.iceberg import hide, show_next_slice
from components.titan.engine.positions import move_position, position_of, reducible
from components.titan.engine.state import (
    KEY_MASK,
    LAYER_ICEBERG,
    LAYER_LINKED,
    LAYER_REDUCE_ONLY,
    LAYERS_MET,
    Outbox,
    TitanState,
    flip_of,
    int64,
)
from disruptor.compiled import inlined, internal, pasted


@inlined
def is_market(order_type: int) -> bool:
    """Whether it takes at any price, unless it names the worst."""
    return order_type in (TYPE_MARKET, TYPE_STOP)


@inlined
def worst_key(side: int, order_type: int, price: int) -> int:
    """The last key of the other side that an order may trade at."""
    if price == 0 and is_market(order_type):
        return KEY_MASK
    return price ^ flip_of(1 - side)


@inlined
def would_take(state: TitanState, symbol: int, side: int, limit_key: int) -> bool:
    """Whether the other side has an order within the limit."""
    return state.sides[np.uint64(symbol * 2 + 1 - side)]["best_key"] <= limit_key


@pasted
def _fill_maker(state: TitanState, slot: np.uint32, qty: int) -> None:
    show_less(state, slot, qty)
    maker = state.orders[slot]
    if maker["qty"] == 0 and not (maker["layers"] & LAYER_ICEBERG and show_next_slice(state, slot)):
        leave_level(state, slot)
        end_live_order(state, slot)


@pasted
def _trade(
    state: TitanState, outbox: Outbox, taker: np.uint32, maker: np.uint32, wanted: int
) -> int:
    """Trade with one maker, which may be partly filled or end; the lots that changed hands."""
    taking = state.orders[taker]
    resting = state.orders[maker]
    book = state.books[taking["symbol"]]
    qty = min(wanted, resting["qty"])
    notional = resting["price"] * qty * book["money_unit"]
    taker_fee = fee_of(notional, book["taker_fee_ppm"])
    maker_fee = fee_of(notional, book["maker_fee_ppm"])
    tell_trade(state, outbox, taking, resting, qty, taker_fee, maker_fee)
    book["last"] = resting["price"]
    given = -qty if taking["side"] == BUY else qty
    move_position(state, resting["account"], int64(taking["symbol"]), given)
    _fill_maker(state, maker, qty)
    return qty


@pasted
def sweep(state: TitanState, outbox: Outbox, taker: np.uint32, limit_key: int) -> bool:
    """Take from the other side while the price allows; True if anything was traded.

    The order's ``qty`` is what it wants, before and after; each step ends a maker, a slice of
    one, or the taker's wish.
    """
    taking = state.orders[taker]
    opposite = state.sides[np.uint64(int64(taking["symbol"]) * 2 + 1 - int64(taking["side"]))]
    careful = taking["stp"] != STP_NONE or taking["layers"] & LAYER_LINKED != 0
    wanted = taking["qty"]
    taken = 0
    traded = False
    while wanted > 0 and opposite["best_key"] <= limit_key:
        level = level_of(opposite["first"], opposite["best_key"])
        maker = state.levels[level]["head"]
        if careful or state.orders[maker]["layers"] & LAYERS_MET:
            taking["qty"] = wanted
            _settle_taker(state, taker, taken)
            taken = 0
            if encounter(state, outbox, taker, maker) != TRADE:
                wanted = taking["qty"]
                continue
        qty = _trade(state, outbox, taker, maker, wanted)
        wanted -= qty
        taken += qty
        traded = True
    taking["qty"] = wanted
    _settle_taker(state, taker, taken)
    return traded


@inlined
def _settle_taker(state: TitanState, taker: np.uint32, taken: int) -> None:
    """Add what it took to its account's position; its makers' are added trade by trade."""
    if taken != 0:
        taking = state.orders[taker]
        lots = taken if taking["side"] == BUY else -taken
        move_position(state, taking["account"], int64(taking["symbol"]), lots)


@internal
def cut_taker(state: TitanState, outbox: Outbox, slot: np.uint32) -> None:
    """Cut a reduce-only order that is about to take to what reduces its account's position."""
    order = state.orders[slot]
    allowed = reducible(position_of(state, slot), order["side"])
    if allowed < order["qty"]:
        tell_cut(state, outbox, slot, order["qty"] - allowed, REASON_REDUCE_ONLY)
        order["qty"] = allowed


@inlined
def enter(state: TitanState, outbox: Outbox, slot: np.uint32, is_live: bool) -> bool:
    """Let an order take, then rest or end; True if anything was traded.

    It is in no level; ``is_live`` says that its id is indexed already.  Its ``qty`` is all of it.
    """
    order = state.orders[slot]
    if order["layers"] & LAYER_REDUCE_ONLY:
        cut_taker(state, outbox, slot)
    side = int64(order["side"])
    order_type = order["order_type"]
    limit_key = worst_key(side, order_type, order["price"])
    traded = False
    if would_take(state, int64(order["symbol"]), side, limit_key):
        traded = sweep(state, outbox, slot, limit_key)
    if order["qty"] > 0:
        if is_market(order_type):
            tell_cancelled(state, outbox, slot, order["qty"], REASON_MARKET_UNFILLED)
        elif order["tif"] == TIF_IOC:
            tell_cancelled(state, outbox, slot, order["qty"], REASON_IOC)
        else:
            _rest(state, slot, is_live)
            return traded
    if is_live:
        end_live_order(state, slot)
    else:
        give_slot(state, slot)
    return traded


@pasted
def _rest(state: TitanState, slot: np.uint32, is_live: bool) -> None:
    if state.orders[slot]["layers"] & LAYER_ICEBERG:
        hide(state, slot)
    join_level(state, slot)
    if not is_live:
        index_order(state, slot)


@internal
def enter_seldom(state: TitanState, outbox: Outbox, slot: np.uint32, is_live: bool) -> bool:
    """``enter`` as a call, for all but the plain order that was just placed.

    Where nothing trades for now it comes to rest at once.
    """
    order = state.orders[slot]
    if state.books[order["symbol"]]["phase"] == PHASE_CONTINUOUS:
        return enter(state, outbox, slot, is_live)
    if order["layers"] & LAYER_REDUCE_ONLY:
        cut_taker(state, outbox, slot)
    if order["qty"] > 0:
        _rest(state, slot, is_live)
    elif is_live:
        end_live_order(state, slot)
    else:
        give_slot(state, slot)
    return False


@internal
def trade_once(
    state: TitanState, outbox: Outbox, taker: np.uint32, maker: np.uint32, wanted: int
) -> int:
    """One trade of a sweep that is not ``sweep``; the taker's position is moved too."""
    qty = _trade(state, outbox, taker, maker, wanted)
    _settle_taker(state, taker, qty)
    return qty


@internal
def fill_resting(state: TitanState, slot: np.uint32, qty: int) -> None:
    """It traded, as one of two resting orders that an auction brought together."""
    _fill_maker(state, slot, qty)
