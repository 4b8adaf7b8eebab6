"""The risk rule: as it is configured, and as the command that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from components.configuration.instruments import DEFAULT_MAINTENANCE_PPM
from components.configuration.values import Money, PositiveRatio, Ratio
from components.messages.code import OP_RISK_RULE
from components.messages.command import Commands, new_commands
from components.sentinel.engine.rules import RULE_VERSION
from components.sentinel.engine.state import DEFAULT_AT_RISK_PPM, LEVELS
from components.units import MONEY_SCALE
from disruptor.topology.model import Strict

_LEVEL_FIELDS: Final = ("qty", "expires", "origin_ts")
"""Where a rule's command carries the levels of warning."""


class RiskSettings(Strict):
    """The risk rule; ratios are parts of one."""

    maintenance_margin: PositiveRatio = Field(
        default=DEFAULT_MAINTENANCE_PPM,
        description='a ratio above 0, at most 1, e.g. "0.005"',
    )
    liquidation_fee: Ratio = Field(default=0, description='a ratio from 0 to 1, e.g. "0.005"')
    at_risk_margin_ratio: PositiveRatio = Field(
        default=DEFAULT_AT_RISK_PPM,
        description='a ratio above 0, at most 1, e.g. "0.8"',
    )
    warning_margin_ratios: Annotated[tuple[PositiveRatio, ...], Field(strict=False)] = Field(
        default=(),
        max_length=LEVELS - 1,
        description="a list of at most two ratios, rising, above at_risk_margin_ratio",
    )
    suspect_jump: Ratio = Field(
        default=0,
        description='a ratio from 0 (no jump is suspect) to 1, e.g. "0.1"',
    )
    insurance_fund: Money = Field(
        default=100_000 * MONEY_SCALE,
        description="an amount of the quote currency",
    )


@dataclass(frozen=True)
class RiskRule:
    """The risk rule as commands carry it: ratios in ppm, the fund in money units."""

    version: int
    liquidation_fee_ppm: int
    at_risk_ppm: tuple[int, ...]  # LEVELS of them, 0: no such level
    insurance_fund: int
    jump_ppm: int

    @classmethod
    def of(cls, settings: RiskSettings) -> RiskRule:
        """The rule that is configured."""
        levels = (settings.at_risk_margin_ratio, *settings.warning_margin_ratios)
        return cls(
            RULE_VERSION,
            settings.liquidation_fee,
            (*levels, *(0 for _ in range(LEVELS - len(levels)))),
            settings.insurance_fund,
            settings.suspect_jump,
        )

    @classmethod
    def from_commands(cls, commands: Commands) -> RiskRule | None:
        """The last rule among journaled commands, if there is any."""
        rules = commands[commands["op"] == OP_RISK_RULE]
        if not len(rules):
            return None
        last = rules[-1]
        levels = tuple(int(last[field]) for field in _LEVEL_FIELDS)
        fund, jump = int(last["stop_price"]), int(last["display_qty"])
        return cls(int(last["order_id"]), int(last["price"]), levels, fund, jump)

    def to_commands(self) -> Commands:
        """The one command that sets it."""
        commands = new_commands(1)
        commands["op"] = OP_RISK_RULE
        commands["order_id"] = self.version
        commands["price"] = self.liquidation_fee_ppm
        for field, ratio in zip(_LEVEL_FIELDS, self.at_risk_ppm, strict=True):
            commands[field] = ratio
        commands["stop_price"] = self.insurance_fund
        commands["display_qty"] = self.jump_ppm
        return commands
