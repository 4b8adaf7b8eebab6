"""What the order flow can be told: which kind it is, and what each kind needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from components.feed.setting_checks import require, require_one_of
from components.units import MONEY_MAX, MONEY_SCALE, PPM

ORDERS_PER_SECOND_MAX: Final = 10_000_000
SLOTS_MAX: Final = 4096
BRANCHING_MAX: Final = 0.99

FlowKind = Literal["makers", "zero_intelligence", "hawkes", "scripted", "mirror", "none"]
FLOW_KINDS: Final = ("makers", "zero_intelligence", "hawkes", "scripted", "mirror", "none")


def is_silent(kind: FlowKind, orders_per_second: float) -> bool:
    """Whether such an order flow sends nothing."""
    if kind in ("scripted", "mirror"):
        return False
    return kind == "none" or orders_per_second == 0


def accounts_of(
    kind: FlowKind, makers: tuple[int, ...], takers: tuple[int, ...]
) -> tuple[int, ...]:
    """The accounts that such an order flow trades with; the book is mirrored by one alone."""
    return makers[:1] if kind == "mirror" else (*makers, *takers)


@dataclass(frozen=True)
class OrderFlowSettings:
    """Accounts that trade, and how; ``orders_per_second`` counts every command that they send.

    makers              quotes around the price kept fresh, and takers, at an even rate
    zero_intelligence   Poisson: limit orders at any level, takers, cancels of any order
    hawkes              the same orders in clusters: each makes others likelier for a while
    scripted            the commands of a file, at their times
    mirror              a maker who copies the venue's book
    none                nothing
    """

    kind: FlowKind = "makers"
    orders_per_second: float = 200.0  # 0: no order flow; not for scripted and mirror
    branching_ratio: float = 0.7  # hawkes: how many others each order causes
    decay_s: float = 0.1  # hawkes: the mean time until it does
    path: str = ""  # scripted: the file of commands
    maker_accounts: tuple[int, ...] = (9001, 9002)
    taker_accounts: tuple[int, ...] = (9101, 9102)
    levels: int = 10  # quotes a side and symbol, dealt out among the makers
    half_spread_ppm: int = 100
    level_step_ppm: int = 300
    taker_share_ppm: int = 200_000
    taker_reach_ppm: int = 2_000  # how far from the touch a taker's limit lies
    maker_notional: int = 20_000 * MONEY_SCALE  # largest quote, money
    taker_notional: int = 5_000 * MONEY_SCALE  # largest take, money
    inventory_notional: int = 250_000 * MONEY_SCALE  # a taker beyond it turns round

    def __post_init__(self) -> None:
        require_one_of(self.kind, FLOW_KINDS, "order_flow.kind")
        rate = self.orders_per_second
        require(
            rate == 0 or 1e-3 <= rate <= ORDERS_PER_SECOND_MAX,
            "order_flow.orders_per_second",
            rate,
            f"0, or 0.001 to {ORDERS_PER_SECOND_MAX}",
        )
        ratio, decay_s = self.branching_ratio, self.decay_s
        right = f"0 to {BRANCHING_MAX}: from 1 on the orders would never end"
        require(0 <= ratio <= BRANCHING_MAX, "order_flow.branching_ratio", ratio, right)
        require(1e-6 <= decay_s <= 3600, "order_flow.decay_s", decay_s, "0.000001 to 3600")
        has_script = self.kind != "scripted" or bool(self.path)
        require(has_script, "order_flow.path", self.path, "name the file of commands")
        for key, accounts in (("maker", self.maker_accounts), ("taker", self.taker_accounts)):
            name = f"order_flow.{key}_accounts"
            require(len(accounts) > 0, name, accounts, "name at least one account")
            require(min(accounts) > 0, name, accounts, "account numbers are positive")
        every = (*self.maker_accounts, *self.taker_accounts)
        require(
            len(set(every)) == len(every),
            "order_flow",
            every,
            "each account may stand only once",
        )
        most = SLOTS_MAX // 2
        require(1 <= self.levels <= most, "order_flow.levels", self.levels, f"1 to {most}")
        for name in ("half_spread_ppm", "level_step_ppm", "taker_share_ppm", "taker_reach_ppm"):
            value = getattr(self, name)
            require(0 <= value <= PPM, f"order_flow.{name}", value, f"0 to {PPM}")
        deepest = self.half_spread_ppm + self.levels * self.level_step_ppm
        require(
            deepest <= PPM // 2,
            "order_flow.level_step_ppm",
            self.level_step_ppm,
            f"with {self.levels} levels the last quote would be {deepest} ppm away, at most 500000",
        )
        for name in ("maker_notional", "taker_notional", "inventory_notional"):
            value = getattr(self, name)
            require(0 < value <= MONEY_MAX, f"order_flow.{name}", value, "positive money")

    @property
    def is_silent(self) -> bool:
        """Whether there is no order flow at all."""
        return is_silent(self.kind, self.orders_per_second)

    @property
    def accounts(self) -> tuple[int, ...]:
        """All accounts that the order flow trades with; set-up must open and fund them."""
        return accounts_of(self.kind, self.maker_accounts, self.taker_accounts)
