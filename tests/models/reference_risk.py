"""The rules of margin and liquidation said plainly: Python integers, fractions, dictionaries.

Written from the rules, not from the engine: no tables, no cached sums, no bounds but those that
the rules name.  ``apply`` takes one EVENT record; what follows is appended to ``risks`` and
``orders`` as dictionaries of the records' fields that are not zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

import numpy as np

from components.messages import code

NOTIONAL_MAX = 2**56
MONEY_MAX = 2**60
STEP_MAX = 2**40
FIRST_ORDER_ID = 2**61
PPM = 10**6

Record = dict[str, int]


@dataclass
class Symbol:
    unit: int
    max_leverage: int
    tiers: list[tuple[int, int]] = field(default_factory=lambda: [(0, 5_000)])
    mark: int = 0

    def maintenance(self, notional: int) -> int:
        """Each slice of the notional pays the rate of its tier."""
        floors = [each for each, _ in self.tiers[1:]] + [max(notional, self.tiers[-1][0])]
        slices = (
            Fraction(rate * max(min(notional, top) - bottom, 0), PPM)
            for (bottom, rate), top in zip(self.tiers, floors, strict=True)
        )
        return ceil(sum(slices, Fraction(0)))


@dataclass
class Position:
    lots: int
    entry_value: int
    leverage: int


@dataclass
class Order:
    order_id: int
    open_lots: int


@dataclass
class Account:
    account: int
    collateral: int = 0
    positions: dict[int, Position] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    at_risk: bool = False


class ReferenceSentinel:
    """The whole of the rules."""

    def __init__(self, max_accounts: int) -> None:
        self.max_accounts = max_accounts
        self.accounts: dict[int, Account] = {}
        self.symbols: dict[int, Symbol] = {}
        self.fund = 0
        self.fund_is_seeded = False
        self.bad_debt = 0
        self.fee_ppm = 0
        self.at_risk_ppm = 800_000
        self.next_order_id = FIRST_ORDER_ID
        self.risks: list[Record] = []
        self.orders: list[Record] = []
        self.event: np.void = np.zeros(1)[0]

    # What an account is worth

    def value(self, symbol: int, position: Position) -> int:
        rules = self.symbols[symbol]
        return position.lots * rules.mark * rules.unit if rules.mark else position.entry_value

    def equity(self, account: Account) -> int:
        return account.collateral + sum(
            self.value(symbol, each) - each.entry_value
            for symbol, each in account.positions.items()
        )

    def position_maintenance(self, symbol: int, position: Position) -> int:
        return self.symbols[symbol].maintenance(abs(self.value(symbol, position)))

    def maintenance(self, account: Account) -> int:
        return sum(self.position_maintenance(*each) for each in account.positions.items())

    def initial(self, account: Account) -> int:
        return sum(
            max(
                ceil(Fraction(abs(self.value(symbol, each)), each.leverage)),
                self.position_maintenance(symbol, each),
            )
            for symbol, each in account.positions.items()
        )

    def notional(self, account: Account) -> int:
        return sum(abs(self.value(*each)) for each in account.positions.items())

    # What is said

    def say(self, kind: int, account: int, **fields: int) -> None:
        record = {"seq": int(self.event["seq"]), "ts": int(self.event["ts"]), "kind": kind}
        record |= {"account": account} | fields
        self.risks.append({name: value for name, value in record.items() if value})

    def reject(self, account: int, reason: int, amount: int = 0) -> None:
        symbol = int(self.event["symbol"])
        self.say(code.RISK_REJECTED, account, reason=reason, amount=amount, symbol=symbol)

    def balances(self, account: Account) -> Record:
        return {
            "collateral": account.collateral,
            "equity": self.equity(account),
            "maintenance": self.maintenance(account),
        }

    def say_account(self, account: Account, change: int) -> None:
        self.say(code.RISK_ACCOUNT, account.account, amount=change, **self.balances(account))

    def say_fund(self, account: int, change: int, bad_debt: int = 0) -> None:
        self.say(
            code.RISK_INSURANCE_FUND,
            account,
            amount=change,
            collateral=self.fund,
            entry_value=bad_debt,
        )

    def say_position(self, account: Account, symbol: int, position: Position, pnl: int) -> None:
        self.say(
            code.RISK_POSITION,
            account.account,
            symbol=symbol,
            qty=position.lots,
            entry_value=position.entry_value,
            price=int(self.event["price"]),
            amount=pnl,
            collateral=account.collateral,
        )

    # Events

    def apply(self, event: np.void) -> None:
        self.event = event
        handlers = {
            code.EVENT_PRICE: self.price,
            code.EVENT_TRADE: self.trade,
            code.EVENT_CANCELLED: self.order_ended,
            code.EVENT_REJECTED: self.order_ended,
            code.EVENT_ACCOUNT: self.open,
            code.EVENT_DEPOSIT: self.deposit,
            code.EVENT_WITHDRAW: self.withdraw,
            code.EVENT_POSITION: self.opening_position,
            code.EVENT_INSTRUMENT: self.instrument,
            code.EVENT_MARGIN_TIER: self.margin_tier,
            code.EVENT_RISK_RULE: self.risk_rule,
        }
        handlers.get(int(event["kind"]), lambda: None)()

    def instrument(self) -> None:
        symbol = Symbol(int(self.event["maker_account"]), int(self.event["leverage"]))
        self.symbols[int(self.event["symbol"])] = symbol

    def margin_tier(self) -> None:
        tiers = self.symbols[int(self.event["symbol"])].tiers
        tiers[int(self.event["order_id"]) :] = [(int(self.event["price"]), int(self.event["qty"]))]

    def risk_rule(self) -> None:
        self.fee_ppm = int(self.event["price"])
        self.at_risk_ppm = int(self.event["qty"])
        if not self.fund_is_seeded:
            self.fund_is_seeded = True
            self.fund = int(self.event["maker_account"])
            if self.fund:
                self.say_fund(0, self.fund)

    def room_for(self, account: int) -> bool:
        return account in self.accounts or len(self.accounts) < self.max_accounts

    def opened(self, account: int) -> Account:
        return self.accounts.setdefault(account, Account(account))

    def open(self) -> None:
        account = int(self.event["account"])
        if account in self.accounts:
            self.reject(account, code.REASON_DUPLICATE_ACCOUNT)
        elif not self.room_for(account):
            self.reject(account, code.REASON_POOL_FULL)
        else:
            self.say_account(self.opened(account), 0)

    def deposit(self) -> None:
        account, amount = int(self.event["account"]), int(self.event["price"])
        held = self.accounts[account].collateral if account in self.accounts else 0
        if not self.room_for(account):
            self.reject(account, code.REASON_POOL_FULL, amount)
        elif not 1 <= amount <= MONEY_MAX or held + amount > MONEY_MAX:
            self.reject(account, code.REASON_BAD_AMOUNT, amount)
        else:
            self.opened(account).collateral += amount
            self.say_account(self.accounts[account], amount)
            self.warn(self.accounts[account])

    def withdraw(self) -> None:
        number, amount = int(self.event["account"]), int(self.event["price"])
        account = self.accounts.get(number)
        if account is None:
            self.reject(number, code.REASON_UNKNOWN_ACCOUNT, amount)
        elif not 1 <= amount <= MONEY_MAX:
            self.reject(number, code.REASON_BAD_AMOUNT, amount)
        elif amount > account.collateral or self.equity(account) - amount < self.initial(account):
            self.reject(number, code.REASON_INSUFFICIENT_MARGIN, amount)
        else:
            account.collateral -= amount
            self.say_account(account, -amount)
            self.warn(account)

    def opening_position(self) -> None:
        number, symbol = int(self.event["account"]), int(self.event["symbol"])
        lots, price = int(self.event["qty"]), int(self.event["price"])
        leverage = int(self.event["leverage"])
        if symbol not in self.symbols:
            return self.reject(number, code.REASON_UNKNOWN_SYMBOL)
        rules = self.symbols[symbol]
        if not self.room_for(number):
            return self.reject(number, code.REASON_POOL_FULL)
        if not 1 <= price <= STEP_MAX:
            return self.reject(number, code.REASON_BAD_PRICE)
        if not 1 <= lots <= STEP_MAX:
            return self.reject(number, code.REASON_BAD_QTY)
        if leverage > rules.max_leverage:
            return self.reject(number, code.REASON_BAD_LEVERAGE)
        if lots * max(price, rules.mark) * rules.unit > NOTIONAL_MAX:
            return self.reject(number, code.REASON_BAD_NOTIONAL)
        if number in self.accounts and symbol in self.accounts[number].positions:
            return self.reject(number, code.REASON_POSITION_EXISTS)
        account = self.opened(number)
        signed = lots if self.event["side"] == code.BUY else -lots
        position = Position(signed, signed * price * rules.unit, leverage or rules.max_leverage)
        account.positions[symbol] = position
        self.say_position(account, symbol, position, 0)
        return self.warn(account)

    def price(self) -> None:
        symbol, price = int(self.event["symbol"]), int(self.event["price"])
        if symbol not in self.symbols:
            return self.reject(0, code.REASON_UNKNOWN_SYMBOL)
        rules = self.symbols[symbol]
        holders = [each for each in self.accounts.values() if symbol in each.positions]
        most = max((abs(each.positions[symbol].lots) for each in holders), default=0)
        if not 1 <= price <= STEP_MAX or most * price * rules.unit > NOTIONAL_MAX:
            return self.reject(0, code.REASON_BAD_PRICE)
        rules.mark = price
        for account in sorted(holders, key=self.rank):
            self.judge(account)
        return None

    def rank(self, account: Account) -> tuple[Fraction, int, int]:
        maintenance = max(self.maintenance(account), 1)
        shortfall = Fraction(self.equity(account), maintenance)
        return shortfall, -self.notional(account), account.account

    # Trades

    def trade(self) -> None:
        event = self.event
        symbol, lots = int(event["symbol"]), int(event["qty"])
        taker = self.accounts.get(int(event["account"]))
        maker = self.accounts.get(int(event["maker_account"]))
        signed = lots if event["side"] == code.BUY else -lots
        sides = [
            (taker, signed, int(event["taker_fee"])),
            (maker, -signed, int(event["maker_fee"])),
        ]
        if taker is not None and taker is maker:
            sides = [(taker, 0, int(event["taker_fee"]) + int(event["maker_fee"]))]
        if not all(self.can_hold(symbol, *side) for side in sides if side[0] is not None):
            self.reject(int(event["account"]), code.REASON_BAD_NOTIONAL)
        else:
            for account, change, fee in sides:
                if account is not None:
                    self.fill(account, symbol, change, fee)
        if taker is not None:
            for held_symbol, order in list(taker.orders.items()):
                if order.order_id == event["order_id"]:
                    order.open_lots -= lots
                    if order.open_lots <= 0:
                        del taker.orders[held_symbol]

    def filled(self, symbol: int, position: Position, change: int) -> tuple[Position, int]:
        """The position after the change, and the profit that it realised."""
        lot_value = int(self.event["price"]) * self.symbols[symbol].unit
        lots, entry = position.lots, position.entry_value
        if lots * change >= 0:
            return Position(lots + change, entry + change * lot_value, position.leverage), 0
        closed = min(abs(lots), abs(change)) * (1 if lots > 0 else -1)
        share = ceil(Fraction(entry * closed, lots))
        realised = closed * lot_value - share
        if abs(change) > abs(lots):
            return Position(lots + change, (lots + change) * lot_value, position.leverage), realised
        return Position(lots + change, entry - share, position.leverage), realised

    def can_hold(self, symbol: int, account: Account | None, change: int, fee: int) -> bool:
        assert account is not None
        rules = self.symbols[symbol]
        old = account.positions.get(symbol, Position(0, 0, 1))
        if int(self.event["qty"]) * int(self.event["price"]) * rules.unit > NOTIONAL_MAX:
            return False
        new, realised = self.filled(symbol, old, change)
        grows = abs(new.lots) > abs(old.lots) or new.lots * old.lots < 0
        if grows and abs(new.lots) > STEP_MAX:
            return False
        largest = max(abs(new.entry_value), abs(new.lots) * rules.mark * rules.unit)
        if grows and largest > NOTIONAL_MAX:
            return False
        return abs(fee) <= NOTIONAL_MAX and abs(account.collateral + realised - fee) <= MONEY_MAX

    def fill(self, account: Account, symbol: int, change: int, fee: int) -> None:
        before = account.collateral
        if change:
            rules = self.symbols[symbol]
            old = account.positions.get(symbol, Position(0, 0, rules.max_leverage))
            new, realised = self.filled(symbol, old, change)
            account.positions[symbol] = new
            if not new.lots:
                del account.positions[symbol]
            account.collateral += realised - fee
            self.say_position(account, symbol, new, realised - fee)
            self.charge(account, symbol, abs(change))
        else:
            account.collateral -= fee
        self.cover(account)
        if account.collateral != before:
            self.say_account(account, account.collateral - before)
        if change or fee:
            self.judge(account)

    def charge(self, account: Account, symbol: int, lots: int) -> None:
        """The liquidation fee, if the taker's order is one of this account's."""
        ours = {order.order_id for order in account.orders.values()}
        if self.event["account"] != account.account or int(self.event["order_id"]) not in ours:
            return
        value = lots * int(self.event["price"]) * self.symbols[symbol].unit
        fee = min(ceil(Fraction(value * self.fee_ppm, PPM)), max(self.equity(account), 0))
        if fee:
            account.collateral -= fee
            self.fund += fee
            self.say_fund(account.account, fee)

    def cover(self, account: Account) -> None:
        if account.positions or account.collateral >= 0:
            return
        deficit, account.collateral = -account.collateral, 0
        paid = min(deficit, self.fund)
        self.fund -= paid
        self.bad_debt += deficit - paid
        self.say_fund(account.account, -paid, deficit - paid)

    def order_ended(self) -> None:
        account = self.accounts.get(int(self.event["account"]))
        if account is not None:
            ended = int(self.event["order_id"])
            account.orders = {
                symbol: order for symbol, order in account.orders.items() if order.order_id != ended
            }

    # Warnings and liquidations

    def warn(self, account: Account) -> None:
        threshold = self.at_risk_ppm - (self.at_risk_ppm // 20 if account.at_risk else 0)
        is_above = PPM * self.maintenance(account) > threshold * self.equity(account)
        if is_above != account.at_risk:
            account.at_risk = is_above
            flags = int(is_above)
            self.say(code.RISK_AT_RISK, account.account, flags=flags, **self.balances(account))

    def judge(self, account: Account) -> None:
        self.warn(account)
        if self.equity(account) >= self.maintenance(account):
            return
        for symbol, position in sorted(account.positions.items()):
            if symbol not in account.orders and self.symbols[symbol].mark:
                self.liquidate(account, symbol, position)

    def liquidate(self, account: Account, symbol: int, position: Position) -> None:
        rules = self.symbols[symbol]
        sign = 1 if position.lots > 0 else -1
        part = self.position_maintenance(symbol, position)
        whole = max(self.maintenance(account), 1)
        share = floor(Fraction(self.equity(account) * part, whole))
        steps = floor(Fraction(share, abs(position.lots) * rules.unit))
        bankruptcy = rules.mark - sign * steps
        side = code.SELL if sign > 0 else code.BUY
        loss = max(position.entry_value - self.value(symbol, position), 0)
        self.say(
            code.RISK_LIQUIDATION,
            account.account,
            symbol=symbol,
            side=side,
            qty=abs(position.lots),
            price=rules.mark,
            amount=loss,
            bankruptcy_price=bankruptcy,
            **self.balances(account),
        )
        is_limited = self.equity(account) >= 0 and 1 <= bankruptcy <= STEP_MAX
        order = {
            "ts": int(self.event["ts"]),
            "account": account.account,
            "order_id": self.next_order_id,
            "price": bankruptcy if is_limited else 0,
            "qty": abs(position.lots),
            "cause": int(self.event["seq"]),
            "symbol": symbol,
            "op": code.OP_PLACE,
            "side": side,
            "order_type": code.TYPE_LIMIT if is_limited else code.TYPE_MARKET,
            "tif": code.TIF_IOC,
            "flags": code.FLAG_REDUCE_ONLY | code.FLAG_LIQUIDATION,
            "source": code.SOURCE_SENTINEL,
        }
        self.orders.append({name: value for name, value in order.items() if value})
        account.orders[symbol] = Order(self.next_order_id, abs(position.lots))
        self.next_order_id += 1
