"""What the order flow can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from components.feed.setting_checks import require
from components.units import MONEY_MAX, MONEY_SCALE, PPM

ORDERS_PER_SECOND_MAX: Final = 10_000_000
SLOTS_MAX: Final = 4096


@dataclass(frozen=True)
class OrderFlowSettings:
    """Makers and takers around the price; ``orders_per_second`` counts every command they send."""

    orders_per_second: float = 200.0  # 0: no order flow
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
        rate = self.orders_per_second
        require(
            rate == 0 or 1e-3 <= rate <= ORDERS_PER_SECOND_MAX,
            "order_flow.orders_per_second",
            rate,
            f"0, or 0.001 to {ORDERS_PER_SECOND_MAX}",
        )
        for key, accounts in (("maker", self.maker_accounts), ("taker", self.taker_accounts)):
            name = f"order_flow.{key}_accounts"
            require(len(accounts) > 0, name, accounts, "name at least one account")
            require(min(accounts) > 0, name, accounts, "account numbers are positive")
        every = self.accounts
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
    def accounts(self) -> tuple[int, ...]:
        """All accounts that the order flow trades with; set-up must open and fund them."""
        return (*self.maker_accounts, *self.taker_accounts)
