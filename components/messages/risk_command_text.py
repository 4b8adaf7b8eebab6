"""Commands that are Sentinel's business alone, as JSON lines and back.

    {"op":"funding","symbol":"BTCUSDT","rate_ppm":100}               longs pay shorts; negative: back
    {"op":"leverage","account":7,"symbol":"BTCUSDT","leverage":10,"margin":"isolated"}
    {"op":"margin","account":7,"symbol":"BTCUSDT","amount":"100"}    of an isolated position; or "-100"
    {"op":"deleverage","account":7,"symbol":"BTCUSDT","id":1,"side":"sell","price":"100","qty":"2",
     "counterparty":8}                                               Sentinel's own
    {"op":"resume"}                                                  the platform started again
    {"op":"risk_gate","on":true}                                     orders pass the risk gate
    {"op":"risk_capacity","accounts":400000,"symbols":160,"positions":1000000}

``leverage`` may be left out, which is as much as the symbol allows, and so may ``margin``: cross.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from components.instruments import InstrumentTable
from components.messages.code import (
    FLAG_LIQUIDATION,
    MARGIN_NAMES,
    SIDE_NAMES,
    by_name,
)
from components.messages.command_fields import (
    lots_text,
    read_account,
    read_id,
    read_lots,
    read_money,
    read_order_id,
    read_symbol,
    read_ticks,
    symbol_text,
    ticks_text,
)
from components.messages.json_lines import INT64_MAX, Reader
from components.units import ACCOUNT_MAX, PPM, money_to_text

_MARGINS: Final = by_name(MARGIN_NAMES)
_SIDES: Final = by_name(SIDE_NAMES)
_LEVERAGE_MAX: Final = 2**32 - 1
_COUNT: Final = "a whole number from 1"
_LIMITS: Final = (("accounts", "price"), ("symbols", "stop_price"), ("positions", "qty"))
"""The keys of a risk capacity, and the command's fields."""


def parse_funding(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A funding rate, charged at the mark of this moment."""
    read_symbol(reader, instruments, into)
    expected = f"parts per million, a whole number from {-PPM} to {PPM}"
    into["price"] = reader.integer("rate_ppm", -PPM, PPM, expected)


def parse_leverage(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A leverage and a margin mode for one symbol of an account."""
    read_account(reader, into)
    read_symbol(reader, instruments, into)
    if reader.has("leverage"):
        into["leverage"] = reader.integer(
            "leverage", 0, _LEVERAGE_MAX, "a whole number, e.g. 10; 0 for as much as is allowed"
        )
    into["side"] = reader.name("margin", _MARGINS, "cross")


def parse_margin(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """Money to an isolated position, or from it."""
    read_account(reader, into)
    read_symbol(reader, instruments, into)
    into["price"] = read_money(reader, "amount")


def parse_deleverage(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A takeover of a bankrupt position."""
    read_account(reader, into)
    instrument = read_symbol(reader, instruments, into)
    read_order_id(reader, into, INT64_MAX)
    into["side"] = reader.name("side", _SIDES)
    into["price"] = read_ticks(reader, "price", instrument)
    into["qty"] = read_lots(reader, "qty", instrument)
    into["display_qty"] = read_id(reader, "counterparty", ACCOUNT_MAX)
    into["flags"] = FLAG_LIQUIDATION


def parse_resume(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """It says all by itself."""


def parse_risk_gate(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """Whether orders pass the risk gate."""
    into["qty"] = reader.flag("on")


def parse_risk_capacity(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """How many wallets, symbols and positions Sentinel takes."""
    for key, field in _LIMITS:
        into[field] = reader.integer(key, 1, INT64_MAX, _COUNT)


def format_risk_capacity(
    command: np.void, instruments: InstrumentTable, line: dict[str, Any]
) -> None:
    """A risk capacity command."""
    for key, field in _LIMITS:
        line[key] = int(command[field])


def format_funding(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A funding command."""
    line["symbol"] = symbol_text(int(command["symbol"]), instruments)
    line["rate_ppm"] = int(command["price"])


def format_leverage(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A leverage command."""
    line["account"] = int(command["account"])
    line["symbol"] = symbol_text(int(command["symbol"]), instruments)
    line["leverage"] = int(command["leverage"])
    line["margin"] = MARGIN_NAMES.get(int(command["side"]), "?")


def format_margin(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A margin command."""
    line["account"] = int(command["account"])
    line["symbol"] = symbol_text(int(command["symbol"]), instruments)
    line["amount"] = money_to_text(int(command["price"]))


def format_deleverage(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A deleverage command."""
    symbol = int(command["symbol"])
    line["account"] = int(command["account"])
    line["symbol"] = symbol_text(symbol, instruments)
    line["id"] = int(command["order_id"])
    line["side"] = SIDE_NAMES.get(int(command["side"]), "?")
    line["price"] = ticks_text(int(command["price"]), symbol, instruments)
    line["qty"] = lots_text(int(command["qty"]), symbol, instruments)
    line["counterparty"] = int(command["display_qty"])


def format_risk_gate(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A risk gate command."""
    line["on"] = bool(command["qty"])
