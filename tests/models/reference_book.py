"""Titan's rules once more, in dicts and lists, with nothing in mind but being right.

How orders match is in reference_matching.py, what an order and a book are in reference_order.py,
why something is refused in reference_rules.py.
"""

from __future__ import annotations

import copy

from components.messages import code as c
from components.messages.command import ALL_SYMBOLS, BOOK_ROWS_MAX, UNCHANGED
from components.units import MONEY_MAX
from tests.models import reference_rules as rules
from tests.models.reference_matching import Answer, Command, ReferenceMatching
from tests.models.reference_order import STOPS, Book, Order

__all__ = ["Answer", "ReferenceTitan"]


class ReferenceTitan(ReferenceMatching):
    """``apply`` one command, given as a dict of its fields, and get its answers."""

    def apply(self, command: Command) -> list[Answer]:
        """All answers of one command, best bid and ask included."""
        self.answers = []
        if command["op"] == c.OP_VOID:
            return []
        before = {symbol: book.touch() for symbol, book in self.books.items()}
        self.now = max(self.now, command["ts"])
        self._expire()
        self._drain()
        operations = {
            c.OP_PLACE: self._place,
            c.OP_REPLACE: self._replace,
            c.OP_BRACKET: self._bracket,
            c.OP_CANCEL: self._cancel,
            c.OP_AMEND: self._amend,
            c.OP_CANCEL_ALL: self._cancel_all,
            c.OP_BOOK: self._show_book,
        }
        operations.get(command["op"], self._pass)(command)
        self._drain()
        for symbol in sorted(self.books):
            bid, bid_qty, ask, ask_qty = touch = self.books[symbol].touch()
            if touch != before.get(symbol, (0, 0, 0, 0)):
                self._say(c.EVENT_TOUCH, symbol, 0, 0, bid, bid_qty, maker=(ask, ask_qty))
        return self.answers

    def _expire(self) -> None:
        due = [o for o in self._all() if o.tif == c.TIF_GTD and o.expires <= self.now]
        for order in sorted(due, key=lambda order: (order.expires, order.placement)):
            self._end(order, c.REASON_EXPIRED)

    def _end_all(self, orders: list[Order], reason: int) -> None:
        for order in orders:
            self._end(order, reason)

    def _cancel(self, command: Command) -> None:
        if self._book(command["symbol"]) is None:
            return self._reject(command, c.REASON_UNKNOWN_SYMBOL)
        order = self._find_in(command, command["order_id"])
        if order is None:
            return self._reject(command, c.REASON_UNKNOWN_ORDER)
        return self._end(order, c.REASON_USER)

    def _cancel_all(self, command: Command) -> None:
        symbol, account, side = command["symbol"], command["account"], command["side"]
        if symbol != ALL_SYMBOLS and self._book(symbol) is None:
            return self._reject(command, c.REASON_UNKNOWN_SYMBOL)
        if side > c.SIDES_SELL:
            return self._reject(command, c.REASON_BAD_TYPE)
        chosen = [
            order
            for order in self._all()
            if account in (0, order.account)
            and symbol in (ALL_SYMBOLS, order.symbol)
            and side in (c.SIDES_BOTH, order.side + 1)
        ]
        self._end_all(chosen, c.REASON_MASS)
        self._say(c.EVENT_MASS_CANCELLED, symbol, account, 0, qty=len(chosen), side=side)
        return None

    def _order(self, x: Command) -> Order:
        by_amount = x["flags"] & c.FLAG_BY_AMOUNT
        self.placements += 1
        return Order(
            x["account"],
            x["order_id"],
            x["symbol"],
            x["side"],
            x["price"],
            0 if by_amount else x["qty"],
            x["order_type"],
            x["tif"],
            x["flags"],
            x["stp"],
            x["stop_price"],
            x["display_qty"],
            x["expires"],
            self.placements,
            amount=x["qty"] if by_amount else 0,
        )

    def _place(self, command: Command, old: Order | None = None) -> None:
        book = self._book(command["symbol"])
        if book is None:
            return self._reject(command, c.REASON_UNKNOWN_SYMBOL)
        reason = rules.place_reason(command, book, self.now, self._find, old)
        if reason:
            return self._reject(command, reason)
        order = self._order(command)
        if order.type not in STOPS:
            reason = self._entry_reason(order)
            if reason:
                return self._reject(command, reason)
        if old:
            self._end(old, c.REASON_REPLACED)
        if order.flags & c.FLAG_OCO:
            order.partner = self._find(order.account, command["cause"])
            assert order.partner
            order.partner.partner = order
        return self._accept(order)

    def _accept(self, order: Order) -> None:
        self._say_order(c.EVENT_ACCEPTED, order, order.open)
        for exit_ in order.exits:
            self._say_order(c.EVENT_ACCEPTED, exit_, exit_.open)
            self.books[order.symbol].stops.append(exit_)
        if order.type in STOPS:
            self.books[order.symbol].stops.append(order)
        else:
            self._enter(order)
        self._look(order.symbol)

    def _replace(self, command: Command) -> None:
        if self._book(command["symbol"]) is None:
            return self._reject(command, c.REASON_UNKNOWN_SYMBOL)
        old = self._find_in(command, command["cause"])
        if old is None:
            return self._reject(command, c.REASON_UNKNOWN_ORDER)
        if old.side != command["side"] or old.is_linked:
            return self._reject(command, c.REASON_BAD_LINK)
        return self._place(command, old)

    def _bracket(self, command: Command) -> None:
        book = self._book(command["symbol"])
        if book is None:
            return self._reject(command, c.REASON_UNKNOWN_SYMBOL)
        alone = {**command, "stop_price": 0, "display_qty": 0, "expires": 0, "cause": 0}
        alone["flags"] &= ~(c.FLAG_OCO | c.FLAG_BY_AMOUNT | c.FLAG_TRAIL_PPM | c.FLAG_LIQUIDATION)
        alone["tif"] = c.TIF_GTC if command["tif"] == c.TIF_GTD else command["tif"]
        unit = book.rules["money_unit"]
        bad_type = rules.bracket_reason(command, self._find, unit) == c.REASON_BAD_TYPE
        reason = rules.place_reason(alone, book, self.now, self._find, None)
        if bad_type and reason != c.REASON_BAD_ID:
            reason = c.REASON_BAD_TYPE
        reason = reason or rules.bracket_reason(command, self._find, unit)
        if reason:
            return self._reject(command, reason)
        order = self._order(alone)
        reason = self._entry_reason(order)
        if reason:
            return self._reject(command, reason)
        stop = {"order_type": c.TYPE_STOP_LIMIT if command["expires"] else c.TYPE_STOP}
        exits = (
            {"order_id": command["origin_ts"], "price": command["display_qty"], "order_type": 0},
            {
                "order_id": command["cause"],
                "price": command["expires"],
                "stop_price": command["stop_price"],
                **stop,
            },
        )
        common = {"side": 1 - command["side"], "tif": c.TIF_GTC, "flags": 0}
        order.exits = [self._order({**alone, **common, **e}) for e in exits if e["order_id"]]
        for exit_ in order.exits:
            exit_.entry = order
        if len(order.exits) == 2:
            order.exits[0].partner, order.exits[1].partner = order.exits[1], order.exits[0]
        return self._accept(order)

    def _amend(self, command: Command) -> None:
        book = self._book(command["symbol"])
        if book is None:
            return self._reject(command, c.REASON_UNKNOWN_SYMBOL)
        order = self._find_in(command, command["order_id"])
        if order is None:
            return self._reject(command, c.REASON_UNKNOWN_ORDER)
        price = order.price if command["price"] == UNCHANGED else command["price"]
        qty = order.open if command["qty"] == UNCHANGED else command["qty"]
        waits = any(each is order for each in book.stops)
        reason = rules.amend_reason(command, order, price, qty, book)
        if not reason and not waits and price != order.price and order.flags & c.FLAG_POST_ONLY:
            moved = copy.copy(order)
            moved.price, moved.shown, moved.later = price, qty, 0
            if self._crosses(moved):
                slides = order.flags & c.FLAG_SLIDE
                reason = self._slide(moved) if slides else c.REASON_POST_ONLY
                price = moved.price
        if reason:
            return self._reject(command, reason)
        if waits:
            order.price, order.shown, order.later = price, qty, 0
            return self._say_order(c.EVENT_AMENDED, order, qty)
        if price == order.price and qty <= order.open:
            self._shrink(order, qty)
            return self._say_order(c.EVENT_AMENDED, order, qty)
        self._remove(order)
        order.price, order.shown, order.later = price, qty, 0
        self._say_order(c.EVENT_AMENDED, order, qty)
        self._enter(order)
        return self._look(order.symbol)

    def _drain(self) -> None:
        while self.queue:
            order = self.queue.pop(0)
            fate, order.fate = order.fate, ""
            if not fate or (fate != "triggered" and not self._is_in_book(order)):
                continue
            if fate == "doomed":
                self._end(order, c.REASON_LINKED)
            elif fate == "arming":
                self._arm(order)
            else:
                self._trigger(order)
            self._look(order.symbol)

    def _arm(self, order: Order) -> None:
        order.shown, order.traded = order.traded, 0
        self._say_order(c.EVENT_ARMED, order, order.open)
        if order.type == c.TYPE_LIMIT:
            self._remove(order)
            self._enter(order)

    def _trigger(self, order: Order) -> None:
        self._say_order(c.EVENT_TRIGGERED, order, 0)
        reason = self._trigger_reason(order)
        if reason:
            self._say_order(c.EVENT_CANCELLED, order, order.open, reason)
            self._unlink(order)
        else:
            self._enter(order)

    def _trigger_reason(self, order: Order) -> int:
        book = self.books[order.symbol]
        if order.price * order.open * book.rules["money_unit"] > MONEY_MAX:
            return c.REASON_BAD_NOTIONAL
        low, high = book.collar()
        exempt = order.is_market or order.flags & c.FLAG_LIQUIDATION
        if not exempt and not low <= order.price <= high:
            return c.REASON_COLLAR
        return self._now_reason(order)

    def _look(self, symbol: int) -> None:
        """Stops see the reference price: they trail it, and those that it reached trigger."""
        book = self.books[symbol]
        price = book.stop_reference()
        if price == 0 or not book.is_open:
            return
        for order in list(book.stops):
            if order.fate == "doomed" or not order.look_at(price):
                continue
            if order.partner:
                order.partner.partner = None
                self._doom(order.partner)
                order.partner = None
            order.become_plain()
            book.stops = [each for each in book.stops if each is not order]
            order.fate = "triggered"
            self.queue.append(order)

    def _show_book(self, x: Command) -> None:
        book = self._book(x["symbol"])
        if book is None:
            return self._reject(x, c.REASON_UNKNOWN_SYMBOL)
        if x["side"] > c.BOOK_ORDERS:
            return self._reject(x, c.REASON_BAD_TYPE)
        if not 0 < x["qty"] <= BOOK_ROWS_MAX:
            return self._reject(x, c.REASON_BAD_QTY)
        told = []
        for side in (c.BUY, c.SELL):
            seen = [o for o in book.queue(side) if not o.flags & c.FLAG_HIDDEN]
            rows = [(o.account, o.number, o.price, o.shown) for o in seen]
            if x["side"] == c.BOOK_LEVELS:
                prices = dict.fromkeys(o.price for o in seen)
                rows = [(0, 0, p, sum(o.shown for o in seen if o.price == p)) for p in prices]
            for row in rows[: x["qty"]]:
                self._say(c.EVENT_BOOK_ROW, x["symbol"], *row, side)
            told.append(min(len(rows), x["qty"]))
        bids, asks = told
        self._say(c.EVENT_BOOK, x["symbol"], x["account"], x["order_id"], bids, asks, x["side"])
        return None

    def _pass(self, x: Command) -> None:
        symbol = x["symbol"]
        if x["op"] >= c.OP_COUNT:
            return self._reject(x, c.REASON_BAD_TYPE)
        reason = rules.pass_reason(x, self.books, self.positions)
        if x["op"] == c.OP_INSTRUMENT and symbol >= self.max_symbols:
            reason = c.REASON_POOL_FULL
        if reason:
            return self._reject(x, reason)
        kind = x["op"] + (c.EVENT_OF_OP if x["op"] < c.OP_DELEVERAGE else c.EVENT_OF_RISK_OP)
        names = (symbol, x["account"], x["order_id"])
        maker, fees = (x["stop_price"], x["display_qty"]), (x["expires"], x["origin_ts"])
        self._say(kind, *names, x["price"], x["qty"], x["side"], maker=maker, fees=fees)
        notes = {
            c.OP_INSTRUMENT: self._note_instrument,
            c.OP_LIMITS: self._note_limits,
            c.OP_PHASE: self._note_phase,
            c.OP_PRICE: self._note_price,
            c.OP_POSITION: self._note_position,
            c.OP_SESSION_END: self._end_session,
            c.OP_DELEVERAGE: self._deleverage,
        }
        if x["op"] in notes:
            notes[x["op"]](x)
        return None

    def _deleverage(self, x: Command) -> None:
        """The two close against each other, as far as both still hold."""
        sign = -1 if x["side"] == c.SELL else 1
        account, other = ((each, x["symbol"]) for each in (x["account"], x["display_qty"]))
        held, taken = self.positions.get(account, 0), self.positions.get(other, 0)
        lots = min(x["qty"], max(-sign * held, 0), max(sign * taken, 0))
        if lots:
            self.positions[account] = held + sign * lots
            self.positions[other] = taken - sign * lots

    def _note_instrument(self, x: Command) -> None:
        book = self.books.setdefault(x["symbol"], Book({}))
        book.rules = {
            "money_unit": x["stop_price"],
            "tick_size": x["price"],
            "lot_size": x["qty"],
            "maker_fee_ppm": x["display_qty"],
            "taker_fee_ppm": x["expires"],
            "flags": x["flags"],
        }
        if book.phase == c.PHASE_REMOVED:
            book.phase = c.PHASE_CONTINUOUS
        self._look(x["symbol"])

    def _note_limits(self, x: Command) -> None:
        self.books[x["symbol"]].limits = {
            "min_qty": x["qty"],
            "max_qty": x["display_qty"],
            "min_notional": x["price"],
            "max_notional": x["stop_price"],
            "collar_ppm": x["expires"],
        }

    def _note_phase(self, x: Command) -> None:
        book = self.books[x["symbol"]]
        book.phase = x["side"]
        if book.phase == c.PHASE_REMOVED:
            here = [order for order in self._all() if order.symbol == x["symbol"]]
            self._end_all(here, c.REASON_DELISTED)
            book.last, book.mark, book.limits = 0, 0, {}
        elif book.is_open:
            self._uncross(book)
            self._look(x["symbol"])

    def _note_price(self, x: Command) -> None:
        self.books[x["symbol"]].mark = x["price"]
        self._look(x["symbol"])

    def _note_position(self, x: Command) -> None:
        name = (x["account"], x["symbol"])
        if not self.positions.get(name):
            self.positions[name] = x["qty"] if x["side"] == c.BUY else -x["qty"]

    def _end_session(self, x: Command) -> None:
        day = [o for o in self._all() if o.tif == c.TIF_DAY]
        here = [o for o in day if x["symbol"] in (ALL_SYMBOLS, o.symbol)]
        self._end_all(here, c.REASON_SESSION_END)
