"""The risk gate's rules said plainly, on the reference of Sentinel and a list of open orders."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from components.messages import code as c
from tests.models.reference_risk import Account, ReferenceSentinel

MARKET_TYPES = (c.TYPE_MARKET, c.TYPE_STOP)
TRAILING = (c.TYPE_TRAILING_STOP, c.TYPE_TRAILING_STOP_LIMIT)
LOTS_MAX = 2**40
MONEY_MAX = 2**60
NOTIONAL_MAX = 2**56
UNBOUNDED = Fraction(2**70)


@dataclass(frozen=True)
class Resting:
    """One open order; ``price`` 0: at any price."""

    symbol: int
    side: int
    price: int
    lots: int
    placement: int
    partner: int = 0  # placement of the other one of its pair


@dataclass(frozen=True)
class Wish:
    """An order that may be placed, and the account's others."""

    account: Account
    others: list[Resting]
    symbol: int
    side: int
    order_type: int
    price: int
    qty: int
    trigger: int
    by_amount: bool


class ReferenceGate:
    """Judges orders from what ``sentinel`` knows; ``fees``: the worst rate by symbol, ppm."""

    def __init__(self, sentinel: ReferenceSentinel) -> None:
        self.sentinel = sentinel
        self.fees: dict[int, int] = {}

    def cost(self, order: Resting) -> Fraction:
        """What it loses against the mark if it trades, with its fee."""
        rules = self.sentinel.symbols[order.symbol]
        largest = order.lots * max(order.price, rules.mark) * rules.unit
        if order.price == 0 or largest > MONEY_MAX:
            return UNBOUNDED
        worse = order.price - rules.mark if order.side == c.BUY else rules.mark - order.price
        fee = Fraction(order.price * order.lots * rules.unit * self.fees[order.symbol], 10**6)
        return Fraction(max(worse, 0) * order.lots * rules.unit + ceil(fee))

    def held(self, account: Account, symbol: int) -> int:
        position = self.sentinel.wallet(account, symbol).positions.get(symbol)
        return position.lots if position else 0

    def initial(self, account: Account, symbol: int, lots: int) -> Fraction:
        """Initial margin of so many lots at the mark."""
        wallet = self.sentinel.wallet(account, symbol)
        rules = self.sentinel.symbols[symbol]
        value = abs(lots) * rules.mark * rules.unit
        held = wallet.positions.get(symbol)
        if held and abs(held.lots) == abs(lots):
            value = abs(self.sentinel.value(symbol, held))
        if lots == 0:
            return Fraction(0)
        if value == 0 or value > NOTIONAL_MAX or abs(lots) > LOTS_MAX:
            return UNBOUNDED
        leverage = self.sentinel.leverage(wallet, symbol, value)
        return Fraction(max(ceil(Fraction(value, leverage)), rules.maintenance(value)))

    def worst(self, account: Account, symbol: int, orders: list[Resting]) -> int:
        """The most lots that the account can come to hold."""
        here = [each for each in self.singly(orders) if each[0].symbol == symbol]
        held = self.held(account, symbol)
        buys = sum(lots for each, lots, _ in here if each.side == c.BUY)
        sells = sum(lots for each, lots, _ in here if each.side == c.SELL)
        return max(abs(held + buys), abs(held - sells))

    def singly(self, orders: list[Resting]) -> list[tuple[Resting, int, Fraction]]:
        """Orders with lots and cost, a pair of one symbol and side as one with the worse of both."""
        by_placement = {each.placement: each for each in orders}
        found = []
        for each in orders:
            lots, cost = each.lots, self.cost(each)
            partner = by_placement.get(each.partner) if each.partner else None
            if partner and (partner.symbol, partner.side) == (each.symbol, each.side):
                if partner.placement < each.placement:
                    continue
                lots, cost = max(lots, partner.lots), max(cost, self.cost(partner))
            found.append((each, lots, cost))
        return found

    def reduces(self, account: Account, symbol: int, orders: list[Resting]) -> bool:
        """Whether the orders can do nothing in the symbol but reduce what is held."""
        here = [each for each in self.singly(orders) if each[0].symbol == symbol]
        held = self.held(account, symbol)
        closing = c.SELL if held > 0 else c.BUY
        lots = sum(lots for _, lots, _ in here)
        return all(each.side == closing for each, _, _ in here) and lots <= abs(held)

    def lacking(self, account: Account, orders: list[Resting], symbol: int) -> Fraction:
        """What is missing in the worst case, for an order in ``symbol`` that is among these."""
        own, short = Fraction(0), Fraction(0)
        for at in {each.symbol for each in orders} | set(account.positions):
            if self.reduces(account, at, orders):
                need = self.initial(account, at, self.held(account, at))
            else:
                need = self.initial(account, at, self.worst(account, at, orders))
                need += sum(cost for each, _, cost in self.singly(orders) if each.symbol == at)
            if at in account.isolated:
                short += max(need - self.sentinel.equity(account.isolated[at]), Fraction(0))
            else:
                own += need
        spare = self.sentinel.equity(account) - own
        if short > 0:
            return short - min(spare, Fraction(account.collateral))
        return Fraction(0) if symbol in account.isolated else -spare

    def with_new(self, wish: Wish, price: int) -> list[Resting]:
        """The account's orders and this one, at a price."""
        lots = wish.qty
        if wish.by_amount:
            lots = wish.qty // (price * self.sentinel.symbols[wish.symbol].unit) + 1
        return [*wish.others, Resting(wish.symbol, wish.side, price, lots, 2**60)]

    def only_reduces(self, wish: Wish) -> bool:
        new = Resting(wish.symbol, wish.side, 0, LOTS_MAX if wish.by_amount else wish.qty, 2**60)
        return self.reduces(wish.account, wish.symbol, [*wish.others, new])

    def bears(self, wish: Wish, price: int) -> bool:
        """Whether nothing is missing if the order trades at this price."""
        return self.lacking(wish.account, self.with_new(wish, price), wish.symbol) <= 0

    def range_of(self, wish: Wish) -> tuple[int, int]:
        """The best and worst price that a market order has to be judged at."""
        rules = self.sentinel.symbols[wish.symbol]
        is_buy = wish.side == c.BUY
        worse = max if is_buy else min
        better = min if is_buy else max
        best = worse(rules.mark, wish.trigger or rules.mark)
        lots = 1 if wish.by_amount else wish.qty
        worst = min(LOTS_MAX, MONEY_MAX // (lots * rules.unit)) if is_buy else 1
        worst = better(worst, wish.price or worst)
        return better(best, worst), worst

    def outcomes(self, wish: Wish, price: int) -> Iterator[tuple[Fraction, Fraction]]:
        """What the account's own wallet has, and needs, for each way in which some of its orders
        trade, those left out that can only reduce; with what its isolated positions then lack."""
        orders = self.with_new(wish, price)
        acting = [each for each in orders if not self.reduces(wish.account, each.symbol, orders)]
        acting = acting[-6:]
        for count in range(len(acting) + 1):
            for some in itertools.combinations(acting, count):
                if {each.partner for each in some} & {each.placement for each in some}:
                    continue
                if wish.symbol in wish.account.isolated and not self._lacks(wish, list(some)):
                    continue
                yield self._outcome(wish.account, list(some))

    def _lacks(self, wish: Wish, traded: list[Resting]) -> bool:
        return self._outcome(wish.account, traded, own=False)[1] > 0

    def _outcome(
        self, account: Account, traded: list[Resting], *, own: bool = True
    ) -> tuple[Fraction, Fraction]:
        needs = Fraction(0)
        for at in {each.symbol for each in traded} | set(account.positions):
            orders = [each for each in traded if each.symbol == at]
            lots = self.held(account, at)
            lots += sum(each.lots if each.side == c.BUY else -each.lots for each in orders)
            need = self.initial(account, at, lots)
            need += sum((self.cost(each) for each in orders), Fraction(0))
            if at in account.isolated:
                need = max(need - self.sentinel.equity(account.isolated[at]), Fraction(0))
            elif not own:
                continue
            needs += need
        return Fraction(self.sentinel.equity(account)), needs
