"""The margin calculation of one account, line by line, as a person would check it by hand.

Every figure is the engine's own; nothing here decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from components.instruments import InstrumentTable
from components.sentinel.engine.accounts import OWN, find_wallet
from components.sentinel.engine.liquidation_price import liquidation_price
from components.sentinel.engine.margin import margin_ratio_ppm
from components.sentinel.engine.state import NONE, SentinelState, wide
from components.sentinel.engine.valuation import (
    initial_margin_of,
    initial_margin_of_position,
    leverage_cap,
    maintenance_of,
    measure,
    owed_funding,
    tier_at,
    value_of,
)
from components.units import PPM, money_to_text
from disruptor.compiled import compiled

FIGURES: Final = np.dtype(
    [
        (name, np.int64)
        for name in ("value", "owed", "maintenance", "initial", "leverage", "tier", "falls_at")
    ]
)
"""What is computed of a position, in money; ``leverage``: what its size allows, as chosen."""


@compiled
def _row_of(state: SentinelState, account: int, scope: int) -> int:
    return find_wallet(state, account, scope)


@compiled
def _initial_of(state: SentinelState, row: int) -> int:
    return initial_margin_of(state, row)


@compiled
def _figures(state: SentinelState, slot: int, into: Any) -> None:
    position = state.positions[slot]
    symbol = wide(position["symbol"])
    chosen = wide(position["leverage"])
    value = value_of(state, slot)
    most = leverage_cap(state, symbol, abs(value))
    into["value"] = value
    into["owed"] = owed_funding(state, slot)
    into["maintenance"] = maintenance_of(state, slot)
    into["initial"] = initial_margin_of_position(state, slot, chosen)
    into["leverage"] = min(chosen, most) if chosen > 0 else most
    into["tier"] = tier_at(state, symbol, abs(value))
    into["falls_at"] = liquidation_price(state, slot)


def explain(state: SentinelState, account: int, instruments: InstrumentTable) -> Iterator[str]:
    """The lines for each of the account's wallets; one line if it was never opened."""
    own = int(_row_of(state, account, OWN))
    if own == NONE:
        yield f"account {account} was never opened"
        return
    summary = state.summary[0]
    yield f"account {account}, by rule version {int(summary['rule_version'])}"
    yield from _wallet(state, own, instruments)
    for symbol in range(len(instruments)):
        row = int(_row_of(state, account, 1 + symbol))
        if row != NONE and state.accounts[row]["slot_count"]:
            yield from _wallet(state, row, instruments)


def _wallet(state: SentinelState, row: int, instruments: InstrumentTable) -> Iterator[str]:
    record = state.accounts[row]
    scope = int(record["scope"])
    name = (
        "cross wallet" if scope == OWN else f"isolated wallet of {instruments.at(scope - 1).name}"
    )
    found = measure(state, row)
    yield f"{name}"
    yield f"  collateral                      {money_to_text(int(record['collateral']))}"
    slot = int(record["first_position"])
    while slot != NONE:
        if state.positions[slot]["qty"]:
            yield from _position(state, slot, instruments)
        slot = int(state.positions[slot]["next_position"])
    initial = int(_initial_of(state, row))
    ratio = int(margin_ratio_ppm(found.maintenance, found.equity))
    yield f"  equity                          {money_to_text(found.equity)}"
    yield f"  maintenance margin              {money_to_text(found.maintenance)}"
    yield f"  initial margin                  {money_to_text(initial)}"
    yield f"  free above initial margin       {money_to_text(found.equity - initial)}"
    yield f"  margin ratio                    {ratio / PPM:.6f}"
    yield f"  {_verdict(found.equity, found.maintenance)}"


def _position(state: SentinelState, slot: int, instruments: InstrumentTable) -> Iterator[str]:
    position = state.positions[slot]
    symbol, qty = int(position["symbol"]), int(position["qty"])
    instrument = instruments.at(symbol)
    mark, entry = int(state.symbols[symbol]["mark"]), int(position["entry_value"])
    record = np.zeros(1, FIGURES)[0]
    _figures(state, slot, record)
    figures = {name: int(record[name]) for name in FIGURES.names or ()}
    value, owed, tier = figures["value"], figures["owed"], figures["tier"]
    notional = money_to_text(abs(value))
    rules = state.tiers[symbol, tier]
    deduction = _deduction(int(rules["deduction"]), int(rules["deduction_ppm"]))
    at = instrument.price_text(mark) if mark else "none yet: at entry"
    falls = figures["falls_at"]
    suspect = ", suspect" if state.symbols[symbol]["is_suspect"] else ""
    lines = (
        ("mark", at + suspect),
        ("value", money_to_text(value)),
        ("- entry value", money_to_text(entry)),
        ("- funding owed", money_to_text(owed)),
        ("= unrealised profit", money_to_text(value - entry - owed)),
        (
            f"maintenance, tier {tier}",
            (
                f"{notional} * {int(rules['ppm'])} ppm - {deduction}"
                f" = {money_to_text(figures['maintenance'])}"
            ),
        ),
        (
            f"initial, leverage {figures['leverage']}",
            (
                f"{notional} / {figures['leverage']}, at least maintenance"
                f" = {money_to_text(figures['initial'])}"
            ),
        ),
        ("falls at", instrument.price_text(falls) if falls else "no price of it alone"),
    )
    yield f"  {instrument.name} {'long' if qty > 0 else 'short'} {instrument.qty_text(abs(qty))}"
    for name, text in lines:
        yield f"    {name:<30}{text}"


def _deduction(whole: int, millionths: int) -> str:
    text = money_to_text(whole)
    return f"{text} (and {millionths} millionths of 1e-8)" if millionths else text


def _verdict(equity: int, maintenance: int) -> str:
    if equity < maintenance:
        return "equity < maintenance margin: it is liquidated"
    return "equity >= maintenance margin: it stands"
