"""Titan's rules once more, in dicts and lists, with nothing in mind but being right.

Every event is a tuple: (kind, symbol, account, id, price, qty, side, reason, maker account, maker
id, taker fee, maker fee).  Prices and quantities are ticks and lots.  Nothing here is fast: queues
are lists, the best price is a ``min`` over all orders, a fill-or-kill is tried on a deep copy.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from components.messages import code as c
from components.messages.command import ALL_SYMBOLS, UNCHANGED
from components.units import MONEY_MAX, ORDER_ID_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

Answer = tuple[int, ...]
SLICES_MAX = 1000


@dataclass
class Order:
    """One order; ``shown`` and ``hidden`` make up what is open."""

    account: int
    number: int
    symbol: int
    side: int
    price: int
    shown: int
    type: int
    tif: int
    flags: int
    stp: int
    stop_price: int
    display: int
    expires: int
    placement: int
    hidden: int = 0

    @property
    def open(self) -> int:
        """All that may still trade."""
        return self.shown + self.hidden

    @property
    def is_market(self) -> bool:
        """Takes at any price unless it names the worst."""
        return self.type in (c.TYPE_MARKET, c.TYPE_STOP)

    def reaches(self, price: int) -> bool:
        """Whether it may trade at a price of the other side."""
        if self.is_market and self.price == 0:
            return True
        return price <= self.price if self.side == c.BUY else price >= self.price


@dataclass
class Book:
    """One symbol: resting orders in order of arrival, waiting stops in order of placement."""

    rules: dict[str, int]
    resting: list[Order] = field(default_factory=list)
    stops: list[Order] = field(default_factory=list)
    last: int = 0
    mark: int = 0

    def best(self, side: int) -> int | None:
        """The best price of a side."""
        prices = [order.price for order in self.resting if order.side == side]
        if not prices:
            return None
        return max(prices) if side == c.BUY else min(prices)

    def touch(self) -> tuple[int, int, int, int]:
        """Bid, its quantity, ask, its quantity."""
        found: list[int] = []
        for side in (c.BUY, c.SELL):
            best = self.best(side)
            at_best = [o.shown for o in self.resting if o.side == side and o.price == best]
            found += [best or 0, sum(at_best)]
        return (found[0], found[1], found[2], found[3])


class ReferenceTitan:
    """``apply`` one command, given as a dict of its fields, and get its answers."""

    def __init__(self) -> None:
        self.books: dict[int, Book] = {}
        self.positions: dict[tuple[int, int], int] = {}
        self.now = 0
        self.placements = 0
        self.answers: list[Answer] = []

    def apply(self, command: dict[str, int]) -> list[Answer]:
        """All answers of one command, best bid and ask included."""
        self.answers = []
        if command["op"] == c.OP_VOID:
            return []
        before = {symbol: book.touch() for symbol, book in self.books.items()}
        self.now = max(self.now, command["ts"])
        self._expire()
        operations = {
            c.OP_PLACE: self._place,
            c.OP_CANCEL: self._cancel,
            c.OP_AMEND: self._amend,
            c.OP_CANCEL_ALL: self._cancel_all,
        }
        operations.get(command["op"], self._pass)(command)
        for symbol in sorted(self.books):
            bid, bid_qty, ask, ask_qty = touch = self.books[symbol].touch()
            if touch != before.get(symbol, (0, 0, 0, 0)):
                self._say(c.EVENT_TOUCH, symbol, 0, 0, bid, bid_qty, maker=(ask, ask_qty))
        return self.answers

    # What is said.

    def _say(
        self,
        kind: int,
        symbol: int,
        account: int,
        number: int,
        price: int = 0,
        qty: int = 0,
        side: int = 0,
        reason: int = 0,
        maker: tuple[int, int] = (0, 0),
        fees: tuple[int, int] = (0, 0),
    ) -> None:
        self.answers.append(
            (kind, symbol, account, number, price, qty, side, reason, *maker, *fees)
        )

    def _say_order(self, kind: int, order: Order, qty: int, reason: int = 0) -> None:
        names = (order.symbol, order.account, order.number)
        self._say(kind, *names, order.price, qty, order.side, reason)

    def _reject(self, command: dict[str, int], reason: int) -> None:
        names = (command["symbol"], command["account"], command["order_id"])
        self._say(c.EVENT_REJECTED, *names, reason=reason)

    # Looking things up.

    def _all(self) -> list[Order]:
        found = [o for book in self.books.values() for o in book.resting + book.stops]
        return sorted(found, key=lambda order: order.placement)

    def _find(self, account: int, number: int) -> Order | None:
        for order in self._all():
            if (order.account, order.number) == (account, number):
                return order
        return None

    def _remove(self, order: Order) -> None:
        book = self.books[order.symbol]
        book.resting = [each for each in book.resting if each is not order]
        book.stops = [each for each in book.stops if each is not order]

    def _end(self, order: Order, reason: int) -> None:
        self._say_order(c.EVENT_CANCELLED, order, order.open, reason)
        self._remove(order)

    def _reducible(self, order: Order) -> int:
        position = self.positions.get((order.account, order.symbol), 0)
        return max(-position if order.side == c.BUY else position, 0)

    # Commands.

    def _expire(self) -> None:
        due = [o for o in self._all() if o.tif == c.TIF_GTD and o.expires <= self.now]
        for order in sorted(due, key=lambda order: (order.expires, order.placement)):
            self._end(order, c.REASON_EXPIRED)

    def _cancel(self, command: dict[str, int]) -> None:
        if command["symbol"] not in self.books:
            return self._reject(command, c.REASON_UNKNOWN_SYMBOL)
        order = self._find(command["account"], command["order_id"])
        if order is None or order.symbol != command["symbol"]:
            return self._reject(command, c.REASON_UNKNOWN_ORDER)
        return self._end(order, c.REASON_USER)

    def _cancel_all(self, command: dict[str, int]) -> None:
        symbol = command["symbol"]
        if symbol != ALL_SYMBOLS and symbol not in self.books:
            return self._reject(command, c.REASON_UNKNOWN_SYMBOL)
        for order in self._all():
            if order.account == command["account"] and symbol in (ALL_SYMBOLS, order.symbol):
                self._end(order, c.REASON_MASS)
        return None

    def _place(self, command: dict[str, int]) -> None:
        reason = self._judge_place(command)
        if reason:
            return self._reject(command, reason)
        self.placements += 1
        order = Order(
            command["account"],
            command["order_id"],
            command["symbol"],
            command["side"],
            command["price"],
            command["qty"],
            command["order_type"],
            command["tif"],
            command["flags"],
            command["stp"],
            command["stop_price"],
            command["display_qty"],
            command["expires"],
            self.placements,
        )
        if order.type in (c.TYPE_STOP, c.TYPE_STOP_LIMIT):
            self._say_order(c.EVENT_ACCEPTED, order, order.open)
            self.books[order.symbol].stops.append(order)
            return self._cascade(order.symbol)
        reason = self._judge_entry(order)
        if reason:
            return self._reject(command, reason)
        self._say_order(c.EVENT_ACCEPTED, order, order.open)
        self._enter(order)
        return self._cascade(order.symbol)

    def _judge_place(self, x: dict[str, int]) -> int:
        if x["symbol"] not in self.books:
            return c.REASON_UNKNOWN_SYMBOL
        if not (0 < x["account"] <= ORDER_ID_MAX and 0 < x["order_id"] <= ORDER_ID_MAX):
            return c.REASON_BAD_ID
        if x["side"] > 1 or x["stp"] > 4 or x["order_type"] > 3 or x["tif"] > 3 or x["flags"] > 7:
            return c.REASON_BAD_TYPE
        if self._find(x["account"], x["order_id"]):
            return c.REASON_DUPLICATE_ID
        is_stop = x["order_type"] in (c.TYPE_STOP, c.TYPE_STOP_LIMIT)
        is_market = x["order_type"] in (c.TYPE_MARKET, c.TYPE_STOP)
        if not (0 < x["price"] <= PRICE_TICKS_MAX or (is_market and x["price"] == 0)):
            return c.REASON_BAD_PRICE
        if not 0 < x["qty"] <= QTY_LOTS_MAX:
            return c.REASON_BAD_QTY
        if (not 0 < x["stop_price"] <= PRICE_TICKS_MAX) if is_stop else x["stop_price"] != 0:
            return c.REASON_BAD_STOP_PRICE
        if x["display_qty"] and not self._is_display_fine(x["display_qty"], x["qty"]):
            return c.REASON_BAD_DISPLAY_QTY
        if (x["expires"] <= 0) if x["tif"] == c.TIF_GTD else (x["expires"] != 0):
            return c.REASON_BAD_EXPIRES
        unit = self.books[x["symbol"]].rules["money_unit"]
        if x["price"] * x["qty"] * unit > MONEY_MAX:
            return c.REASON_BAD_NOTIONAL
        if x["tif"] == c.TIF_GTD and x["expires"] <= self.now:
            return c.REASON_EXPIRED
        return 0

    @staticmethod
    def _is_display_fine(display: int, qty: int) -> bool:
        return 0 < display <= QTY_LOTS_MAX and display * SLICES_MAX >= qty

    def _judge_entry(self, order: Order) -> int:
        if order.flags & c.FLAG_REDUCE_ONLY and self._reducible(order) == 0:
            return c.REASON_REDUCE_ONLY
        return self._judge_now(order)

    def _judge_now(self, order: Order) -> int:
        best = self.books[order.symbol].best(1 - order.side)
        crosses = best is not None and order.reaches(best)
        at_once = order.is_market or order.tif in (c.TIF_IOC, c.TIF_FOK)
        if order.flags & c.FLAG_POST_ONLY and (crosses or at_once):
            return c.REASON_POST_ONLY
        if order.tif == c.TIF_FOK and not self._can_fill(order):
            return c.REASON_FOK
        return 0

    def _can_fill(self, order: Order) -> bool:
        """Try it on a copy of everything: it must trade all that it may."""
        trial = copy.deepcopy(self)
        mine = copy.deepcopy(order)
        wanted = mine.open
        if mine.flags & c.FLAG_REDUCE_ONLY:
            wanted = min(wanted, trial._reducible(mine))
        trial.answers = []
        mine.tif = c.TIF_IOC
        trial._enter(mine)
        me = (order.account, order.number)
        traded = [a[5] for a in trial.answers if a[0] == c.EVENT_TRADE and a[2:4] == me]
        return sum(traded) == wanted

    def _amend(self, command: dict[str, int]) -> None:
        if command["symbol"] not in self.books:
            return self._reject(command, c.REASON_UNKNOWN_SYMBOL)
        order = self._find(command["account"], command["order_id"])
        if order is None or order.symbol != command["symbol"]:
            return self._reject(command, c.REASON_UNKNOWN_ORDER)
        book = self.books[order.symbol]
        price = order.price if command["price"] == UNCHANGED else command["price"]
        qty = order.open if command["qty"] == UNCHANGED else command["qty"]
        waits = any(each is order for each in book.stops)
        reason = self._judge_amend(order, price, qty, waits)
        if reason:
            return self._reject(command, reason)
        stays = price == order.price and qty <= order.open
        if waits:
            order.price, order.shown = price, qty
            return self._say_order(c.EVENT_AMENDED, order, qty)
        if stays:
            self._shrink(order, qty)
            return self._say_order(c.EVENT_AMENDED, order, qty)
        self._remove(order)
        order.price, order.shown, order.hidden = price, qty, 0
        self._say_order(c.EVENT_AMENDED, order, qty)
        self._enter(order)
        return self._cascade(order.symbol)

    def _judge_amend(self, order: Order, price: int, qty: int, waits: bool) -> int:
        if not (0 < price <= PRICE_TICKS_MAX or (order.is_market and price == 0)):
            return c.REASON_BAD_PRICE
        if not 0 < qty <= QTY_LOTS_MAX:
            return c.REASON_BAD_QTY
        if order.display and not self._is_display_fine(order.display, qty):
            return c.REASON_BAD_DISPLAY_QTY
        book = self.books[order.symbol]
        if price * qty * book.rules["money_unit"] > MONEY_MAX:
            return c.REASON_BAD_NOTIONAL
        if order.flags & c.FLAG_POST_ONLY and not waits and price != order.price:
            moved = copy.copy(order)
            moved.price = price
            best = book.best(1 - order.side)
            if best is not None and moved.reaches(best):
                return c.REASON_POST_ONLY
        return 0

    # Matching.

    @staticmethod
    def _shrink(order: Order, qty: int) -> None:
        order.shown = min(order.shown, qty)
        order.hidden = qty - order.shown

    def _enter(self, order: Order) -> None:
        if order.flags & c.FLAG_REDUCE_ONLY and self._reducible(order) < order.shown:
            excess = order.shown - self._reducible(order)
            self._say_order(c.EVENT_CANCELLED, order, excess, c.REASON_REDUCE_ONLY)
            order.shown -= excess
        self._take(order)
        if order.shown == 0:
            return
        if order.is_market:
            self._say_order(c.EVENT_CANCELLED, order, order.shown, c.REASON_MARKET_UNFILLED)
        elif order.tif == c.TIF_IOC:
            self._say_order(c.EVENT_CANCELLED, order, order.shown, c.REASON_IOC)
        else:
            if order.display:
                whole = order.shown
                order.shown = min(whole, order.display)
                order.hidden = whole - order.shown
            self.books[order.symbol].resting.append(order)

    def _take(self, taker: Order) -> None:
        book = self.books[taker.symbol]
        while taker.shown:
            best = book.best(1 - taker.side)
            if best is None or not taker.reaches(best):
                return
            maker = next(o for o in book.resting if o.side != taker.side and o.price == best)
            if taker.stp and taker.account == maker.account:
                self._prevent(taker, maker)
            elif maker.flags & c.FLAG_REDUCE_ONLY and self._reducible(maker) < maker.open:
                allowed = self._reducible(maker)
                excess = maker.open - allowed
                self._say_order(c.EVENT_CANCELLED, maker, excess, c.REASON_REDUCE_ONLY)
                self._shrink(maker, allowed)
                if not allowed:
                    self._remove(maker)
            else:
                self._trade(book, taker, maker)

    def _prevent(self, taker: Order, maker: Order) -> None:
        from_maker, from_taker = maker.open, taker.shown
        if taker.stp == c.STP_CANCEL_NEWEST:
            from_maker = 0
        elif taker.stp == c.STP_CANCEL_OLDEST:
            from_taker = 0
        elif taker.stp == c.STP_DECREMENT:
            from_maker = from_taker = min(maker.open, taker.shown)
        for order, qty in ((maker, from_maker), (taker, from_taker)):
            if qty:
                self._say_order(c.EVENT_CANCELLED, order, qty, c.REASON_SELF_TRADE)
        taker.shown -= from_taker
        self._shrink(maker, maker.open - from_maker)
        if not maker.open:
            self._remove(maker)

    def _trade(self, book: Book, taker: Order, maker: Order) -> None:
        qty = min(taker.shown, maker.shown)
        notional = maker.price * qty * book.rules["money_unit"]
        fees = [
            -((-notional * book.rules[ppm]) // 1_000_000)
            for ppm in ("taker_fee_ppm", "maker_fee_ppm")
        ]
        self._say(
            c.EVENT_TRADE,
            taker.symbol,
            taker.account,
            taker.number,
            maker.price,
            qty,
            taker.side,
            maker=(maker.account, maker.number),
            fees=(fees[0], fees[1]),
        )
        book.last = maker.price
        for order in (taker, maker):
            name = (order.account, order.symbol)
            signed = qty if order.side == c.BUY else -qty
            self.positions[name] = self.positions.get(name, 0) + signed
        taker.shown -= qty
        maker.shown -= qty
        if maker.shown == 0:
            self._remove(maker)
            if maker.hidden:
                maker.shown = min(maker.hidden, maker.display)
                maker.hidden -= maker.shown
                book.resting.append(maker)

    # Stops.

    def _cascade(self, symbol: int) -> None:
        book = self.books[symbol]
        queue = self._triggered(book)
        while queue:
            order = queue.pop(0)
            self._say_order(c.EVENT_TRIGGERED, order, 0)
            reason = self._judge_now(order)
            if reason:
                self._say_order(c.EVENT_CANCELLED, order, order.open, reason)
            else:
                self._enter(order)
            queue += self._triggered(book)

    @staticmethod
    def _triggered(book: Book) -> list[Order]:
        price = book.mark if book.rules["flags"] & c.FLAG_STOPS_ON_MARK else book.last
        if price == 0:
            return []
        found = [
            order
            for order in book.stops
            if (price >= order.stop_price if order.side == c.BUY else price <= order.stop_price)
        ]
        book.stops = [each for each in book.stops if not any(each is one for one in found)]
        return found

    # What is passed on.

    def _pass(self, x: dict[str, int]) -> None:
        symbol = x["symbol"]
        if x["op"] == c.OP_INSTRUMENT:
            rules = {
                "money_unit": x["stop_price"],
                "maker_fee_ppm": x["display_qty"],
                "taker_fee_ppm": x["expires"],
                "flags": x["flags"],
            }
            self.books.setdefault(symbol, Book(rules)).rules = rules
        if x["op"] in (c.OP_PRICE, c.OP_POSITION):
            reason = self._judge_pass(x)
            if reason:
                return self._reject(x, reason)
        kind = x["op"] - c.OP_PRICE + c.EVENT_PRICE
        names = (symbol, x["account"], x["order_id"])
        maker, fees = (x["stop_price"], x["display_qty"]), (x["expires"], x["origin_ts"])
        self._say(kind, *names, x["price"], x["qty"], x["side"], maker=maker, fees=fees)
        if x["op"] == c.OP_PRICE:
            self.books[symbol].mark = x["price"]
            self._cascade(symbol)
        name = (x["account"], symbol)
        if x["op"] == c.OP_POSITION and not self.positions.get(name):
            self.positions[name] = x["qty"] if x["side"] == c.BUY else -x["qty"]
        return None

    def _judge_pass(self, x: dict[str, int]) -> int:
        if x["symbol"] not in self.books:
            return c.REASON_UNKNOWN_SYMBOL
        if not 0 < x["price"] <= PRICE_TICKS_MAX:
            return c.REASON_BAD_PRICE
        least = 0 if x["op"] == c.OP_PRICE else 1
        if not least <= x["qty"] <= QTY_LOTS_MAX:
            return c.REASON_BAD_QTY
        unit = self.books[x["symbol"]].rules["money_unit"]
        if x["op"] == c.OP_POSITION and x["price"] * x["qty"] * unit > MONEY_MAX:
            return c.REASON_BAD_NOTIONAL
        return 0
