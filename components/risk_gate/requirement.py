"""What an account needs if the worst of its open orders trade, and what it has; all in money.

    In a symbol with q lots held, B lots of open buys and S of open sells, the most that can be held is
    max(|q + B|, |q - S|), since margin grows with lots.  The account needs

        initial margin of that at the mark, at the account's leverage and the bracket's cap
        + for each open order what its price is worse than the mark, and its fee

    but if its orders can only reduce, to nothing at most, just the initial margin of what it holds.

Summing all orders' losses is cautious where orders of both sides are open: then not all of them can
trade on the way to the worst position.  Reduce-only orders count nothing.  A pair counts once, but
for one of it that is being amended; an exit of a bracket not before its entry is done: it closes what that opens.

An isolated position's wallet that lacks something is made good by what the account's own can spare,
as when a position is opened.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from components.messages.code import (
    BUY,
    TYPE_TRAILING_STOP,
)
from components.risk_gate.open_orders import TOUCHED, OpenOrders, drop_ended
from components.sentinel.engine.accounts import wallet_for
from components.sentinel.engine.margin import initial_margin, maintenance_margin
from components.sentinel.engine.positions import find_position
from components.sentinel.engine.state import NONE, NOTIONAL_MAX, SentinelState, wide
from components.sentinel.engine.valuation import leverage_cap, measure, value_of
from components.titan.engine.fees import fee_of
from components.titan.engine.order_pool import open_qty
from components.titan.engine.orders.linked import is_entry
from components.titan.engine.state import LAYER_LINKED, LAYER_REDUCE_ONLY, TitanState, int64
from components.units import MONEY_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from disruptor.compiled import inlined, internal

UNLIMITED: Final = 1 << 61
"""More money than any account can have; what sums are held at."""


@inlined
def plus(one: int, other: int) -> int:
    """A sum of two amounts up to UNLIMITED, held there."""
    return min(one + other, UNLIMITED)


@internal
def cost_of(
    titan: TitanState, sentinel: SentinelState, symbol: int, side: int, price: int, lots: int
) -> int:
    """What trading at this price would lose against the mark, fees included; 0: at any price."""
    book = titan.books[symbol]
    unit = int64(book["money_unit"])
    mark = int64(sentinel.symbols[symbol]["mark"])
    if price < 1 or price > PRICE_TICKS_MAX or lots > MONEY_MAX // (max(price, mark) * unit):
        return UNLIMITED
    worse = price - mark if side == BUY else mark - price
    rate = max(int64(book["taker_fee_ppm"]), int64(book["maker_fee_ppm"]), 0)
    return max(worse, 0) * lots * unit + fee_of(price * lots * unit, rate)


@internal
def sum_orders(
    titan: TitanState, sentinel: SentinelState, orders: OpenOrders, own: int, skipped: np.uint32
) -> None:
    """Fill the sums with the account's open orders, all but the one in slot ``skipped``."""
    drop_ended(titan, orders, own)
    place = wide(orders.first[own])
    while place != 0:
        slot = orders.entries[place]["slot"]
        if slot != skipped:
            _add_order(titan, sentinel, orders, slot, skipped)
        place = wide(orders.entries[place]["next"])


@internal
def _add_order(
    titan: TitanState,
    sentinel: SentinelState,
    orders: OpenOrders,
    slot: np.uint32,
    skipped: np.uint32,
) -> None:
    order = titan.orders[slot]
    if order["layers"] & LAYER_REDUCE_ONLY:
        return
    symbol, side = int64(order["symbol"]), int64(order["side"])
    lots = open_qty(titan, slot)
    cost = _order_cost(titan, sentinel, slot)
    if order["layers"] & LAYER_LINKED and not is_entry(titan, slot):
        if titan.terms[slot]["entry"] != 0:
            return
        partner = titan.terms[slot]["link"]
        other = titan.orders[partner]
        is_alike = other["symbol"] == symbol and other["side"] == side
        is_counted = partner != 0 and partner != skipped
        if is_counted and is_alike and not other["layers"] & LAYER_REDUCE_ONLY:
            if other["placement"] < order["placement"]:
                return
            lots = max(lots, open_qty(titan, partner))
            cost = max(cost, _order_cost(titan, sentinel, partner))
    if orders.lots[0, symbol] == 0 and orders.lots[1, symbol] == 0:
        orders.touched[orders.counts[TOUCHED]] = symbol
        orders.counts[TOUCHED] += 1
    orders.lots[side, symbol] = plus(orders.lots[side, symbol], lots)
    orders.costs[symbol] = plus(orders.costs[symbol], cost)


@internal
def _order_cost(titan: TitanState, sentinel: SentinelState, slot: np.uint32) -> int:
    order = titan.orders[slot]
    price = 0 if order["order_type"] >= TYPE_TRAILING_STOP else int64(order["price"])
    symbol, side = int64(order["symbol"]), int64(order["side"])
    return cost_of(titan, sentinel, symbol, side, price, open_qty(titan, slot))


@internal
def forget_sums(orders: OpenOrders) -> None:
    """Clear the sums for the next order."""
    for number in range(orders.counts[TOUCHED]):
        symbol = orders.touched[number]
        orders.lots[0, symbol] = 0
        orders.lots[1, symbol] = 0
        orders.costs[symbol] = 0
    orders.counts[TOUCHED] = 0


class Reach(NamedTuple):
    """Where a position can come to by the open orders in its symbol."""

    worst: int  # the most lots that can be held, of either sign; held at UNLIMITED
    only_reduces: bool


@inlined
def reach_of(orders: OpenOrders, symbol: int, held: int, side: int, lots: int) -> Reach:
    """From ``held`` signed lots, with ``lots`` more on ``side``."""
    buys = plus(orders.lots[0, symbol], lots if side == BUY else 0)
    sells = plus(orders.lots[1, symbol], 0 if side == BUY else lots)
    worst = max(abs(held + buys), abs(held - sells))
    if held >= 0:
        return Reach(worst, buys == 0 and sells <= held)
    return Reach(worst, sells == 0 and buys <= -held)


@internal
def _needed(sentinel: SentinelState, slot: int, symbol: int, reach: Reach, cost: int) -> int:
    """Initial margin of the worst position in the symbol, and the costs on the way to it."""
    leverage = 0 if slot == NONE else wide(sentinel.positions[slot]["leverage"])
    notional = 0 if slot == NONE else abs(value_of(sentinel, slot))
    worst = reach.worst
    if reach.only_reduces:
        cost = 0
    else:
        lot_value = sentinel.symbols[symbol]["mark"] * sentinel.symbols[symbol]["money_unit"]
        if lot_value == 0 or worst > QTY_LOTS_MAX or worst > NOTIONAL_MAX // lot_value:
            return UNLIMITED
        notional = worst * lot_value
    if notional == 0:
        return 0
    most = leverage_cap(sentinel, symbol, notional)
    chosen = min(leverage, most) if leverage > 0 else most
    tier_count = wide(sentinel.symbols[symbol]["tier_count"])
    maintenance = maintenance_margin(sentinel.tiers, symbol, tier_count, notional)
    return plus(initial_margin(notional, chosen, maintenance), cost)


@internal
def missing(
    sentinel: SentinelState,
    orders: OpenOrders,
    own: int,
    symbol: int,
    side: int,
    lots: int,
    cost: int,
) -> int:
    """What the account lacks in the worst case, with one more order; 0 or less: nothing.

    ``own`` is the row of the account's own wallet; the sums hold its other orders.
    """
    needed = 0
    slot = wide(sentinel.accounts[own]["first_position"])
    while slot != NONE:
        at = wide(sentinel.positions[slot]["symbol"])
        needed = plus(needed, _needed_at(sentinel, orders, slot, at, symbol, side, lots, cost))
        slot = wide(sentinel.positions[slot]["next_position"])
    lacking = 0
    for number in range(orders.counts[TOUCHED] + 1):
        is_last = number == orders.counts[TOUCHED]
        at = symbol if is_last else orders.touched[number]
        if (at == symbol) != is_last or find_position(sentinel, own, at) != NONE:
            continue
        row = wallet_for(sentinel, own, at)
        slot = find_position(sentinel, row, at)
        more = _needed_at(sentinel, orders, slot, at, symbol, side, lots, cost)
        if row == own:
            needed = plus(needed, more)
        else:
            lacking = plus(lacking, max(more - measure(sentinel, row).equity, 0))
    spare = measure(sentinel, own).equity - needed
    if lacking > 0:
        return lacking - min(spare, wide(sentinel.accounts[own]["collateral"]))
    return -spare if wallet_for(sentinel, own, symbol) == own else 0


@internal
def _needed_at(
    sentinel: SentinelState,
    orders: OpenOrders,
    slot: int,
    at: int,
    symbol: int,
    side: int,
    lots: int,
    cost: int,
) -> int:
    held = 0 if slot == NONE else wide(sentinel.positions[slot]["qty"])
    if at != symbol:
        lots = 0
        cost = 0
    reach = reach_of(orders, at, held, side, lots)
    return _needed(sentinel, slot, at, reach, plus(orders.costs[at], cost))
