"""Commands as JSON lines and back: what a person or a tool writes, what the ring carries.

    {"op":"place", …}   {"op":"replace", …}   {"op":"bracket", …}               see order_text.py
    {"op":"cancel","symbol":"BTCUSDT","id":1,"account":7}
    {"op":"amend","symbol":"BTCUSDT","id":1,"account":7,"price":"101","qty":"3"}    one or both
    {"op":"cancel_all","account":7,"symbol":"BTCUSDT","side":"buy"}   account or symbol, or both
    {"op":"session_end","symbol":"BTCUSDT"}                           symbol optional
    {"op":"book", …}   {"op":"capacity", …}   {"op":"shards", …}                see depth_text.py
    {"op":"instrument", …}   {"op":"limits", …}   {"op":"phase", …}        see instrument_text.py
    {"op":"price","symbol":"BTCUSDT","price":"50123.45"}     qty, suspect, stale, source optional
    {"op":"account","account":7}
    {"op":"deposit","account":7,"amount":"10000"}     {"op":"withdraw","account":7,"amount":"1"}
    {"op":"position","account":7,"symbol":"BTCUSDT","side":"long","qty":"0.5","entry":"50000",
     "leverage":10}
    {"op":"funding", …}   {"op":"leverage", …}   {"op":"margin", …}    see risk_command_text.py
    {"op":"snapshot","id":1}     {"op":"timer"}

``ts``, in nanoseconds, is optional everywhere; without it the time stands still.  Margin tiers and
risk rules have a text form too, for reading a journal, but come from configuration alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import orjson

from components.instruments import InstrumentTable
from components.messages.code import (
    FLAG_STALE,
    FLAG_SUSPECT,
    OP_ACCOUNT,
    OP_AMEND,
    OP_BOOK,
    OP_BRACKET,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_CAPACITY,
    OP_DELEVERAGE,
    OP_DEPOSIT,
    OP_FUNDING,
    OP_INSTRUMENT,
    OP_LEVERAGE,
    OP_LIMITS,
    OP_MARGIN,
    OP_MARGIN_TIER,
    OP_NAMES,
    OP_PHASE,
    OP_PLACE,
    OP_POSITION,
    OP_PRICE,
    OP_REPLACE,
    OP_RESUME,
    OP_RISK_CAPACITY,
    OP_RISK_GATE,
    OP_RISK_RULE,
    OP_SESSION_END,
    OP_SHARDS,
    OP_SNAPSHOT,
    OP_TIMER,
    OP_WITHDRAW,
    POSITION_SIDE_NAMES,
    SIDES_NAMES,
    by_name,
)
from components.messages.command import ALL_SYMBOLS, UNCHANGED
from components.messages.command_fields import (
    format_names,
    lots_text,
    read_account,
    read_lots,
    read_money,
    read_order_id,
    read_symbol,
    read_ticks,
    symbol_text,
    ticks_text,
)
from components.messages.depth_text import (
    format_book,
    format_capacity,
    format_shards,
    parse_book,
    parse_capacity,
    parse_shards,
)
from components.messages.instrument_text import (
    format_instrument,
    format_limits,
    format_phase,
    format_tier,
    parse_instrument,
    parse_limits,
    parse_phase,
)
from components.messages.json_lines import Reader, read_object
from components.messages.order_text import (
    format_bracket,
    format_place,
    parse_bracket,
    parse_place,
    parse_replace,
)
from components.messages.risk_command_text import (
    format_deleverage,
    format_funding,
    format_leverage,
    format_margin,
    format_risk_capacity,
    format_risk_gate,
    parse_deleverage,
    parse_funding,
    parse_leverage,
    parse_margin,
    parse_resume,
    parse_risk_capacity,
    parse_risk_gate,
)
from components.units import ORDER_ID_MAX, TIMESTAMP_MAX, money_to_text

__all__ = ["format_command", "lots_text", "parse_command", "symbol_text", "ticks_text"]

_POSITION_SIDES: Final = by_name(POSITION_SIDE_NAMES)
_SIDES: Final = by_name(SIDES_NAMES)
_PRICE_FLAGS: Final = ((FLAG_SUSPECT, "suspect"), (FLAG_STALE, "stale"))


def parse_command(line: bytes, instruments: InstrumentTable, into: np.void, place: str) -> None:
    """Fill ``into``, one zeroed COMMAND record, from one line; ``TextError`` if it is malformed.

    A symbol that no instrument has becomes UNKNOWN_SYMBOL, and a number that is off the grid, too
    large, or zero where zero would mean "not given" becomes INVALID: the engine answers both.
    """
    reader = Reader(read_object(line, place), place)
    operation = reader.name("op", _OPERATIONS)
    into["op"] = operation
    if reader.has("ts"):
        into["ts"] = reader.integer("ts", 0, TIMESTAMP_MAX, "nanoseconds since the epoch")
    _PARSERS[operation](reader, instruments, into)
    reader.finish()


def _parse_cancel(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    read_symbol(reader, instruments, into)
    read_order_id(reader, into, ORDER_ID_MAX)
    read_account(reader, into)


def _parse_amend(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    instrument = read_symbol(reader, instruments, into)
    read_order_id(reader, into, ORDER_ID_MAX)
    read_account(reader, into)
    into["price"] = into["qty"] = UNCHANGED
    has_price, has_qty = reader.has("price"), reader.has("qty")
    if has_price:
        into["price"] = read_ticks(reader, "price", instrument)
    if has_qty or not has_price:
        into["qty"] = read_lots(reader, "qty", instrument)


def _parse_cancel_all(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    into["symbol"] = ALL_SYMBOLS
    if reader.has("symbol"):
        read_symbol(reader, instruments, into)
    if reader.has("account") or into["symbol"] == ALL_SYMBOLS:
        read_account(reader, into)
    into["side"] = reader.name("side", _SIDES, "both")


def _parse_session_end(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    into["symbol"] = ALL_SYMBOLS
    if reader.has("symbol"):
        read_symbol(reader, instruments, into)


def _parse_price(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    instrument = read_symbol(reader, instruments, into)
    into["price"] = read_ticks(reader, "price", instrument)
    if reader.has("qty"):
        into["qty"] = read_lots(reader, "qty", instrument)
    into["flags"] = sum(flag for flag, key in _PRICE_FLAGS if reader.flag(key))
    if reader.has("source"):
        into["side"] = reader.integer("source", 0, 255, "a source's number from 0 to 255")


def _parse_account(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    read_account(reader, into)


def _parse_transfer(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    read_account(reader, into)
    into["price"] = read_money(reader, "amount")


def _parse_position(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    read_account(reader, into)
    instrument = read_symbol(reader, instruments, into)
    into["side"] = reader.name("side", _POSITION_SIDES)
    into["qty"] = read_lots(reader, "qty", instrument)
    into["price"] = read_ticks(reader, "entry", instrument)
    into["leverage"] = reader.integer("leverage", 0, 2**32 - 1, "a whole number, e.g. 10")


def _parse_snapshot(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    read_order_id(reader, into, ORDER_ID_MAX)


def _parse_timer(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A timer says only what time it is."""


_Parser = Callable[[Reader, InstrumentTable, np.void], None]
_PARSERS: Final[dict[int, _Parser]] = {
    OP_PLACE: parse_place,
    OP_REPLACE: parse_replace,
    OP_BRACKET: parse_bracket,
    OP_BOOK: parse_book,
    OP_CAPACITY: parse_capacity,
    OP_SHARDS: parse_shards,
    OP_CANCEL: _parse_cancel,
    OP_AMEND: _parse_amend,
    OP_CANCEL_ALL: _parse_cancel_all,
    OP_SESSION_END: _parse_session_end,
    OP_INSTRUMENT: parse_instrument,
    OP_LIMITS: parse_limits,
    OP_PHASE: parse_phase,
    OP_PRICE: _parse_price,
    OP_ACCOUNT: _parse_account,
    OP_DEPOSIT: _parse_transfer,
    OP_WITHDRAW: _parse_transfer,
    OP_POSITION: _parse_position,
    OP_FUNDING: parse_funding,
    OP_LEVERAGE: parse_leverage,
    OP_MARGIN: parse_margin,
    OP_DELEVERAGE: parse_deleverage,
    OP_RESUME: parse_resume,
    OP_RISK_GATE: parse_risk_gate,
    OP_RISK_CAPACITY: parse_risk_capacity,
    OP_SNAPSHOT: _parse_snapshot,
    OP_TIMER: _parse_timer,
}
_OPERATIONS: Final = {OP_NAMES[operation]: operation for operation in _PARSERS}


def format_command(command: np.void, instruments: InstrumentTable) -> bytes:
    """One line, without its newline; the inverse of ``parse_command`` for what it accepts."""
    operation = int(command["op"])
    line: dict[str, Any] = {"op": OP_NAMES.get(operation, f"op_{operation}")}
    if operation in _FORMATTERS:
        _FORMATTERS[operation](command, instruments, line)
    if command["ts"]:
        line["ts"] = int(command["ts"])
    return orjson.dumps(line)


def _format_amend(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(command["symbol"])
    format_names(command, instruments, line)
    if int(command["price"]) != UNCHANGED:
        line["price"] = ticks_text(int(command["price"]), symbol, instruments)
    if int(command["qty"]) != UNCHANGED:
        line["qty"] = lots_text(int(command["qty"]), symbol, instruments)


def _format_cancel_all(
    command: np.void, instruments: InstrumentTable, line: dict[str, Any]
) -> None:
    if command["account"]:
        line["account"] = int(command["account"])
    _format_session_end(command, instruments, line)
    if command["side"]:
        line["side"] = SIDES_NAMES.get(int(command["side"]), "?")


def _format_session_end(
    command: np.void, instruments: InstrumentTable, line: dict[str, Any]
) -> None:
    if int(command["symbol"]) != ALL_SYMBOLS:
        line["symbol"] = symbol_text(int(command["symbol"]), instruments)


def _format_price(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(command["symbol"])
    line["symbol"] = symbol_text(symbol, instruments)
    line["price"] = ticks_text(int(command["price"]), symbol, instruments)
    if command["qty"]:
        line["qty"] = lots_text(int(command["qty"]), symbol, instruments)
    if command["side"]:
        line["source"] = int(command["side"])
    line.update({key: True for flag, key in _PRICE_FLAGS if int(command["flags"]) & flag})


def _format_account(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["account"] = int(command["account"])


def _format_transfer(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["account"] = int(command["account"])
    line["amount"] = money_to_text(int(command["price"]))


def _format_position(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(command["symbol"])
    line["account"] = int(command["account"])
    line["symbol"] = symbol_text(symbol, instruments)
    line["side"] = POSITION_SIDE_NAMES[int(command["side"])]
    line["qty"] = lots_text(int(command["qty"]), symbol, instruments)
    line["entry"] = ticks_text(int(command["price"]), symbol, instruments)
    line["leverage"] = int(command["leverage"])


def _format_rule(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["version"] = int(command["order_id"])
    line["liquidation_fee_ppm"] = int(command["price"])
    line["at_risk_ppm"] = [int(command[each]) for each in ("qty", "expires", "origin_ts")]
    line["jump_ppm"] = int(command["display_qty"])
    line["insurance_fund"] = money_to_text(int(command["stop_price"]))


def _format_snapshot(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["id"] = int(command["order_id"])


_Formatter = Callable[[np.void, InstrumentTable, dict[str, Any]], None]
_FORMATTERS: Final[dict[int, _Formatter]] = {
    OP_PLACE: format_place,
    OP_REPLACE: format_place,
    OP_BRACKET: format_bracket,
    OP_BOOK: format_book,
    OP_CAPACITY: format_capacity,
    OP_SHARDS: format_shards,
    OP_CANCEL: format_names,
    OP_AMEND: _format_amend,
    OP_CANCEL_ALL: _format_cancel_all,
    OP_SESSION_END: _format_session_end,
    OP_PRICE: _format_price,
    OP_ACCOUNT: _format_account,
    OP_DEPOSIT: _format_transfer,
    OP_WITHDRAW: _format_transfer,
    OP_POSITION: _format_position,
    OP_INSTRUMENT: format_instrument,
    OP_LIMITS: format_limits,
    OP_PHASE: format_phase,
    OP_MARGIN_TIER: format_tier,
    OP_RISK_RULE: _format_rule,
    OP_FUNDING: format_funding,
    OP_LEVERAGE: format_leverage,
    OP_MARGIN: format_margin,
    OP_DELEVERAGE: format_deleverage,
    OP_RISK_GATE: format_risk_gate,
    OP_RISK_CAPACITY: format_risk_capacity,
    OP_SNAPSHOT: _format_snapshot,
}
