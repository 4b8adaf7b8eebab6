"""Instruments as JSON lines and back: listed or changed, limited, halted, auctioned, removed.

    {"op":"instrument","symbol":"BTCUSDT","tick_size":"0.01","lot_size":"0.001"}
        optional: maker_fee_ppm taker_fee_ppm max_leverage stops_trigger ("last" or "mark") index
                  publish_depth (true or false) mark ("last", "median" or "mid")
    {"op":"limits","symbol":"BTCUSDT","min_qty":"0.01","max_qty":"100","min_notional":"5",
     "max_notional":"1000000","collar_ppm":50000}             what is left out has no limit
    {"op":"phase","symbol":"BTCUSDT","phase":"auction"}       continuous, halted, auction, removed

A symbol that is not known yet gets the next index.  The symbols of the lines that follow are known
through ``InstrumentTable.after``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import numpy as np

from components.instruments import (
    MARK_FLAGS,
    NAME_BYTES_MAX,
    Instrument,
    InstrumentTable,
    mark_of,
    name_words,
)
from components.messages.code import (
    FLAG_DEPTH,
    FLAG_STOPS_ON_MARK,
    PHASE_NAMES,
    by_name,
)
from components.messages.command_fields import (
    given,
    grid_text,
    lots_text,
    read_lots,
    read_money,
    read_symbol,
    symbol_name,
    symbol_text,
)
from components.messages.json_lines import INVALID, Reader
from components.units import GRID_SCALE, MONEY_MAX, PPM, UnitError, money_to_text

_GRID: Final = Decimal(1) / GRID_SCALE
_PHASES: Final = by_name(PHASE_NAMES)
_MARKS: Final[dict[str, int]] = dict(MARK_FLAGS.items())
_TRIGGERS: Final = {"last": 0, "mark": FLAG_STOPS_ON_MARK}


def parse_instrument(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A grid that no instrument can have becomes INVALID, so that the engine answers it."""
    name = reader.text("symbol", 'a symbol, e.g. "BTCUSDT"')
    if not name or len(name) > NAME_BYTES_MAX or not name.isascii():
        raise reader.fail("symbol", f"1 to {NAME_BYTES_MAX} ASCII letters")
    known = instruments.get(name)
    index = len(instruments) if known is None else known.index
    if reader.has("index"):
        index = reader.integer("index", index, index, f"{index}, or leave it out")
    into["symbol"] = index
    into["account"], into["order_id"] = name_words(name)
    into["price"] = reader.steps("tick_size", _GRID, MONEY_MAX)
    into["qty"] = reader.steps("lot_size", _GRID, MONEY_MAX)
    into["stop_price"] = _money_unit(name, index, int(into["price"]), int(into["qty"]))
    into["display_qty"] = _integer(reader, "maker_fee_ppm", -PPM, PPM, 0)
    into["expires"] = _integer(reader, "taker_fee_ppm", -PPM, PPM, 0)
    highest = 2**32 - 1
    into["leverage"] = _integer(reader, "max_leverage", 1, highest, Instrument.max_leverage)
    depth = FLAG_DEPTH if reader.flag("publish_depth") else 0
    into["flags"] = reader.name("stops_trigger", _TRIGGERS, "last") | depth
    into["flags"] |= reader.name("mark", _MARKS, "last")


def _money_unit(name: str, index: int, tick_steps: int, lot_steps: int) -> int:
    try:
        return Instrument(name, index, tick_steps * _GRID, lot_steps * _GRID).money_unit
    except UnitError:
        return INVALID


def _integer(reader: Reader, key: str, low: int, high: int, default: int) -> int:
    if not reader.has(key):
        return default
    return reader.integer(key, low, high, f"a whole number from {low} to {high}")


def parse_limits(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """What is not given is not limited."""
    instrument = read_symbol(reader, instruments, into)
    for key, field in (("min_qty", "qty"), ("max_qty", "display_qty")):
        if reader.has(key):
            into[field] = given(read_lots(reader, key, instrument))
    for key, field in (("min_notional", "price"), ("max_notional", "stop_price")):
        if reader.has(key):
            into[field] = given(read_money(reader, key))
    into["expires"] = _integer(reader, "collar_ppm", 1, PPM, 0)


def parse_phase(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """What may happen in the symbol from now on."""
    read_symbol(reader, instruments, into)
    into["side"] = reader.name("phase", _PHASES)


def format_instrument(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """An instrument command."""
    line["symbol"] = symbol_name(int(command["account"]), int(command["order_id"]))
    line["index"] = int(command["symbol"])
    line["tick_size"] = grid_text(int(command["price"]))
    line["lot_size"] = grid_text(int(command["qty"]))
    line["maker_fee_ppm"] = int(command["display_qty"])
    line["taker_fee_ppm"] = int(command["expires"])
    line["max_leverage"] = int(command["leverage"])
    if int(command["flags"]) & FLAG_STOPS_ON_MARK:
        line["stops_trigger"] = "mark"
    if int(command["flags"]) & FLAG_DEPTH:
        line["publish_depth"] = True
    mark = mark_of(int(command["flags"]))
    if mark != "last":
        line["mark"] = mark


def format_limits(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A limits command."""
    symbol = int(command["symbol"])
    line["symbol"] = symbol_text(symbol, instruments)
    for key, field in (("min_qty", "qty"), ("max_qty", "display_qty")):
        if command[field]:
            line[key] = lots_text(int(command[field]), symbol, instruments)
    for key, field in (("min_notional", "price"), ("max_notional", "stop_price")):
        if command[field]:
            line[key] = money_to_text(int(command[field]))
    if command["expires"]:
        line["collar_ppm"] = int(command["expires"])


def format_phase(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A phase command."""
    line["symbol"] = symbol_text(int(command["symbol"]), instruments)
    line["phase"] = PHASE_NAMES.get(int(command["side"]), "?")


def format_tier(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A margin tier."""
    line["symbol"] = symbol_text(int(command["symbol"]), instruments)
    line["tier"] = int(command["order_id"])
    line["notional_floor"] = money_to_text(int(command["price"]))
    line["maintenance_ppm"] = int(command["qty"])
    if command["leverage"]:
        line["max_leverage"] = int(command["leverage"])
