"""What a what-if changes: the commands of another world, made from those of the journal.

risk rule     every rule's fields that are given; one is put first if the journal has none
fees          an instrument's maker's and taker's fee
margin tiers  an instrument's tiers are put after it, its own dropped
without       commands of these accounts never came
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.instruments import MarginTier
from components.messages.code import (
    OP_INSTRUMENT,
    OP_MARGIN_TIER,
    OP_RISK_RULE,
    OP_VOID,
    SOURCE_SENTINEL,
)
from components.messages.command import Commands, new_commands
from components.oracle.store import Journal
from components.oracle.subjects import of_account
from components.sentinel.engine.state import DEFAULT_AT_RISK_PPM

_FIRST_RULE_VERSION: Final = 1


@dataclass(frozen=True)
class Changes:
    """What is different; symbols by index, ratios in ppm, money in units of 1e-8."""

    liquidation_fee_ppm: int | None = None
    at_risk_ppm: int | None = None
    insurance_fund: int | None = None
    fees: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    tiers: Mapping[int, tuple[MarginTier, ...]] = field(default_factory=dict)
    without: frozenset[int] = frozenset()

    @property
    def rule(self) -> dict[str, int]:
        """The fields of a risk rule command that are given."""
        given = {
            "price": self.liquidation_fee_ppm,
            "qty": self.at_risk_ppm,
            "stop_price": self.insurance_fund,
        }
        return {name: value for name, value in given.items() if value is not None}

    def opening(self, journal: Journal) -> Commands:
        """What comes before the first command: a risk rule, if one is asked for and none is set."""
        last = journal.last_sequence("commands")
        if not self.rule or _has_rule(journal, last):
            return new_commands(0)
        rule = new_commands(1)
        rule["op"] = OP_RISK_RULE
        rule["order_id"] = _FIRST_RULE_VERSION
        rule["qty"] = DEFAULT_AT_RISK_PPM
        self._change_rule(rule[0])
        return rule

    def applied(self, first: int, commands: Commands) -> tuple[Commands, NDArray[np.int64]]:
        """The other world's commands instead of these, and the sequence of the one behind each.

        Sentinel's orders are not among them: the other world derives its own.
        """
        keep = (commands["source"] != SOURCE_SENTINEL) & (commands["op"] != OP_VOID)
        for account in self.without:
            keep &= ~of_account("commands", commands, account)
        sequences = np.flatnonzero(keep) + first
        kept = commands[keep].copy()
        settings = np.isin(kept["op"], (OP_INSTRUMENT, OP_MARGIN_TIER, OP_RISK_RULE))
        if not settings.any():
            return kept, sequences
        return self._reset(kept, sequences, np.flatnonzero(settings))

    def _reset(
        self, commands: Commands, sequences: NDArray[np.int64], settings: NDArray[np.intp]
    ) -> tuple[Commands, NDArray[np.int64]]:
        parts: list[Commands] = []
        numbers: list[NDArray[Any]] = []
        done = 0
        for place in settings.tolist():
            command = commands[place]
            symbol = int(command["symbol"])
            added = new_commands(0)
            is_kept = True
            if command["op"] == OP_RISK_RULE:
                self._change_rule(command)
            elif command["op"] == OP_INSTRUMENT:
                if symbol in self.fees:
                    command["display_qty"], command["expires"] = self.fees[symbol]
                added = _tier_commands(command, self.tiers.get(symbol, ()))
            else:
                is_kept = symbol not in self.tiers
            parts += [commands[done : place + is_kept], added]
            numbers += [sequences[done : place + is_kept], np.full(len(added), sequences[place])]
            done = place + 1
        parts.append(commands[done:])
        numbers.append(sequences[done:])
        return np.concatenate(parts), np.concatenate(numbers)

    def _change_rule(self, command: np.void) -> None:
        for name, value in self.rule.items():
            command[name] = value


def _has_rule(journal: Journal, last: int) -> bool:
    return any(
        bool((commands["op"] == OP_RISK_RULE).any())
        for _, commands in journal.read("commands", 1, last)
    )


def _tier_commands(instrument: np.void, tiers: tuple[MarginTier, ...]) -> Commands:
    commands = new_commands(len(tiers))
    for number, tier in enumerate(tiers):
        commands[number]["op"] = OP_MARGIN_TIER
        commands[number]["ts"] = instrument["ts"]
        commands[number]["symbol"] = instrument["symbol"]
        commands[number]["order_id"] = number
        commands[number]["price"] = tier.notional_floor
        commands[number]["qty"] = tier.maintenance_ppm
    return commands
