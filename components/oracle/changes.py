"""What a what-if changes: the commands of another world, made from those of the journal.

risk rule     every rule's fields that are given; one is put first if the journal has none
fees          an instrument's maker's and taker's fee
margin tiers  an instrument's tiers are put after it, its own dropped
without       commands of these accounts never came

A journal that begins at a snapshot had its rules set up before it: the commands that did so come once
more, changed, and it is from there on that things are different.  What would have to be different
from the very beginning is refused: an account that was there, a fund that was started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
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
    PHASE_REMOVED,
    SOURCE_SENTINEL,
)
from components.messages.command import Commands, new_commands
from components.oracle.platform_state import PlatformState
from components.oracle.snapshots import Snapshot
from components.oracle.store import Journal, JournalError
from components.oracle.subjects import of_account
from components.sentinel.engine.state import DEFAULT_AT_RISK_PPM
from components.titan.shards import owner

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

    def opening(self, journal: Journal, start: Snapshot | None = None) -> Commands:
        """What comes before the first command, or the first after ``start``.

        JournalError if the journal begins too late for one of the changes.
        """
        if start is None:
            is_needed = self.rule and not _has_rule(journal, 1)
            return self._first_rule() if is_needed else new_commands(0)
        self._refuse_what_was_before(journal, start)
        again = np.concatenate([new_commands(0), *_set_up(start, {*self.fees, *self.tiers})])
        commands, _ = self.applied(1, again)
        if not self.rule:
            return commands
        rules = start.configuring[start.configuring["op"] == OP_RISK_RULE][-1:].copy()
        for rule in rules:
            self._change_rule(rule)
        if not len(rules) and not _has_rule(journal, start.commands_last + 1):
            rules = self._first_rule()
        return np.concatenate((commands, rules))

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

    def _first_rule(self) -> Commands:
        rule = new_commands(1)
        rule["op"] = OP_RISK_RULE
        rule["order_id"] = _FIRST_RULE_VERSION
        rule["qty"] = DEFAULT_AT_RISK_PPM
        self._change_rule(rule[0])
        return rule

    def _refuse_what_was_before(self, journal: Journal, start: Snapshot) -> None:
        state = PlatformState(start.commands_last, start.shards, start.sentinel)
        known = {*state.balances()["account"].tolist(), *state.orders()["account"].tolist()}
        there = sorted(self.without & known)
        found = None
        if there:
            found = f"account {there[0]} was there"
        elif self.insurance_fund is not None and start.sentinel.summary[0]["fund_seeded"]:
            found = "the insurance fund was started"
        if found is not None:
            raise JournalError(
                f"{found} before command {start.commands_last + 1}, where the journal "
                f"{journal.path} begins; restore it together with its archive for this change"
            )

    def _change_rule(self, command: np.void) -> None:
        for name, value in self.rule.items():
            command[name] = value


def _has_rule(journal: Journal, first: int) -> bool:
    return any(
        bool((commands["op"] == OP_RISK_RULE).any())
        for _, commands in journal.read("commands", first)
    )


def _set_up(start: Snapshot, symbols: Set[int]) -> Iterator[Commands]:
    """How each of these symbols was last defined, unless it is not there any more."""
    for symbol in sorted(symbols):
        if owner(start.shards, symbol).books[symbol]["phase"] == PHASE_REMOVED:
            continue
        own = start.configuring[start.configuring["symbol"] == symbol]
        own = own[np.isin(own["op"], (OP_INSTRUMENT, OP_MARGIN_TIER))]
        begins = np.flatnonzero(own["op"] == OP_INSTRUMENT)
        if len(begins):
            yield own[begins[-1] :]


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
