"""What a platform is told: its YAML, checked, as tables, settings and set-up commands."""

from components.configuration.accounts import AccountSettings, PositionSettings
from components.configuration.instruments import InstrumentSettings, load_instruments
from components.configuration.load import ENVIRONMENT, load_platform
from components.configuration.model import COMMANDS, EVENTS, JOURNAL, RISK, PlatformConfiguration
from components.configuration.risk import RiskRule, RiskSettings

__all__ = [
    "COMMANDS",
    "ENVIRONMENT",
    "EVENTS",
    "JOURNAL",
    "RISK",
    "AccountSettings",
    "InstrumentSettings",
    "PlatformConfiguration",
    "PositionSettings",
    "RiskRule",
    "RiskSettings",
    "load_instruments",
    "load_platform",
]
