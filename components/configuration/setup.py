"""The configuration as commands, which carry it into the journal.

    how many shards · how much the engines take · instruments and their tiers · the risk rule · then account,
    deposit, positions of each account · whether orders pass the risk gate

A platform that starts on an existing journal sends only what that does not hold yet, so nothing
is deposited or opened twice; and it keeps the index of every instrument that the journal knows,
whatever the order in the file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from components.configuration.accounts import AccountSettings
from components.configuration.capacity import Capacity, RiskCapacity
from components.configuration.instruments import InstrumentSettings, MarginTierSettings
from components.configuration.risk import RiskRule
from components.configuration.sharding import shards_command
from components.instruments import Instrument, InstrumentTable
from components.messages.code import (
    BUY,
    OP_ACCOUNT,
    OP_DEPOSIT,
    OP_POSITION,
    OP_RISK_GATE,
    SELL,
    SOURCE_SETUP,
)
from components.messages.command import Commands, new_commands
from components.units import money_to_text, plain
from disruptor.errors import ConfigurationError


class Wanted(NamedTuple):
    """What the configuration asks for."""

    instruments: InstrumentTable
    rule: RiskRule
    accounts: Collection[AccountSettings]
    capacity: Capacity
    risk_capacity: RiskCapacity
    risk_gate: bool
    shards: int


class Known(NamedTuple):
    """What a journal holds already; empty tables and None for a new one.

    ``shards`` of a journal that is not new cannot be changed any more.
    """

    instruments: InstrumentTable
    accounts: Collection[int]
    rule: RiskRule | None
    capacity: Capacity
    risk_capacity: RiskCapacity
    risk_gate: bool
    shards: int | None


def commands(wanted: Wanted, known: Known) -> Commands:
    """The commands that lead from what is known to what is wanted; shape (count,)."""
    changed = []
    for each in wanted.instruments.values():
        was = known.instruments.at(each.index) if each.index < len(known.instruments) else None
        if each != was:
            limits_changed = was is not None and each.limits != was.limits
            changed.append(each.to_commands(every_limit=limits_changed))
    shards = [shards_command(wanted.shards)] if wanted.shards > 1 and known.shards is None else []
    capacity = [wanted.capacity.to_commands()] if wanted.capacity != known.capacity else []
    if wanted.risk_capacity != known.risk_capacity:
        capacity.append(wanted.risk_capacity.to_commands())
    rule = [wanted.rule.to_commands()] if wanted.rule != known.rule else []
    opened = [
        _account_commands(account, wanted.instruments)
        for account in wanted.accounts
        if account.user not in known.accounts
    ]
    gate = [_gate_command(wanted.risk_gate)] if wanted.risk_gate != known.risk_gate else []
    result: Commands = np.concatenate(
        [new_commands(0), *shards, *capacity, *changed, *rule, *opened, *gate]
    )
    result["source"] = SOURCE_SETUP
    return result


def _gate_command(is_on: bool) -> Commands:
    result = new_commands(1)
    result["op"] = OP_RISK_GATE
    result["qty"] = is_on
    return result


def gate_from_commands(commands: Commands) -> bool:
    """Whether those commands leave the risk gate on."""
    gates = commands[commands["op"] == OP_RISK_GATE]
    return bool(len(gates) and gates[-1]["qty"])


def merged_instruments(
    configured: Mapping[str, InstrumentSettings], known: InstrumentTable, journal: str
) -> dict[str, InstrumentSettings]:
    """The instruments of a journal in its order, as configured, then those that it lacks.

    Instruments that only the journal knows stay tradable.  Raises ConfigurationError if a known
    one is given another grid, under which journaled prices would change their worth.
    """
    chosen: dict[str, InstrumentSettings] = {}
    for instrument in known.values():
        settings = configured.get(instrument.name) or _settings_of(instrument)
        for grid in ("tick_size", "lot_size"):
            found, was = plain(getattr(settings, grid)), plain(getattr(instrument, grid))
            if found != was:
                raise ConfigurationError(
                    f"instruments.{instrument.name}.{grid}: found {found}, but the journal "
                    f"{journal} holds {was}; write {was}, or another oracle.path for a new journal"
                )
        chosen[instrument.name] = settings
    return chosen | {name: each for name, each in configured.items() if name not in chosen}


def _settings_of(instrument: Instrument) -> InstrumentSettings:
    return InstrumentSettings(
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
        max_leverage=instrument.max_leverage,
        stops_trigger="mark" if instrument.stops_on_mark else "last",
        publish_depth=instrument.publish_depth,
        mark=instrument.mark,
        margin_tiers=tuple(
            MarginTierSettings.model_construct(
                above=tier.notional_floor,
                maintenance=tier.maintenance_ppm,
                max_leverage=tier.max_leverage,
            )
            for tier in instrument.margin_tiers
        ),
        **_limit_settings(instrument),
    )


def _limit_settings(instrument: Instrument) -> dict[str, Any]:
    limits = instrument.limits
    found = {
        "min_qty": instrument.qty_text(limits.min_qty),
        "max_qty": instrument.qty_text(limits.max_qty),
        "min_notional": money_to_text(limits.min_notional),
        "max_notional": money_to_text(limits.max_notional),
        "collar_ppm": limits.collar_ppm,
    }
    return {name: value for name, value in found.items() if getattr(limits, name)}


def _account_commands(account: AccountSettings, table: InstrumentTable) -> Commands:
    deposits = 1 if account.collateral else 0
    result = new_commands(1 + deposits + len(account.positions))
    result["account"] = account.user
    result[0]["op"] = OP_ACCOUNT
    if deposits:
        result[1]["op"] = OP_DEPOSIT
        result[1]["price"] = account.collateral
    for number, position in enumerate(account.positions, start=1 + deposits):
        instrument = table[position.symbol]
        row = result[number]
        row["op"] = OP_POSITION
        row["symbol"] = instrument.index
        row["side"] = BUY if position.side == "long" else SELL
        row["qty"] = instrument.qty_to_lots(plain(position.qty))
        row["price"] = instrument.price_to_ticks(plain(position.entry))
        row["leverage"] = position.leverage
    return result
