"""Accounts as they are configured: users, their collateral, and positions held from the start."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.configuration.values import Money, PositiveDecimal, Symbol, User
from components.sentinel.engine.state import POSITIONS_MAX
from disruptor.topology.model import Strict


class PositionSettings(Strict):
    """A position that an account holds from the start."""

    symbol: Symbol = Field(description="the symbol of an instrument")
    side: Literal["long", "short"] = Field(description="long or short")
    qty: PositiveDecimal = Field(description='a positive quantity, e.g. "0.5"')
    entry: PositiveDecimal = Field(description='a positive price, e.g. "50000"')
    leverage: int = Field(default=1, ge=1, description="a whole number from 1")


class AccountSettings(Strict):
    """A user with collateral, and perhaps positions."""

    user: User = Field(description="a positive account number")
    collateral: Money = Field(description="an amount of the quote currency")
    positions: Annotated[tuple[PositionSettings, ...], Field(strict=False)] = Field(
        default=(),
        max_length=POSITIONS_MAX,
        description=f"a list of at most {POSITIONS_MAX} positions",
    )
