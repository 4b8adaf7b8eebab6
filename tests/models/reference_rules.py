"""Why the plain reference engine refuses: each function returns the first reason, or 0."""

from __future__ import annotations

from collections.abc import Callable

from components.messages import code as c
from components.messages.command import ALL_SYMBOLS, UNCHANGED
from components.units import MONEY_MAX, ORDER_ID_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.models.reference_order import STOPS, TRAILING, Book, Order

Command = dict[str, int]
SLICES_MAX = 1000
PRICED = (c.TYPE_LIMIT, c.TYPE_STOP_LIMIT)


def place_reason(
    x: Command, book: Book, now: int, find: Callable[[int, int], Order | None], old: Order | None
) -> int:
    """A place or replace command, before the book is looked at."""
    if not (0 < x["account"] <= ORDER_ID_MAX and 0 < x["order_id"] <= ORDER_ID_MAX):
        return c.REASON_BAD_ID
    if not _is_kind_known(x, old is not None):
        return c.REASON_BAD_TYPE
    if find(x["account"], x["order_id"]) not in (None, old):
        return c.REASON_DUPLICATE_ID
    reason = _number_reason(x, book.rules["money_unit"])
    if not reason and x["flags"] & c.FLAG_OCO:
        may_stay = x["order_type"] != c.TYPE_MARKET
        may_stay = may_stay and x["tif"] not in (c.TIF_IOC, c.TIF_FOK)
        other = find(x["account"], x["cause"])
        if other is None:
            return c.REASON_UNKNOWN_ORDER
        if other.is_linked or not may_stay:
            return c.REASON_BAD_LINK
    return reason or market_reason(x, book) or _late_reason(x, now)


def _is_kind_known(x: Command, replaces: bool) -> bool:
    flags, kind = x["flags"], x["order_type"]
    if x["side"] > 1 or x["stp"] > 4 or kind > c.TYPE_TRAILING_STOP_LIMIT or x["tif"] > c.TIF_DAY:
        return False
    if flags & c.FLAG_SLIDE and not flags & c.FLAG_POST_ONLY:
        return False
    if flags & c.FLAG_TRAIL_PPM and kind not in TRAILING:
        return False
    if flags & c.FLAG_OCO and (replaces or flags & c.FLAG_LIQUIDATION):
        return False
    if flags & c.FLAG_BY_AMOUNT:
        never = c.FLAG_REDUCE_ONLY | c.FLAG_HIDDEN | c.FLAG_OCO
        plain = x["tif"] in (c.TIF_GTC, c.TIF_IOC)
        return kind == c.TYPE_MARKET and plain and not flags & never
    return True


def _number_reason(x: Command, unit: int) -> int:
    kind, by_amount = x["order_type"], x["flags"] & c.FLAG_BY_AMOUNT
    may_be_zero = kind in (c.TYPE_MARKET, *STOPS) and kind != c.TYPE_STOP_LIMIT
    highest = 0 if kind == c.TYPE_TRAILING_STOP else PRICE_TICKS_MAX
    if not (0 < x["price"] <= highest or (may_be_zero and x["price"] == 0)):
        return c.REASON_BAD_PRICE
    if not 0 < x["qty"] <= (MONEY_MAX if by_amount else QTY_LOTS_MAX):
        return c.REASON_BAD_QTY
    farthest = PPM if x["flags"] & c.FLAG_TRAIL_PPM else PRICE_TICKS_MAX
    if (not 0 < x["stop_price"] <= farthest) if kind in STOPS else x["stop_price"] != 0:
        return c.REASON_BAD_STOP_PRICE
    if x["display_qty"]:
        never = x["flags"] & (c.FLAG_HIDDEN | c.FLAG_BY_AMOUNT)
        if never or not is_display_fine(x["display_qty"], x["qty"]):
            return c.REASON_BAD_DISPLAY_QTY
    if (x["expires"] <= 0) if x["tif"] == c.TIF_GTD else (x["expires"] != 0):
        return c.REASON_BAD_EXPIRES
    worth = 0 if by_amount or kind in TRAILING else x["price"] * x["qty"] * unit
    return c.REASON_BAD_NOTIONAL if worth > MONEY_MAX else 0


def market_reason(x: Command, book: Book) -> int:
    """What the instrument's limits and phase say of a new order."""
    if x["flags"] & c.FLAG_LIQUIDATION:
        reason = 0
    elif x["flags"] & c.FLAG_BY_AMOUNT:
        reason = limit_reason(book, 0, 0, x["qty"], lowest=True)
    else:
        worth = x["price"] * x["qty"] * book.rules["money_unit"]
        priced = x["order_type"] in PRICED
        reason = limit_reason(book, x["qty"], x["qty"], worth if priced else 0, lowest=True)
    reason = reason or phase_reason(x, book)
    low, high = book.collar()
    if not reason and x["order_type"] == c.TYPE_LIMIT and not x["flags"] & c.FLAG_LIQUIDATION:
        reason = 0 if low <= x["price"] <= high else c.REASON_COLLAR
    return reason


def limit_reason(book: Book, least: int, most: int, worth: int, *, lowest: bool) -> int:
    """Quantities and notional, each judged if it is not 0; ``lowest``: the lower limits too."""
    limit = book.limits.get
    if lowest and least and least < limit("min_qty", 0):
        return c.REASON_MIN_QTY
    if most and most > (limit("max_qty", 0) or most):
        return c.REASON_MAX_QTY
    if lowest and worth and worth < limit("min_notional", 0):
        return c.REASON_MIN_NOTIONAL
    return c.REASON_MAX_NOTIONAL if worth > (limit("max_notional", 0) or worth) else 0


def phase_reason(x: Command, book: Book) -> int:
    """Whether orders are taken at all; an auction takes what may rest or wait."""
    if book.phase == c.PHASE_HALTED:
        return c.REASON_HALTED
    if book.phase == c.PHASE_AUCTION and x["order_type"] not in STOPS:
        rests = x["order_type"] == c.TYPE_LIMIT and x["tif"] not in (c.TIF_IOC, c.TIF_FOK)
        if not rests or x["flags"] & c.FLAG_POST_ONLY:
            return c.REASON_AUCTION
    return 0


def _late_reason(x: Command, now: int) -> int:
    return c.REASON_EXPIRED if x["tif"] == c.TIF_GTD and x["expires"] <= now else 0


def bracket_reason(x: Command, find: Callable[[int, int], Order | None], unit: int) -> int:
    """What is special about a bracket, once its entry alone would do."""
    kinds = (c.TYPE_LIMIT, c.TYPE_MARKET)
    flags = c.FLAG_POST_ONLY | c.FLAG_SLIDE | c.FLAG_REDUCE_ONLY | c.FLAG_HIDDEN
    if x["order_type"] not in kinds or x["tif"] == c.TIF_GTD or x["flags"] & ~flags:
        return c.REASON_BAD_TYPE
    profit, stop = x["origin_ts"], x["cause"]
    if not (profit or stop):
        return c.REASON_BAD_LINK
    if (not profit and x["display_qty"]) or (not stop and (x["stop_price"] or x["expires"])):
        return c.REASON_BAD_LINK
    for number in (profit, stop):
        if number and not 0 < number <= ORDER_ID_MAX:
            return c.REASON_BAD_ID
        if number and (number == x["order_id"] or find(x["account"], number)):
            return c.REASON_DUPLICATE_ID
    if profit == stop:
        return c.REASON_DUPLICATE_ID
    prices = [x["display_qty"]] if profit else []
    prices += [x["expires"]] if x["expires"] else []
    if any(not 0 < price <= PRICE_TICKS_MAX for price in prices):
        return c.REASON_BAD_PRICE
    if stop and not 0 < x["stop_price"] <= PRICE_TICKS_MAX:
        return c.REASON_BAD_STOP_PRICE
    if any(price * x["qty"] * unit > MONEY_MAX for price in prices):
        return c.REASON_BAD_NOTIONAL
    return 0


def is_display_fine(display: int, qty: int) -> bool:
    """At most a thousand slices."""
    return 0 < display <= QTY_LOTS_MAX and display * SLICES_MAX >= qty


def amend_reason(x: Command, order: Order, price: int, qty: int, book: Book) -> int:
    """An amend, except for what a post-only would take."""
    unpriced = price == 0 and order.type in (c.TYPE_MARKET, *STOPS)
    unpriced = unpriced and order.type != c.TYPE_STOP_LIMIT
    highest = 0 if order.type == c.TYPE_TRAILING_STOP else PRICE_TICKS_MAX
    if not (0 < price <= highest or unpriced):
        return c.REASON_BAD_PRICE
    if not 0 < qty <= QTY_LOTS_MAX:
        return c.REASON_BAD_QTY
    if order.display and not is_display_fine(order.display, qty):
        return c.REASON_BAD_DISPLAY_QTY
    worth = 0 if order.type in TRAILING else price * qty * book.rules["money_unit"]
    if worth > MONEY_MAX:
        return c.REASON_BAD_NOTIONAL
    if order.entry:
        return c.REASON_BAD_LINK
    if not order.flags & c.FLAG_LIQUIDATION:
        worth = worth if order.type in PRICED else 0
        reason = limit_reason(book, qty, qty, worth, lowest=x["qty"] != UNCHANGED)
        if reason:
            return reason
    if book.phase == c.PHASE_HALTED:
        return c.REASON_HALTED
    low, high = book.collar()
    waits = any(each is order for each in book.stops)
    collared = price != order.price and not waits and not order.flags & c.FLAG_LIQUIDATION
    return c.REASON_COLLAR if collared and not low <= price <= high else 0


def pass_reason(x: Command, books: dict[int, Book], positions: dict[tuple[int, int], int]) -> int:
    """What is passed on with a meaning for Titan."""
    symbol, op = x["symbol"], x["op"]
    if op == c.OP_INSTRUMENT:
        return _instrument_reason(x, books)
    if op == c.OP_SESSION_END and symbol == ALL_SYMBOLS:
        return 0
    for_titan = (c.OP_PRICE, c.OP_POSITION, c.OP_LIMITS, c.OP_PHASE, c.OP_SESSION_END)
    for_sentinel = (c.OP_DELEVERAGE, c.OP_FUNDING, c.OP_LEVERAGE, c.OP_MARGIN)
    needs_symbol = (*for_titan, *for_sentinel)
    if op not in needs_symbol:
        return 0
    if symbol not in books or books[symbol].phase == c.PHASE_REMOVED:
        return c.REASON_UNKNOWN_SYMBOL
    if op == c.OP_LIMITS:
        return _limits_reason(x)
    if op == c.OP_PHASE and x["side"] > c.PHASE_REMOVED:
        return c.REASON_BAD_INSTRUMENT
    held = any(qty and name[1] == symbol for name, qty in positions.items())
    if op == c.OP_PHASE and x["side"] == c.PHASE_REMOVED and held:
        return c.REASON_POSITION_EXISTS
    if op == c.OP_DELEVERAGE and x["side"] > c.SELL:
        return c.REASON_BAD_TYPE
    if op not in (c.OP_PRICE, c.OP_POSITION, c.OP_DELEVERAGE):
        return 0
    if not 0 < x["price"] <= PRICE_TICKS_MAX:
        return c.REASON_BAD_PRICE
    if not (0 if op == c.OP_PRICE else 1) <= x["qty"] <= QTY_LOTS_MAX:
        return c.REASON_BAD_QTY
    worth = x["price"] * x["qty"] * books[symbol].rules["money_unit"]
    return c.REASON_BAD_NOTIONAL if op == c.OP_POSITION and worth > MONEY_MAX else 0


def _instrument_reason(x: Command, books: dict[int, Book]) -> int:
    if not 0 < x["stop_price"] <= 1 << 20 or max(abs(x["display_qty"]), abs(x["expires"])) > PPM:
        return c.REASON_BAD_INSTRUMENT
    known = books.get(x["symbol"])
    grid = {"money_unit": x["stop_price"], "tick_size": x["price"], "lot_size": x["qty"]}
    if known and any(known.rules[name] != value for name, value in grid.items()):
        return c.REASON_BAD_INSTRUMENT
    return 0


def _limits_reason(x: Command) -> int:
    pairs = ((x["qty"], x["display_qty"], QTY_LOTS_MAX), (x["price"], x["stop_price"], MONEY_MAX))
    for low, high, most in pairs:
        if not (0 <= low <= most and 0 <= high <= most) or (high and low > high):
            return c.REASON_BAD_INSTRUMENT
    return 0 if 0 <= x["expires"] <= PPM else c.REASON_BAD_INSTRUMENT
