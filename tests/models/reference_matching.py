"""How orders match in the plain reference engine: queues are lists, the best price a ``min``.

Every event is a tuple: (kind, symbol, account, id, price, qty, side, reason, maker account, maker
id, taker fee, maker fee).  Prices and quantities are ticks and lots.  A fill-or-kill is tried on a
deep copy of everything.
"""

from __future__ import annotations

import copy

from components.messages import code as c
from components.units import MONEY_MAX, PRICE_TICKS_MAX
from tests.models.reference_order import Book, Order

Answer = tuple[int, ...]
Command = dict[str, int]


class ReferenceMatching:
    """All books and positions, and what orders do to them."""

    def __init__(self, max_symbols: int = 4) -> None:
        self.books: dict[int, Book] = {}
        self.positions: dict[tuple[int, int], int] = {}
        self.now = 0
        self.placements = 0
        self.answers: list[Answer] = []
        self.queue: list[Order] = []
        self.max_symbols = max_symbols

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

    def _reject(self, command: Command, reason: int) -> None:
        names = (command["symbol"], command["account"], command["order_id"])
        self._say(c.EVENT_REJECTED, *names, reason=reason)

    def _book(self, symbol: int) -> Book | None:
        book = self.books.get(symbol)
        return None if book is None or book.phase == c.PHASE_REMOVED else book

    def _all(self) -> list[Order]:
        found = [o for book in self.books.values() for o in book.resting + book.stops]
        return sorted(found, key=lambda order: order.placement)

    def _find(self, account: int, number: int) -> Order | None:
        for order in self._all():
            if (order.account, order.number) == (account, number):
                return order
        return None

    def _find_in(self, command: Command, number: int) -> Order | None:
        order = self._find(command["account"], number)
        return None if order is None or order.symbol != command["symbol"] else order

    def _is_in_book(self, order: Order) -> bool:
        book = self.books[order.symbol]
        return any(each is order for each in book.resting + book.stops)

    def _remove(self, order: Order) -> None:
        book = self.books[order.symbol]
        book.resting = [each for each in book.resting if each is not order]
        book.stops = [each for each in book.stops if each is not order]

    def _reducible(self, order: Order) -> int:
        position = self.positions.get((order.account, order.symbol), 0)
        return max(-position if order.side == c.BUY else position, 0)

    def _end(self, order: Order, reason: int) -> None:
        self._say_order(c.EVENT_CANCELLED, order, order.open, reason)
        self._remove(order)
        self._unlink(order)

    def _unlink(self, order: Order) -> None:
        """An order has ended: its partner ends too; its exits are armed, or end."""
        for exit_ in order.exits:
            exit_.entry = None
            if order.traded:
                exit_.fate = "arming"
                exit_.traded = order.traded
            else:
                exit_.partner = None
                exit_.fate = "doomed"
            self.queue.append(exit_)
        order.exits = []
        if order.entry:
            order.entry.exits = []
        if order.partner:
            order.partner.entry = None
            self._doom(order.partner)
            order.partner = None
        order.entry = None

    def _doom(self, order: Order) -> None:
        order.partner = None
        order.fate = "doomed"
        self.queue.append(order)

    def _crosses(self, order: Order) -> bool:
        best = self.books[order.symbol].best(1 - order.side)
        return best is not None and order.reaches(best)

    def _entry_reason(self, order: Order) -> int:
        if order.flags & c.FLAG_REDUCE_ONLY and self._reducible(order) == 0:
            return c.REASON_REDUCE_ONLY
        return self._now_reason(order)

    def _now_reason(self, order: Order) -> int:
        """Judge an order that is about to enter; clamps and slides its price."""
        book = self.books[order.symbol]
        low, high = book.collar()
        if order.is_market and not order.flags & c.FLAG_LIQUIDATION:
            if order.side == c.SELL:
                order.price = max(order.price, low)
            elif high < PRICE_TICKS_MAX:
                order.price = min(order.price or high, high)
        if not book.is_open:
            return 0
        at_once = order.is_market or order.tif in (c.TIF_IOC, c.TIF_FOK)
        if order.flags & c.FLAG_POST_ONLY:
            if at_once:
                return c.REASON_POST_ONLY
            if self._crosses(order):
                if not order.flags & c.FLAG_SLIDE:
                    return c.REASON_POST_ONLY
                reason = self._slide(order)
                if reason:
                    return reason
        if order.tif == c.TIF_FOK and not self._can_fill(order):
            return c.REASON_FOK
        return 0

    def _slide(self, order: Order) -> int:
        book = self.books[order.symbol]
        best = book.best(1 - order.side)
        assert best is not None
        price = best - 1 if order.side == c.BUY else best + 1
        if not 0 < price <= PRICE_TICKS_MAX:
            return c.REASON_POST_ONLY
        if price * order.open * book.rules["money_unit"] > MONEY_MAX:
            return c.REASON_BAD_NOTIONAL
        order.price = price
        return 0

    def _can_fill(self, order: Order) -> bool:
        """Try it on a copy of everything: it must trade all that it may."""
        trial, mine = copy.deepcopy((self, order))
        wanted = mine.open
        if mine.flags & c.FLAG_REDUCE_ONLY:
            wanted = min(wanted, trial._reducible(mine))
        trial.answers = []
        mine.tif = c.TIF_IOC
        trial._enter(mine)
        me = (order.account, order.number)
        traded = [a[5] for a in trial.answers if a[0] == c.EVENT_TRADE and a[2:4] == me]
        return sum(traded) == wanted

    @staticmethod
    def _shrink(order: Order, qty: int) -> None:
        order.shown = min(order.shown, qty)
        order.later = qty - order.shown

    def _enter(self, order: Order) -> None:
        book = self.books[order.symbol]
        if order.flags & c.FLAG_REDUCE_ONLY and self._reducible(order) < order.shown:
            excess = order.shown - self._reducible(order)
            self._say_order(c.EVENT_CANCELLED, order, excess, c.REASON_REDUCE_ONLY)
            order.shown -= excess
        if book.is_open:
            self._take(order)
        if order.open == 0:
            return self._unlink(order)
        if order.is_market:
            self._say_order(c.EVENT_CANCELLED, order, order.open, c.REASON_MARKET_UNFILLED)
            return self._unlink(order)
        if order.tif in (c.TIF_IOC, c.TIF_FOK):
            self._say_order(c.EVENT_CANCELLED, order, order.shown, c.REASON_IOC)
            return self._unlink(order)
        if order.display:
            whole = order.shown
            order.shown = min(whole, order.display)
            order.later = whole - order.shown
        book.resting.append(order)
        return None

    def _take(self, taker: Order) -> None:
        book = self.books[taker.symbol]
        while taker.open:
            makers = book.queue(1 - taker.side)
            if not makers or not taker.reaches(makers[0].price):
                return
            unit = makers[0].price * book.rules["money_unit"]
            if taker.flags & c.FLAG_BY_AMOUNT:
                taker.shown = taker.amount // unit
                if taker.shown == 0:
                    return
            self._meet(book, taker, makers[0], unit)

    def _meet(self, book: Book, taker: Order, maker: Order, unit: int) -> None:
        if maker.fate == "doomed" or taker.partner is maker:
            if taker.partner is maker:
                taker.partner = maker.partner = None
            self._end(maker, c.REASON_LINKED)
        elif taker.stp and taker.account == maker.account:
            self._prevent(taker, maker, unit)
        elif not self._cut(maker):
            self._cancel_partner(taker)
            self._cancel_partner(maker)
            self._trade(book, taker, maker, maker.price)

    def _cut(self, order: Order) -> bool:
        """Cut a resting reduce-only order to what it may trade; True if that ended it."""
        if not order.flags & c.FLAG_REDUCE_ONLY or self._reducible(order) >= order.open:
            return False
        allowed = self._reducible(order)
        excess = order.open - allowed
        self._say_order(c.EVENT_CANCELLED, order, excess, c.REASON_REDUCE_ONLY)
        self._shrink(order, allowed)
        if not allowed:
            self._remove(order)
            self._unlink(order)
        return not allowed

    def _cancel_partner(self, order: Order) -> None:
        """It is about to trade; exits of an entry are partners only once they are armed."""
        partner = order.partner
        if partner:
            order.partner = partner.partner = None
            self._end(partner, c.REASON_LINKED)

    def _prevent(self, taker: Order, maker: Order, unit: int) -> None:
        from_maker, from_taker = maker.open, taker.open
        if taker.stp == c.STP_CANCEL_NEWEST:
            from_maker = 0
        elif taker.stp == c.STP_CANCEL_OLDEST:
            from_taker = 0
        elif taker.stp == c.STP_DECREMENT:
            from_maker = from_taker = min(maker.open, taker.shown)
            if taker.amount:
                from_taker *= unit
        for order, qty in ((maker, from_maker), (taker, from_taker)):
            if qty:
                self._say_order(c.EVENT_CANCELLED, order, qty, c.REASON_SELF_TRADE)
        if taker.flags & c.FLAG_BY_AMOUNT:
            taker.amount -= from_taker
        else:
            taker.shown -= from_taker
        self._shrink(maker, maker.open - from_maker)
        if not maker.open:
            self._remove(maker)
            self._unlink(maker)

    def _trade(self, book: Book, taker: Order, maker: Order, price: int) -> None:
        qty = min(taker.shown, maker.shown)
        notional = price * qty * book.rules["money_unit"]
        fees = [
            -((-notional * book.rules[ppm]) // 1_000_000)
            for ppm in ("taker_fee_ppm", "maker_fee_ppm")
        ]
        self._say(
            c.EVENT_TRADE,
            taker.symbol,
            taker.account,
            taker.number,
            price,
            qty,
            taker.side,
            maker=(maker.account, maker.number),
            fees=(fees[0], fees[1]),
        )
        book.last = price
        for order in (taker, maker):
            name = (order.account, order.symbol)
            signed = qty if order.side == c.BUY else -qty
            self.positions[name] = self.positions.get(name, 0) + signed
            order.traded += qty
        if taker.amount:
            taker.amount -= notional
        for order in (taker, maker):
            order.shown -= qty
            if order.shown == 0 and any(each is order for each in book.resting):
                self._show_next(book, order)

    def _show_next(self, book: Book, order: Order) -> None:
        self._remove(order)
        if order.later:
            order.shown = min(order.later, order.display)
            order.later -= order.shown
            book.resting.append(order)
        else:
            self._unlink(order)

    def _uncross(self, book: Book) -> None:
        """Trade what is crossed at one price; again, if cuts left it crossed."""
        while True:
            bid, ask = book.best(c.BUY), book.best(c.SELL)
            if bid is None or ask is None or bid < ask:
                return
            price = book.auction_price()
            while True:
                bids, asks = book.queue(c.BUY), book.queue(c.SELL)
                if not bids or not asks or bids[0].price < price or asks[0].price > price:
                    break
                self._match(book, bids[0], asks[0], price)

    def _match(self, book: Book, bid: Order, ask: Order, price: int) -> None:
        for order in (bid, ask):
            if order.fate == "doomed":
                return self._end(order, c.REASON_LINKED)
        if bid.partner is ask:
            return self._cancel_partner(min(bid, ask, key=lambda order: order.placement))
        for order in (bid, ask):
            if self._cut(order):
                return None
        self._cancel_partner(bid)
        self._cancel_partner(ask)
        taker, maker = (bid, ask) if bid.placement > ask.placement else (ask, bid)
        return self._trade(book, taker, maker, price)
