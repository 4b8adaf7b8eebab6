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
from components.messages.command import ALL_SYMBOLS

NOTIONAL_MAX = 2**56
MONEY_MAX = 2**60
STEP_MAX = 2**40
PENDING_MAX = 2**54
INDEX_MAX = 2**61
LOT_VALUE_MAX = 2**45
RATE_MAX = 50_000
FIRST_ORDER_ID = 2**61
PPM = 10**6

Record = dict[str, int]


@dataclass
class Symbol:
    unit: int
    max_leverage: int
    tiers: list[tuple[int, int]] = field(default_factory=lambda: [(0, 5_000)])
    caps: list[int] = field(default_factory=lambda: [0])
    mark: int = 0
    is_suspect: bool = False
    funding: int = 0  # millionths of money a lot, since ``funding_low`` and ``_high`` began at 0
    funding_low: int = 0
    funding_high: int = 0

    def tier(self, notional: int) -> int:
        """The last tier whose floor is below this size."""
        return max([0] + [i for i, (bottom, _) in enumerate(self.tiers) if notional > bottom])

    def cap(self, notional: int) -> int:
        """The most leverage at this size."""
        return min(self.caps[self.tier(notional)] or self.max_leverage, self.max_leverage)

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
    funding: int = 0


@dataclass
class Order:
    order_id: int
    open_lots: int


@dataclass
class Account:
    """A wallet: an account's own, or that of one isolated position."""

    account: int
    collateral: int = 0
    isolated_in: int | None = None
    leverages: dict[int, int] = field(default_factory=dict)  # chosen, of its own wallet's
    isolated: dict[int, Account] = field(default_factory=dict)  # of its own wallet's
    positions: dict[int, Position] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    level: int = 0
    is_liquidated: bool = False


class ReferenceSentinel:
    """The whole of the rules."""

    def __init__(self, max_accounts: int) -> None:
        self.max_wallets = max_accounts
        self.wallets: list[Account] = []  # in order of opening
        self.accounts: dict[int, Account] = {}
        self.once_isolated: dict[tuple[int, int], Account] = {}
        self.symbols: dict[int, Symbol] = {}
        self.fund = 0
        self.fund_is_seeded = False
        self.bad_debt = 0
        self.rules = 0
        self.fee_ppm = 0
        self.levels = [800_000, 0, 0]
        self.jump_ppm = 0
        self.next_order_id = FIRST_ORDER_ID
        self.risks: list[Record] = []
        self.orders: list[Record] = []
        self.event: np.void = np.zeros(1)[0]

    # What an account is worth

    def value(self, symbol: int, position: Position) -> int:
        rules = self.symbols[symbol]
        return position.lots * rules.mark * rules.unit if rules.mark else position.entry_value

    def owed(self, symbol: int, position: Position) -> int:
        way = self.symbols[symbol].funding - position.funding
        return ceil(Fraction(position.lots * way, PPM))

    def profit(self, symbol: int, position: Position) -> int:
        value = self.value(symbol, position)
        return value - position.entry_value - self.owed(symbol, position)

    def equity(self, account: Account) -> int:
        return account.collateral + sum(self.profit(*each) for each in account.positions.items())

    def wallet(self, account: Account, symbol: int) -> Account:
        """Where the account holds, or would hold, this symbol."""
        return account.isolated.get(symbol, account)

    def owner(self, wallet: Account) -> Account:
        return self.accounts[wallet.account]

    def leverage(self, wallet: Account, symbol: int, notional: int) -> int:
        cap = self.symbols[symbol].cap(notional)
        return min(self.owner(wallet).leverages.get(symbol, 0) or cap, cap)

    def position_maintenance(self, symbol: int, position: Position) -> int:
        return self.symbols[symbol].maintenance(abs(self.value(symbol, position)))

    def maintenance(self, account: Account) -> int:
        return sum(self.position_maintenance(*each) for each in account.positions.items())

    def initial_of(self, symbol: int, position: Position, leverage: int) -> int:
        notional = abs(self.value(symbol, position))
        return max(ceil(Fraction(notional, leverage)), self.position_maintenance(symbol, position))

    def initial(self, account: Account) -> int:
        return sum(
            self.initial_of(
                symbol, each, self.leverage(account, symbol, abs(self.value(symbol, each)))
            )
            for symbol, each in account.positions.items()
        )

    def spare(self, account: Account) -> int:
        return max(min(self.equity(account) - self.initial(account), account.collateral), 0)

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
        where = self.place(account) if account.isolated_in is not None else {}
        self.say(
            code.RISK_ACCOUNT, account.account, amount=change, **where, **self.balances(account)
        )

    def place(self, wallet: Account) -> Record:
        assert wallet.isolated_in is not None
        return {"symbol": wallet.isolated_in, "side": code.MARGIN_ISOLATED}

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
            code.EVENT_DELEVERAGE: self.deleverage,
            code.EVENT_FUNDING: self.charge_funding,
            code.EVENT_LEVERAGE: self.choose_leverage,
            code.EVENT_MARGIN: self.move_margin,
            code.EVENT_RESUME: self.resume,
            code.EVENT_RISK_CAPACITY: self.capacity,
        }
        handlers.get(int(event["kind"]), lambda: None)()

    def instrument(self) -> None:
        symbol = Symbol(int(self.event["maker_account"]), int(self.event["leverage"]))
        self.symbols[int(self.event["symbol"])] = symbol

    def margin_tier(self) -> None:
        rules, index = self.symbols[int(self.event["symbol"])], int(self.event["order_id"])
        rules.tiers[index:] = [(int(self.event["price"]), int(self.event["qty"]))]
        rules.caps[index:] = [int(self.event["leverage"])]

    def capacity(self) -> None:
        self.max_wallets = int(self.event["price"])

    def risk_rule(self) -> None:
        self.rules = int(self.event["order_id"])
        self.fee_ppm = int(self.event["price"])
        self.levels = [int(self.event[each]) for each in ("qty", "taker_fee", "maker_fee")]
        self.jump_ppm = int(self.event["maker_order_id"])
        if not self.fund_is_seeded:
            self.fund_is_seeded = True
            self.fund = int(self.event["maker_account"])
            if self.fund:
                self.say_fund(0, self.fund)

    def room_for(self, account: int) -> bool:
        return account in self.accounts or len(self.wallets) < self.max_wallets

    def opened(self, account: int) -> Account:
        if account not in self.accounts:
            self.accounts[account] = Account(account)
            self.wallets.append(self.accounts[account])
        return self.accounts[account]

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
        elif amount > self.spare(account):
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
        held = self.accounts.get(number)
        if held is not None and symbol in self.wallet(held, symbol).positions:
            return self.reject(number, code.REASON_POSITION_EXISTS)
        own = self.opened(number)
        wallet = self.wallet(own, symbol)
        if leverage:
            own.leverages[symbol] = leverage
        signed = lots if self.event["side"] == code.BUY else -lots
        position = Position(signed, signed * price * rules.unit, rules.funding)
        wallet.positions[symbol] = position
        self.say_position(wallet, symbol, position, 0)
        moved = 0
        if wallet is not own:
            moved = self.fund_opening(wallet, symbol, lots * price * rules.unit)
            if moved:
                self.say_account(wallet, moved)
        self.warn(wallet)
        return self.tell_owner(wallet, moved)

    def price(self) -> None:
        symbol, price = int(self.event["symbol"]), int(self.event["price"])
        if symbol not in self.symbols:
            return self.reject(0, code.REASON_UNKNOWN_SYMBOL)
        rules = self.symbols[symbol]
        if not 1 <= price <= STEP_MAX or self.most(symbol) * price * rules.unit > NOTIONAL_MAX:
            return self.reject(0, code.REASON_BAD_PRICE)
        jumps = self.jump_ppm and rules.mark
        jumps = jumps and abs(price - rules.mark) > rules.mark * self.jump_ppm // PPM
        rules.is_suspect = bool(self.event["flags"] or jumps)
        rules.mark = price
        return self.judge_holders(symbol)

    def holders(self, symbol: int) -> list[Account]:
        return [each for each in self.wallets if symbol in each.positions]

    def most(self, symbol: int) -> int:
        return max((abs(each.positions[symbol].lots) for each in self.holders(symbol)), default=0)

    def judge_holders(self, symbol: int) -> None:
        for account in sorted(self.holders(symbol), key=self.rank):
            self.judge(account)

    def rank(self, account: Account) -> tuple[Fraction, int, int, int]:
        maintenance = max(self.maintenance(account), 1)
        shortfall = Fraction(self.equity(account), maintenance)
        scope = -1 if account.isolated_in is None else account.isolated_in
        return shortfall, -self.notional(account), account.account, scope

    def resume(self) -> None:
        for each in self.symbols.values():
            each.is_suspect = True

    # Funding

    def charge_funding(self) -> None:
        symbol, rate = int(self.event["symbol"]), int(self.event["price"])
        if symbol not in self.symbols:
            return self.reject(0, code.REASON_UNKNOWN_SYMBOL)
        rules = self.symbols[symbol]
        if abs(rate) > RATE_MAX:
            return self.reject(0, code.REASON_BAD_AMOUNT, rate)
        if not rules.mark:
            return self.reject(0, code.REASON_BAD_PRICE)
        if rules.mark * rules.unit > LOT_VALUE_MAX:
            return self.reject(0, code.REASON_BAD_NOTIONAL)
        index = rules.funding + rate * rules.mark * rules.unit
        way = max(rules.funding_high, index) - min(rules.funding_low, index)
        most = max(self.most(symbol), 1)
        if abs(index) > INDEX_MAX or way // PPM >= PENDING_MAX // most:
            for each in self.holders(symbol):
                self.settle(each, symbol)
                each.positions[symbol].funding = 0
            index = rate * rules.mark * rules.unit
            rules.funding_low = rules.funding_high = 0
        rules.funding = index
        rules.funding_low = min(rules.funding_low, index)
        rules.funding_high = max(rules.funding_high, index)
        return self.judge_holders(symbol)

    def settle(self, wallet: Account, symbol: int) -> None:
        position = wallet.positions.get(symbol)
        if position is None:
            return
        owed = max(self.owed(symbol, position), wallet.collateral - MONEY_MAX)
        position.funding = self.symbols[symbol].funding
        if owed:
            wallet.collateral -= owed
            side = code.MARGIN_CROSS if wallet.isolated_in is None else code.MARGIN_ISOLATED
            self.say(
                code.RISK_FUNDING,
                wallet.account,
                symbol=symbol,
                amount=-owed,
                collateral=wallet.collateral,
                side=side,
            )

    # Isolated positions

    def fund_opening(self, wallet: Account, symbol: int, value: int) -> int:
        position = wallet.positions.get(symbol)
        entry = abs(position.entry_value) if position else 0
        leverage = self.leverage(wallet, symbol, entry)
        own = self.owner(wallet)
        wanted = min(ceil(Fraction(value, leverage)), MONEY_MAX - wallet.collateral)
        moved = max(min(wanted, self.spare(own)), 0)
        own.collateral -= moved
        wallet.collateral += moved
        return moved

    def release_closed(self, wallet: Account, symbol: int, closed: int, held: int) -> int:
        own, free = self.owner(wallet), max(wallet.collateral, 0)
        if symbol in wallet.positions and closed < held:
            free = min(free * closed // held, self.spare(wallet))
        moved = min(free, MONEY_MAX - own.collateral)
        own.collateral += moved
        wallet.collateral -= moved
        return moved

    def tell_owner(self, wallet: Account, moved: int) -> None:
        if moved:
            self.say_account(self.owner(wallet), -moved)
            self.warn(self.owner(wallet))

    def move_margin(self) -> None:
        number, symbol = int(self.event["account"]), int(self.event["symbol"])
        amount, own = int(self.event["price"]), self.accounts.get(number)
        wallet = own and self.wallet(own, symbol)
        if own is None or wallet is None:
            return self.reject(number, code.REASON_UNKNOWN_ACCOUNT, amount)
        if wallet is own or not wallet.positions:
            return self.reject(number, code.REASON_BAD_TYPE, amount)
        too_much = max(wallet.collateral + amount, own.collateral - amount) > MONEY_MAX
        if not amount or abs(amount) > MONEY_MAX or too_much:
            return self.reject(number, code.REASON_BAD_AMOUNT, amount)
        if amount > self.spare(own) or -amount > self.spare(wallet):
            return self.reject(number, code.REASON_INSUFFICIENT_MARGIN, amount)
        own.collateral -= amount
        wallet.collateral += amount
        self.say_account(wallet, amount)
        self.warn(wallet)
        return self.tell_owner(wallet, amount)

    def choose_leverage(self) -> None:
        number, symbol = int(self.event["account"]), int(self.event["symbol"])
        leverage, isolate = int(self.event["leverage"]), bool(self.event["side"])
        own = self.accounts.get(number)
        if own is None:
            return self.reject(number, code.REASON_UNKNOWN_ACCOUNT)
        if symbol not in self.symbols:
            return self.reject(number, code.REASON_UNKNOWN_SYMBOL)
        wallet = self.wallet(own, symbol)
        position = wallet.positions.get(symbol)
        notional = abs(self.value(symbol, position)) if position else 0
        if leverage > self.symbols[symbol].cap(notional):
            return self.reject(number, code.REASON_BAD_LEVERAGE)
        if isolate != (wallet is not own):
            if position or symbol in wallet.orders:
                return self.reject(number, code.REASON_POSITION_EXISTS)
            is_new = (number, symbol) not in self.once_isolated
            if isolate and is_new and len(self.wallets) >= self.max_wallets:
                return self.reject(number, code.REASON_POOL_FULL)
        elif position:
            was = self.initial(wallet)
            now = was - self.initial_of(symbol, position, self.leverage(wallet, symbol, notional))
            cap = self.symbols[symbol].cap(notional)
            now += self.initial_of(symbol, position, min(leverage or cap, cap))
            if self.equity(wallet) < now:
                return self.reject(number, code.REASON_INSUFFICIENT_MARGIN)
        if isolate and wallet is own:
            if (number, symbol) not in self.once_isolated:
                self.once_isolated[number, symbol] = Account(number, isolated_in=symbol)
                self.wallets.append(self.once_isolated[number, symbol])
            own.isolated[symbol] = self.once_isolated[number, symbol]
        elif not isolate:
            own.isolated.pop(symbol, None)
        own.leverages[symbol] = leverage
        return self.say(code.RISK_LEVERAGE, number, symbol=symbol, side=int(isolate), qty=leverage)

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
            self.reduce_order(self.wallet(taker, symbol))

    def reduce_order(self, account: Account) -> None:
        for symbol, order in list(account.orders.items()):
            if order.order_id == self.event["order_id"]:
                order.open_lots -= int(self.event["qty"])
                if order.open_lots <= 0:
                    del account.orders[symbol]
                    self.judge(account)

    def deleverage(self) -> None:
        """Close the two against each other, as far as both still hold."""
        symbol, sign = int(self.event["symbol"]), -1 if self.event["side"] == code.SELL else 1
        account = self.accounts.get(int(self.event["account"]))
        other = self.accounts.get(int(self.event["maker_order_id"]))
        if account is None or other is None or symbol not in self.symbols:
            return
        nothing = Position(0, 0)
        lots = min(
            int(self.event["qty"]),
            max(-sign * self.wallet(account, symbol).positions.get(symbol, nothing).lots, 0),
            max(sign * self.wallet(other, symbol).positions.get(symbol, nothing).lots, 0),
        )
        sides = [(account, sign * lots), (other, -sign * lots)]
        if lots and all(self.can_hold(symbol, each, change, 0) for each, change in sides):
            for each, change in sides:
                self.fill(each, symbol, change, 0)
        elif lots:
            self.reject(account.account, code.REASON_BAD_NOTIONAL)
        self.reduce_order(self.wallet(account, symbol))

    def filled(self, symbol: int, position: Position, change: int) -> tuple[Position, int]:
        """The position after the change, and the profit that it realised."""
        lot_value = int(self.event["price"]) * self.symbols[symbol].unit
        lots, entry = position.lots, position.entry_value
        if lots * change >= 0:
            return Position(lots + change, entry + change * lot_value, position.funding), 0
        closed = min(abs(lots), abs(change)) * (1 if lots > 0 else -1)
        share = ceil(Fraction(entry * closed, lots))
        realised = closed * lot_value - share
        if abs(change) > abs(lots):
            return Position(lots + change, (lots + change) * lot_value, position.funding), realised
        return Position(lots + change, entry - share, position.funding), realised

    def can_hold(self, symbol: int, account: Account | None, change: int, fee: int) -> bool:
        assert account is not None
        rules, wallet = self.symbols[symbol], self.wallet(account, symbol)
        old = wallet.positions.get(symbol, Position(0, 0, rules.funding))
        if int(self.event["qty"]) * int(self.event["price"]) * rules.unit > NOTIONAL_MAX:
            return False
        new, realised = self.filled(symbol, old, change)
        grows = abs(new.lots) > abs(old.lots) or new.lots * old.lots < 0
        if grows and abs(new.lots) > STEP_MAX:
            return False
        largest = max(abs(new.entry_value), abs(new.lots) * rules.mark * rules.unit)
        if grows and largest > NOTIONAL_MAX:
            return False
        collateral = wallet.collateral - self.owed(symbol, old) + realised - fee
        return abs(fee) <= NOTIONAL_MAX and abs(collateral) <= MONEY_MAX

    def fill(self, own: Account, symbol: int, change: int, fee: int) -> None:
        if not change:
            return self.pay_fees(own, fee)
        rules, account = self.symbols[symbol], self.wallet(own, symbol)
        self.settle(account, symbol)
        before = account.collateral
        old = account.positions.get(symbol, Position(0, 0, rules.funding))
        new, realised = self.filled(symbol, old, change)
        account.positions[symbol] = new
        if not new.lots:
            del account.positions[symbol]
        is_trade = self.event["kind"] == code.EVENT_TRADE
        account.collateral += realised - fee
        if not is_trade and self.event["account"] != account.account:
            self.say(
                code.RISK_DELEVERAGE,
                account.account,
                symbol=symbol,
                side=code.BUY if change > 0 else code.SELL,
                qty=abs(change),
                price=int(self.event["price"]),
                amount=realised,
                collateral=account.collateral,
            )
        self.say_position(account, symbol, new, realised - fee)
        if is_trade:
            self.charge(account, symbol, abs(change))
        closed = min(abs(old.lots), abs(change)) if old.lots * change < 0 else 0
        moved = 0
        if account is not own:
            if closed:
                moved -= self.release_closed(account, symbol, closed, abs(old.lots))
            opened = (abs(change) - closed) * int(self.event["price"]) * rules.unit
            moved += self.fund_opening(account, symbol, opened)
        self.cover(account)
        if account.collateral != before:
            self.say_account(account, account.collateral - before)
        self.judge(account)
        return self.tell_owner(account, moved)

    def pay_fees(self, account: Account, fee: int) -> None:
        """It traded with itself."""
        before = account.collateral
        account.collateral -= fee
        self.cover(account)
        if account.collateral != before:
            self.say_account(account, account.collateral - before)
        if fee:
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
        own = self.accounts.get(int(self.event["account"]))
        account = own and self.wallet(own, int(self.event["symbol"]))
        if account is not None:
            ended = int(self.event["order_id"])
            account.orders = {
                symbol: order for symbol, order in account.orders.items() if order.order_id != ended
            }

    # Warnings and liquidations

    def calm_ppm(self, threshold: int) -> int:
        return threshold - threshold // 20

    def warn(self, account: Account) -> None:
        """The highest level that is entered, or not yet left."""
        level = 0
        if self.equity(account) >= self.maintenance(account):
            account.is_liquidated = False
        for number, threshold in enumerate(self.levels, 1):
            limit = self.calm_ppm(threshold) if number <= account.level else threshold
            if threshold and PPM * self.maintenance(account) > limit * self.equity(account):
                level = number
        if level != account.level:
            account.level = level
            self.say(code.RISK_AT_RISK, account.account, flags=level, **self.balances(account))

    def judge(self, account: Account) -> None:
        self.warn(account)
        if self.equity(account) >= self.maintenance(account):
            return
        held = [each for each in account.positions if self.symbols[each].mark]
        if account.orders or not held:
            return
        heaviest = max(
            held, key=lambda each: (self.position_maintenance(each, account.positions[each]), -each)
        )
        if not account.is_liquidated:
            account.is_liquidated = True
            scope = ALL_SYMBOLS if account.isolated_in is None else account.isolated_in
            self.order(account, op=code.OP_CANCEL_ALL, symbol=scope)
        if not any(self.symbols[each].is_suspect for each in account.positions):
            self.liquidate(account, heaviest, account.positions[heaviest])

    def order(self, account: Account, **fields: int) -> None:
        order = {"ts": int(self.event["ts"]), "account": account.account} | fields
        order |= {"cause": int(self.event["seq"]), "source": code.SOURCE_SENTINEL}
        self.orders.append({name: value for name, value in order.items() if value})

    def bankruptcy(self, account: Account, symbol: int, position: Position) -> int:
        rules = self.symbols[symbol]
        sign = 1 if position.lots > 0 else -1
        part = self.position_maintenance(symbol, position)
        share = floor(Fraction(self.equity(account) * part, max(self.maintenance(account), 1)))
        return rules.mark - sign * floor(Fraction(share, abs(position.lots) * rules.unit))

    def cures(self, account: Account, symbol: int, staying: int) -> bool:
        """Whether the account would be out of its warning with so many lots left."""
        rules, position = self.symbols[symbol], account.positions[symbol]
        closed = (abs(position.lots) - staying) * rules.mark * rules.unit
        equity = self.equity(account) - ceil(Fraction(closed * self.fee_ppm, PPM))
        needed = self.maintenance(account) - self.position_maintenance(symbol, position)
        needed += rules.maintenance(staying * rules.mark * rules.unit) if staying else 0
        return PPM * needed <= self.calm_ppm(self.levels[0]) * equity

    def curing_lots(self, account: Account, symbol: int) -> int:
        held = abs(account.positions[symbol].lots)
        if not self.cures(account, symbol, 0):
            return held
        enough, short = 0, held
        while short - enough > 1:
            middle = (enough + short) // 2
            if self.cures(account, symbol, middle):
                enough = middle
            else:
                short = middle
        return held - enough

    def score(self, account: Account, symbol: int) -> int:
        position = account.positions[symbol]
        profit = self.profit(symbol, position)
        value, equity = abs(self.value(symbol, position)), max(self.equity(account), 1)
        leverage = max(min(value * PPM // equity, 10**9), 1)
        share = min(abs(profit) * PPM // max(abs(position.entry_value), 1), 10**9)
        return share * leverage // PPM if profit >= 0 else -(share * PPM // leverage) - 1

    def counterparty(self, symbol: int, position: Position) -> Account | None:
        others = [
            each for each in self.holders(symbol) if each.positions[symbol].lots * position.lots < 0
        ]
        return min(
            others,
            key=lambda each: (
                -self.score(each, symbol),
                -abs(self.value(symbol, each.positions[symbol])),
                each.account,
            ),
            default=None,
        )

    def liquidate(self, account: Account, symbol: int, position: Position) -> None:
        side = code.SELL if position.lots > 0 else code.BUY
        held = lots = abs(position.lots)
        deficit, limit, other = -self.equity(account), 0, None
        if deficit <= 0:
            limit = self.bankruptcy(account, symbol, position)
            lots = self.curing_lots(account, symbol)
        else:
            paid = min(deficit, self.fund, MONEY_MAX - account.collateral)
            if paid:
                self.fund -= paid
                account.collateral += paid
                self.say_fund(account.account, -paid)
                self.say_account(account, paid)
            if paid < deficit:
                limit = self.bankruptcy(account, symbol, position)
                other = self.counterparty(symbol, position)
        is_limited = 1 <= limit <= STEP_MAX
        if other is not None and is_limited:
            lots = min(lots, abs(other.positions[symbol].lots))
        loss = max(-self.profit(symbol, position), 0)
        told = {}
        if self.rules >= 3:
            notional = abs(self.value(symbol, position))
            told = {"flags": self.symbols[symbol].tier(notional), "entry_value": self.rules}
        self.say(
            code.RISK_LIQUIDATION,
            account.account,
            symbol=symbol,
            side=side,
            qty=lots,
            price=self.symbols[symbol].mark,
            amount=ceil(Fraction(loss * lots, held)),
            bankruptcy_price=limit,
            **told,
            **self.balances(account),
        )
        order = {"order_id": self.next_order_id, "qty": lots, "symbol": symbol, "side": side}
        if other is not None and is_limited:
            order |= {"op": code.OP_DELEVERAGE, "price": limit, "display_qty": other.account}
            order |= {"flags": code.FLAG_LIQUIDATION}
        else:
            at_limit = deficit <= 0 and is_limited
            order |= {"op": code.OP_PLACE, "price": limit if at_limit else 0, "tif": code.TIF_IOC}
            order |= {"order_type": code.TYPE_LIMIT if at_limit else code.TYPE_MARKET}
            order |= {"flags": code.FLAG_REDUCE_ONLY | code.FLAG_LIQUIDATION}
        self.order(account, **order)
        account.orders[symbol] = Order(self.next_order_id, lots)
        self.next_order_id += 1
