"""A call auction: orders gather without trading, then what is crossed trades at one price.

The price is that of the most volume; among those, of the least imbalance between what is wanted and
offered there; among those, the nearest to the reference price, and the lower of two.  Hidden parts
count.  Orders trade in their order, best price first; the one placed later is the taker.  Nobody
is a taker by intent, so self-trade prevention does not apply.  A cut of a reduce-only order, or a
pair that breaks, can leave the book crossed: then it is uncrossed again.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import BUY, SELL
from components.titan.engine.answers import tell_trade
from components.titan.engine.fees import fee_of
from components.titan.engine.guards import any_reference
from components.titan.engine.ladder import find_block, key_after, level_of
from components.titan.engine.matching import fill_resting
from components.titan.engine.order_pool import open_qty
from components.titan.engine.orders.encounter import (
    TRADE,
    cancel_if_out,
    cut_resting,
    settle_links,
)
from components.titan.engine.orders.iceberg import reveal
from components.titan.engine.positions import set_position
from components.titan.engine.state import (
    EVERY_TOUCH,
    KEY_MASK,
    LAYER_HIDDEN,
    LAYER_LINKED,
    LAYER_REDUCE_ONLY,
    NO_KEY,
    Outbox,
    TitanState,
    flip_of,
    int64,
)
from disruptor.compiled import inlined, internal, pasted

_PRICE, _QTY = 0, 1
"""Rows of the rehearsal that hold the crossed levels: bids from the front, asks behind them."""


@internal
def uncross(state: TitanState, outbox: Outbox, symbol: int) -> None:
    """Trade until the book is not crossed."""
    while is_crossed(state, symbol):
        price = auction_price(state, symbol)
        bids = state.sides[np.uint64(symbol * 2)]
        asks = state.sides[np.uint64(symbol * 2 + 1)]
        bid_key = price ^ KEY_MASK
        while bids["best_key"] <= bid_key and asks["best_key"] <= price:
            bid = state.levels[level_of(bids["first"], bids["best_key"])]["head"]
            ask = state.levels[level_of(asks["first"], asks["best_key"])]["head"]
            _match(state, outbox, bid, ask, price)


@inlined
def is_crossed(state: TitanState, symbol: int) -> bool:
    """Whether a bid is at or above an ask."""
    bid = state.sides[np.uint64(symbol * 2)]["best_key"]
    ask = state.sides[np.uint64(symbol * 2 + 1)]["best_key"]
    return bid != NO_KEY and ask != NO_KEY and bid ^ KEY_MASK >= ask


@pasted
def auction_price(state: TitanState, symbol: int) -> int:
    """The one price, for a book that is crossed."""
    highest = state.sides[np.uint64(symbol * 2)]["best_key"] ^ KEY_MASK
    lowest = state.sides[np.uint64(symbol * 2 + 1)]["best_key"]
    bid = _gather(state, symbol, BUY, lowest, 0) - 1
    ask = bid + 1
    end = _gather(state, symbol, SELL, highest, ask)
    wanted = 0
    for place in range(ask):
        wanted += state.rehearsal[_QTY, place]
    reference = any_reference(state.books[symbol])
    offered, low = 0, lowest
    best, volume, imbalance = int64(0), int64(-1), int64(0)
    while bid >= 0 or ask < end:
        price = state.rehearsal[_PRICE, ask] if ask < end else highest
        if bid >= 0:
            price = min(price, state.rehearsal[_PRICE, bid])
        if low < price:
            found = _nearest(reference, low, price - 1)
            traded, spare = min(wanted, offered), abs(wanted - offered)
            if _is_better(traded - volume, spare - imbalance, reference, found, best):
                best, volume, imbalance = found, traded, spare
        while ask < end and state.rehearsal[_PRICE, ask] == price:
            offered += state.rehearsal[_QTY, ask]
            ask += 1
        traded, spare = min(wanted, offered), abs(wanted - offered)
        if _is_better(traded - volume, spare - imbalance, reference, price, best):
            best, volume, imbalance = price, traded, spare
        while bid >= 0 and state.rehearsal[_PRICE, bid] == price:
            wanted -= state.rehearsal[_QTY, bid]
            bid -= 1
        low = price + 1
    return best


@inlined
def _nearest(reference: int, low: int, high: int) -> int:
    """The price between two that is nearest to the reference; the lower end without one."""
    return min(max(reference, low), high) if reference != 0 else low


@inlined
def _is_better(more: int, more_spare: int, reference: int, price: int, best: int) -> bool:
    """Whether a price is better than the best so far, which is lower."""
    if more != 0 or more_spare != 0:
        return more > 0 or (more == 0 and more_spare < 0)
    return reference != 0 and abs(price - reference) < abs(best - reference)


@internal
def _gather(state: TitanState, symbol: int, side: int, last_price: int, place: int) -> int:
    """Note the levels of a side from the best to ``last_price``; where they end."""
    side_index = symbol * 2 + side
    last_key = last_price ^ flip_of(side)
    key = state.sides[np.uint64(side_index)]["best_key"]
    while key <= last_key:
        block = find_block(state, side_index, key)
        slot = state.levels[level_of(block, key)]["head"]
        total = 0
        while slot != 0:
            total += open_qty(state, slot)
            slot = state.orders[slot]["next"]
        state.rehearsal[_PRICE, place] = key ^ flip_of(side)
        state.rehearsal[_QTY, place] = total
        place += 1
        key = key_after(state, block, key)
    return place


@pasted
def _match(state: TitanState, outbox: Outbox, bid: np.uint32, ask: np.uint32, price: int) -> None:
    buying, selling = state.orders[bid], state.orders[ask]
    taker, maker = (bid, ask) if buying["placement"] > selling["placement"] else (ask, bid)
    linked = (buying["layers"] | selling["layers"]) & LAYER_LINKED
    if linked and _is_any_out(state, outbox, bid, ask, maker, taker):
        return
    if buying["layers"] & LAYER_REDUCE_ONLY and cut_resting(state, outbox, bid) != TRADE:
        return
    if selling["layers"] & LAYER_REDUCE_ONLY and cut_resting(state, outbox, ask) != TRADE:
        return
    wanted = open_qty(state, bid) if buying["layers"] & LAYER_HIDDEN else buying["qty"]
    offered = open_qty(state, ask) if selling["layers"] & LAYER_HIDDEN else selling["qty"]
    qty = min(wanted, offered)
    if buying["layers"] & LAYER_HIDDEN:
        reveal(state, bid, qty)
    if selling["layers"] & LAYER_HIDDEN:
        reveal(state, ask, qty)
    if linked:
        settle_links(state, outbox, bid, qty)
        settle_links(state, outbox, ask, qty)
    _trade(state, outbox, taker, maker, qty, price)


@pasted
def _is_any_out(
    state: TitanState,
    outbox: Outbox,
    bid: np.uint32,
    ask: np.uint32,
    first: np.uint32,
    second: np.uint32,
) -> bool:
    """Cancel one that is doomed, the bid if both are; of a pair the one that was placed later."""
    if cancel_if_doomed(state, outbox, bid) or cancel_if_doomed(state, outbox, ask):
        return True
    return cancel_if_out(state, outbox, first, second)


@pasted
def cancel_if_doomed(state: TitanState, outbox: Outbox, slot: np.uint32) -> bool:
    """Cancel it now if it only waits to be cancelled."""
    return cancel_if_out(state, outbox, np.uint32(0), slot)


@pasted
def _trade(
    state: TitanState,
    outbox: Outbox,
    taker: np.uint32,
    maker: np.uint32,
    qty: int,
    price: int,
) -> None:
    taking, resting = state.orders[taker], state.orders[maker]
    book = state.books[taking["symbol"]]
    notional = price * qty * book["money_unit"]
    taker_fee = fee_of(notional, book["taker_fee_ppm"])
    maker_fee = fee_of(notional, book["maker_fee_ppm"])
    tell_trade(state, outbox, taking, resting, qty, taker_fee, maker_fee)
    outbox.slots[np.uint64(outbox.count[0] - 1)]["price"] = price
    book["last"] = price
    state.totals[EVERY_TOUCH] = 1
    lots = qty if taking["side"] == BUY else -qty
    symbol = int64(taking["symbol"])
    set_position(state, resting["account"], symbol, -lots)
    set_position(state, taking["account"], symbol, lots)
    fill_resting(state, taker, qty)
    fill_resting(state, maker, qty)
