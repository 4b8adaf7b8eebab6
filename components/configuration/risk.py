"""The risk rule: as it is configured, and as the command that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import Field

from components.configuration.instruments import DEFAULT_MAINTENANCE_PPM
from components.configuration.values import Money, PositiveRatio, Ratio
from components.messages.code import OP_RISK_RULE
from components.messages.command import Commands, new_commands
from components.sentinel.engine.state import DEFAULT_AT_RISK_PPM
from components.units import MONEY_SCALE
from disruptor.topology.model import Strict

RULE_VERSION: Final = 1
"""Which risk rules the engines apply; it travels in the rule's command."""


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
    insurance_fund: Money = Field(
        default=100_000 * MONEY_SCALE,
        description="an amount of the quote currency",
    )


@dataclass(frozen=True)
class RiskRule:
    """The risk rule as commands carry it: ratios in ppm, the fund in money units."""

    version: int
    liquidation_fee_ppm: int
    at_risk_ppm: int
    insurance_fund: int

    @classmethod
    def of(cls, settings: RiskSettings) -> RiskRule:
        """The rule that is configured."""
        return cls(
            RULE_VERSION,
            settings.liquidation_fee,
            settings.at_risk_margin_ratio,
            settings.insurance_fund,
        )

    @classmethod
    def from_commands(cls, commands: Commands) -> RiskRule | None:
        """The last rule among journaled commands, if there is any."""
        rules = commands[commands["op"] == OP_RISK_RULE]
        if not len(rules):
            return None
        fields = ("order_id", "price", "qty", "stop_price")
        return cls(*(int(rules[-1][field]) for field in fields))

    def to_commands(self) -> Commands:
        """The one command that sets it."""
        commands = new_commands(1)
        commands["op"] = OP_RISK_RULE
        commands["order_id"] = self.version
        commands["price"] = self.liquidation_fee_ppm
        commands["qty"] = self.at_risk_ppm
        commands["stop_price"] = self.insurance_fund
        return commands
