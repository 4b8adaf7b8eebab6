"""One command judged: the verdict that Titan will read in it.

What is refused, all with ``insufficient_margin``

    an order with which the account lacks initial margin in the worst case (requirement.py), unless
    all its orders in that symbol can only reduce what it holds: so under margin it may only reduce
    a trailing stop that could do more than reduce, for its worst price is not known

What passes unjudged: reduce-only orders, which Titan cuts to the position, Sentinel's own, those of
accounts that were never opened (market makers from outside), and what Titan refuses anyway.

An order that takes at any price, now or when its stop triggers, is given the worst price that the
account can bear, unless it names a better one; what it then does not take is ``market_unfilled``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    BUY,
    FLAG_BY_AMOUNT,
    FLAG_LIQUIDATION,
    FLAG_REDUCE_ONLY,
    OP_ACCOUNT,
    OP_AMEND,
    OP_BRACKET,
    OP_DEPOSIT,
    OP_PLACE,
    OP_POSITION,
    OP_REPLACE,
    OP_RISK_CAPACITY,
    OP_RISK_GATE,
    REASON_INSUFFICIENT_MARGIN,
    SELL,
    TYPE_LIMIT,
    TYPE_STOP,
    TYPE_STOP_LIMIT,
    TYPE_TRAILING_STOP,
    TYPE_TRAILING_STOP_LIMIT,
)
from components.messages.command import UNCHANGED
from components.risk_gate.open_orders import OpenOrders
from components.risk_gate.requirement import (
    cost_of,
    forget_sums,
    missing,
    reach_of,
    sum_orders,
)
from components.sentinel.engine.accounts import find_account, wallet_for
from components.sentinel.engine.positions import find_position
from components.sentinel.engine.state import NONE, SentinelState, wide
from components.titan.engine.guards import PASSED
from components.titan.engine.order_index import find_order
from components.titan.engine.order_pool import open_qty
from components.titan.engine.place import is_listed, within
from components.titan.engine.state import RISK_GATE, TitanState, int64
from components.units import MONEY_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from disruptor.compiled import entry, internal


@entry
def prepare(
    titan: TitanState,
    sentinel: SentinelState,
    orders: OpenOrders,
    commands: NDArray[Any],
    begin: int,
    into: NDArray[Any],
) -> int:
    """Copy ``commands[begin:]`` with their verdicts, as far as these hold; how many, at least one.

    What follows an order that is judged, up to the next one, cannot change a verdict any more.
    """
    count = 0
    is_opening = False
    while begin + count < len(commands) and count < len(into):
        command = commands[begin + count]
        operation = command["op"]
        is_order = operation in (OP_PLACE, OP_AMEND, OP_REPLACE, OP_BRACKET)
        if (
            is_order
            and count > 0
            and (is_opening or find_account(sentinel, command["account"]) != NONE)
        ):
            break
        into[count] = command
        into[count]["reserved"] = PASSED
        if (
            is_order
            and titan.totals[RISK_GATE] != 0
            and _lacks(titan, sentinel, orders, into[count])
        ):
            into[count]["reserved"] = REASON_INSUFFICIENT_MARGIN
        count += 1
        is_opening = is_opening or operation in (OP_ACCOUNT, OP_DEPOSIT, OP_POSITION)
        if operation in (OP_RISK_GATE, OP_RISK_CAPACITY):
            break
    return count


class Wish(NamedTuple):
    """An order that may be placed: what of it does not depend on its price."""

    own: int  # row of its account's own wallet
    symbol: int
    side: int
    qty: int  # lots, or money
    is_by_amount: bool


@internal
def _lacks(
    titan: TitanState, sentinel: SentinelState, orders: OpenOrders, command: np.void
) -> bool:
    """Whether the order is to be refused; gives one that takes at any price its worst price."""
    own = find_account(sentinel, command["account"])
    symbol = int64(command["symbol"])
    if own == NONE or not is_listed(titan, symbol) or symbol >= len(sentinel.symbols):
        return False
    flags = int64(command["flags"])
    side, order_type = int64(command["side"]), int64(command["order_type"])
    price, qty = int64(command["price"]), int64(command["qty"])
    trigger = int64(command["stop_price"])
    skipped = np.uint32(0)
    if command["op"] == OP_AMEND:
        skipped = find_order(titan, command["account"], command["order_id"])
        order = titan.orders[skipped]
        before = open_qty(titan, skipped)
        price = int64(order["price"]) if price == UNCHANGED else price
        qty = before if qty == UNCHANGED else qty
        if skipped == 0 or (qty <= before and price == order["price"]):
            return False
        flags = int64(order["flags"])
        side, order_type = int64(order["side"]), int64(order["order_type"])
        trigger = int64(titan.terms[skipped]["stop_price"])
    elif command["op"] == OP_REPLACE:
        skipped = find_order(titan, command["account"], command["cause"])
    by_amount = flags & FLAG_BY_AMOUNT != 0
    most = MONEY_MAX if by_amount else QTY_LOTS_MAX
    is_fine = within(qty, most) and 0 <= price <= PRICE_TICKS_MAX and side <= SELL
    is_fine = is_fine and order_type <= TYPE_TRAILING_STOP_LIMIT
    if flags & (FLAG_REDUCE_ONLY | FLAG_LIQUIDATION) or not is_fine:
        return False
    sum_orders(titan, sentinel, orders, own, skipped)
    wish = Wish(own, symbol, side, qty, by_amount)
    lacks = False
    if not _only_reduces(sentinel, orders, wish):
        if order_type >= TYPE_TRAILING_STOP:
            lacks = True
        elif order_type in (TYPE_LIMIT, TYPE_STOP_LIMIT):
            lacks = not _bears(titan, sentinel, orders, wish, price)
        else:
            trigger = trigger if order_type == TYPE_STOP else 0
            command["price"] = _worst_price(titan, sentinel, orders, wish, price, trigger)
            lacks = command["price"] == 0
    forget_sums(orders)
    return lacks


@internal
def _only_reduces(sentinel: SentinelState, orders: OpenOrders, wish: Wish) -> bool:
    """Whether all that the account's orders in the symbol can do, with this one, is to reduce."""
    slot = find_position(sentinel, wallet_for(sentinel, wish.own, wish.symbol), wish.symbol)
    held = 0 if slot == NONE else wide(sentinel.positions[slot]["qty"])
    lots = QTY_LOTS_MAX if wish.is_by_amount else wish.qty
    return bool(reach_of(orders, wish.symbol, held, wish.side, lots).only_reduces)


@internal
def _bears(
    titan: TitanState, sentinel: SentinelState, orders: OpenOrders, wish: Wish, price: int
) -> bool:
    """Whether the account lacks nothing if the order trades at this price."""
    lots = wish.qty
    if wish.is_by_amount:
        lots = wish.qty // (price * int64(titan.books[wish.symbol]["money_unit"])) + 1
    cost = cost_of(titan, sentinel, wish.symbol, wish.side, price, lots)
    lacking = missing(sentinel, orders, wish.own, wish.symbol, wish.side, lots, cost)
    return bool(lacking <= 0)


@internal
def _worst_price(
    titan: TitanState,
    sentinel: SentinelState,
    orders: OpenOrders,
    wish: Wish,
    named: int,
    trigger: int,
) -> int:
    """The worst price that the account can bear, no worse than the one that is named (0: none).

    0 if it cannot bear the mark, or the price that triggers it.  What it lacks grows with the
    distance from the mark, so bisection finds where it begins to lack something.
    """
    mark = int64(sentinel.symbols[wish.symbol]["mark"])
    if mark == 0:
        return 0
    is_buy = wish.side == BUY
    bearable = mark
    worst = 1
    if is_buy:
        lots = 1 if wish.is_by_amount else wish.qty
        unit = int64(titan.books[wish.symbol]["money_unit"])
        worst = min(PRICE_TICKS_MAX, MONEY_MAX // (lots * unit))
    if trigger > 0:
        bearable = max(mark, trigger) if is_buy else min(mark, trigger)
    if named != 0:
        worst = min(worst, named) if is_buy else max(worst, named)
    if (worst <= bearable) if is_buy else (worst >= bearable):
        bearable = worst
    if _bears(titan, sentinel, orders, wish, worst):
        return worst
    if bearable == worst or not _bears(titan, sentinel, orders, wish, bearable):
        return 0
    while abs(worst - bearable) > 1:
        middle = (worst + bearable) // 2
        if _bears(titan, sentinel, orders, wish, middle):
            bearable = middle
        else:
            worst = middle
    return bearable
