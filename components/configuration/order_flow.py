"""The order flow as it is configured; what it means is in `feed.order_flow_settings`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from components.configuration.values import Money, User
from components.feed.order_flow_settings import (
    BRANCHING_MAX,
    ORDERS_PER_SECOND_MAX,
    SLOTS_MAX,
    FlowKind,
    OrderFlowSettings,
)
from components.units import MONEY_SCALE, PPM
from disruptor.topology.model import Strict

_PPM: Final = f"parts per million from 0 to {PPM}"


class OrderFlow(Strict):
    """Accounts that trade around the price; set-up funds them."""

    kind: FlowKind = Field(
        default=OrderFlowSettings.kind,
        description="makers, zero_intelligence, hawkes, scripted, mirror or none",
    )
    orders_per_second: float = Field(
        default=OrderFlowSettings.orders_per_second,
        ge=0,
        le=ORDERS_PER_SECOND_MAX,
        description=f"0 for none, or a rate up to {ORDERS_PER_SECOND_MAX}",
    )
    branching_ratio: float = Field(
        default=OrderFlowSettings.branching_ratio,
        ge=0,
        le=BRANCHING_MAX,
        description=f"how many others an order causes, from 0 to {BRANCHING_MAX}",
    )
    decay_s: float = Field(
        default=OrderFlowSettings.decay_s,
        ge=1e-6,
        le=3600,
        description="seconds from 0.000001 to 3600",
    )
    path: str = Field(default=OrderFlowSettings.path, description="the path of a file of commands")
    maker_accounts: Annotated[tuple[User, ...], Field(strict=False)] = Field(
        default=OrderFlowSettings.maker_accounts,
        min_length=1,
        description="a list of account numbers",
    )
    taker_accounts: Annotated[tuple[User, ...], Field(strict=False)] = Field(
        default=OrderFlowSettings.taker_accounts,
        min_length=1,
        description="a list of account numbers",
    )
    collateral: Money = Field(
        default=10_000_000 * MONEY_SCALE,
        description="what each of these accounts starts with",
    )
    levels: int = Field(
        default=OrderFlowSettings.levels,
        ge=1,
        le=SLOTS_MAX // 2,
        description=f"a whole number from 1 to {SLOTS_MAX // 2}",
    )
    half_spread_ppm: int = Field(
        default=OrderFlowSettings.half_spread_ppm, ge=0, le=PPM, description=_PPM
    )
    level_step_ppm: int = Field(
        default=OrderFlowSettings.level_step_ppm, ge=0, le=PPM, description=_PPM
    )
    taker_share_ppm: int = Field(
        default=OrderFlowSettings.taker_share_ppm, ge=0, le=PPM, description=_PPM
    )
    taker_reach_ppm: int = Field(
        default=OrderFlowSettings.taker_reach_ppm, ge=0, le=PPM, description=_PPM
    )
    maker_notional: Money = Field(
        default=OrderFlowSettings.maker_notional, description="the largest quote"
    )
    taker_notional: Money = Field(
        default=OrderFlowSettings.taker_notional, description="the largest take"
    )
    inventory_notional: Money = Field(
        default=OrderFlowSettings.inventory_notional,
        description="the inventory beyond which a taker turns round",
    )

    def settings(self) -> OrderFlowSettings:
        """What the feed takes."""
        return OrderFlowSettings(**self.model_dump(exclude={"collateral"}))
