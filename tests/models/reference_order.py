"""An order and a book of the plain reference engine."""

from __future__ import annotations

from dataclasses import dataclass, field

from components.messages import code as c
from components.units import PPM, PRICE_TICKS_MAX

STOPS = (c.TYPE_STOP, c.TYPE_STOP_LIMIT, c.TYPE_TRAILING_STOP, c.TYPE_TRAILING_STOP_LIMIT)
TRAILING = (c.TYPE_TRAILING_STOP, c.TYPE_TRAILING_STOP_LIMIT)


@dataclass(eq=False)
class Order:
    """One order; ``shown`` and ``later`` make up what is open (a hidden order is all ``shown``)."""

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
    stop_price: int  # of a trailing stop: its distance
    display: int
    expires: int
    placement: int
    later: int = 0
    amount: int = 0
    traded: int = 0
    peak: int = 0  # the price that a trailing stop trails
    partner: Order | None = None  # one cancels the other
    entry: Order | None = None  # an exit's, until the entry is done
    exits: list[Order] = field(default_factory=list)
    fate: str = ""  # "doomed", "arming" or "triggered", while it stands in the queue

    @property
    def open(self) -> int:
        """All that may still trade."""
        by_amount = self.flags & c.FLAG_BY_AMOUNT
        return self.amount if by_amount else self.shown + self.later

    @property
    def is_market(self) -> bool:
        """Takes at any price unless it names the worst."""
        return self.type in (c.TYPE_MARKET, c.TYPE_STOP)

    @property
    def is_linked(self) -> bool:
        """Whether its end has to do with other orders."""
        return bool(self.partner or self.entry or self.exits)

    def reaches(self, price: int) -> bool:
        """Whether it may trade at a price of the other side."""
        if self.is_market and self.price == 0:
            return True
        return price <= self.price if self.side == c.BUY else price >= self.price

    def trigger(self) -> int | None:
        """The price at which it triggers, if it is known yet and the order waits for one."""
        if self.entry or self.fate == "arming":
            return None
        if self.type not in TRAILING:
            return self.stop_price
        if not self.peak:
            return None
        distance = self.stop_price
        if self.flags & c.FLAG_TRAIL_PPM:
            distance = max(1, self.peak * self.stop_price // PPM)
        return self.peak + distance if self.side == c.BUY else self.peak - distance

    def look_at(self, price: int) -> bool:
        """Trail the price; whether the stop triggers."""
        if self.type in TRAILING:
            better = min if self.side == c.BUY else max
            self.peak = better(self.peak, price) if self.peak else price
        trigger = self.trigger()
        if trigger is None:
            return False
        return price >= trigger if self.side == c.BUY else price <= trigger

    def become_plain(self) -> None:
        """A trailing stop that triggers is a stop whose limit is known from then on."""
        trigger = self.trigger()
        if self.type == c.TYPE_TRAILING_STOP:
            self.type = c.TYPE_STOP
        elif self.type == c.TYPE_TRAILING_STOP_LIMIT:
            assert trigger is not None
            self.type = c.TYPE_STOP_LIMIT
            beyond = self.price if self.side == c.BUY else -self.price
            self.price = min(max(trigger + beyond, 1), PRICE_TICKS_MAX)


@dataclass
class Book:
    """One symbol: resting orders in order of arrival, waiting stops in order of placement."""

    rules: dict[str, int]
    resting: list[Order] = field(default_factory=list)
    stops: list[Order] = field(default_factory=list)
    last: int = 0
    mark: int = 0
    phase: int = c.PHASE_CONTINUOUS
    limits: dict[str, int] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether orders trade as they come."""
        return self.phase == c.PHASE_CONTINUOUS

    def queue(self, side: int) -> list[Order]:
        """The orders of a side in the order in which they trade."""
        orders = [order for order in self.resting if order.side == side]
        sign = -1 if side == c.BUY else 1
        return sorted(orders, key=lambda o: (sign * o.price, bool(o.flags & c.FLAG_HIDDEN)))

    def best(self, side: int) -> int | None:
        """The best price of a side, hidden orders included."""
        prices = [order.price for order in self.resting if order.side == side]
        if not prices:
            return None
        return max(prices) if side == c.BUY else min(prices)

    def touch(self) -> tuple[int, int, int, int]:
        """Bid, its quantity, ask, its quantity, as they are shown."""
        found: list[int] = []
        for side in (c.BUY, c.SELL):
            seen = [o for o in self.queue(side) if not o.flags & c.FLAG_HIDDEN]
            best = seen[0].price if seen else 0
            found += [best, sum(o.shown for o in seen if o.price == best)]
        return (found[0], found[1], found[2], found[3])

    def stop_reference(self) -> int:
        """What stops look at."""
        return self.mark if self.rules["flags"] & c.FLAG_STOPS_ON_MARK else self.last

    def reference(self) -> int:
        """What the collar and an uncrossing look at; 0 when there is nothing."""
        return self.stop_reference() or self.last or self.mark

    def collar(self) -> tuple[int, int]:
        """The lowest and highest price allowed."""
        ppm, reference = self.limits.get("collar_ppm", 0), self.reference()
        if not ppm or not reference:
            return 0, PRICE_TICKS_MAX
        width = reference * ppm // PPM
        return reference - width, min(reference + width, PRICE_TICKS_MAX)

    def auction_price(self) -> int:
        """Most volume, least imbalance, nearest to the reference, lowest."""
        bid, ask = self.best(c.BUY), self.best(c.SELL)
        assert bid is not None
        assert ask is not None
        reference = self.reference()
        prices = {o.price + step for o in self.resting for step in (-1, 0, 1)} | {reference}

        def merit(price: int) -> tuple[int, int, int, int]:
            wanted = sum(o.open for o in self.resting if o.side == c.BUY and o.price >= price)
            offered = sum(o.open for o in self.resting if o.side == c.SELL and o.price <= price)
            distance = abs(price - reference) if reference else 0
            return -min(wanted, offered), abs(wanted - offered), distance, price

        return min((price for price in prices if ask <= price <= bid), key=merit)
