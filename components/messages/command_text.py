"""Commands as JSON lines and back: what a person or a tool writes, what the ring carries.

    {"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"buy","type":"limit","tif":"gtc",
     "price":"100.5","qty":"2"}            optional: stop_price display_qty expires post_only
                                           reduce_only stp liquidation; type and tif have defaults
    {"op":"cancel","symbol":"BTCUSDT","id":1,"account":7}
    {"op":"amend","symbol":"BTCUSDT","id":1,"account":7,"price":"101","qty":"3"}    one or both
    {"op":"cancel_all","account":7,"symbol":"BTCUSDT"}                        symbol optional
    {"op":"price","symbol":"BTCUSDT","price":"50123.45"}                         qty optional
    {"op":"account","account":7}
    {"op":"deposit","account":7,"amount":"10000"}     {"op":"withdraw","account":7,"amount":"1"}
    {"op":"position","account":7,"symbol":"BTCUSDT","side":"long","qty":"0.5","entry":"50000",
     "leverage":10}
    {"op":"snapshot","id":1}     {"op":"timer"}

``ts``, in nanoseconds, is optional everywhere; without it the time stands still.  Instruments and
risk rules have a text form too, for reading a journal, but come from configuration alone.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import numpy as np
import orjson

from components.instruments import Instrument, InstrumentTable
from components.messages.code import (
    FLAG_LIQUIDATION,
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    OP_ACCOUNT,
    OP_AMEND,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_DEPOSIT,
    OP_INSTRUMENT,
    OP_MARGIN_TIER,
    OP_NAMES,
    OP_PLACE,
    OP_POSITION,
    OP_PRICE,
    OP_RISK_RULE,
    OP_SNAPSHOT,
    OP_TIMER,
    OP_WITHDRAW,
    POSITION_SIDE_NAMES,
    SIDE_NAMES,
    STP_NAMES,
    TIF_GTD,
    TIF_NAMES,
    TYPE_LIMIT,
    TYPE_NAMES,
    TYPE_STOP,
    TYPE_STOP_LIMIT,
    by_name,
)
from components.messages.command import ALL_SYMBOLS, UNCHANGED, UNKNOWN_SYMBOL
from components.messages.json_lines import INT64_MAX, INVALID, Reader, read_object
from components.units import (
    ACCOUNT_MAX,
    GRID_SCALE,
    MONEY_MAX,
    MONEY_SCALE,
    ORDER_ID_MAX,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    TIMESTAMP_MAX,
    from_grid,
    money_to_text,
)

CLIENT_ORDER_ID_MAX: Final = 2**61 - 1
"""Ids above it belong to Sentinel's liquidation orders."""

_UNIT: Final = Decimal(1)
_CENT: Final = Decimal(1) / MONEY_SCALE
_SIDES: Final = by_name(SIDE_NAMES)
_POSITION_SIDES: Final = by_name(POSITION_SIDE_NAMES)
_TYPES: Final = by_name(TYPE_NAMES)
_TIFS: Final = by_name(TIF_NAMES)
_STPS: Final = by_name(STP_NAMES)


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


def _parse_place(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    instrument = _symbol(reader, instruments, into)
    liquidation = reader.flag("liquidation")
    _order_id(reader, into, ORDER_ID_MAX if liquidation else CLIENT_ORDER_ID_MAX)
    _account(reader, into)
    into["side"] = reader.name("side", _SIDES)
    kind = reader.name("type", _TYPES, "limit")
    into["order_type"] = kind
    tif = reader.name("tif", _TIFS, "gtc")
    into["tif"] = tif
    into["stp"] = reader.name("stp", _STPS, "none")
    into["qty"] = _lots(reader, "qty", instrument)
    if reader.has("price") or kind in (TYPE_LIMIT, TYPE_STOP_LIMIT):
        into["price"] = _given(_ticks(reader, "price", instrument))
    if reader.has("stop_price") or kind in (TYPE_STOP, TYPE_STOP_LIMIT):
        into["stop_price"] = _given(_ticks(reader, "stop_price", instrument))
    if reader.has("display_qty"):
        into["display_qty"] = _given(_lots(reader, "display_qty", instrument))
    if reader.has("expires") or tif == TIF_GTD:
        expected = "the time at which it ends, in nanoseconds since the epoch"
        into["expires"] = _given(reader.integer("expires", -INT64_MAX, INT64_MAX, expected))
    flags = FLAG_POST_ONLY if reader.flag("post_only") else 0
    flags |= FLAG_REDUCE_ONLY if reader.flag("reduce_only") else 0
    into["flags"] = flags | (FLAG_LIQUIDATION if liquidation else 0)
    if reader.has("cause"):
        into["cause"] = reader.integer("cause", 0, INT64_MAX, "a command's sequence")


def _parse_cancel(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _symbol(reader, instruments, into)
    _order_id(reader, into, ORDER_ID_MAX)
    _account(reader, into)


def _parse_amend(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    instrument = _symbol(reader, instruments, into)
    _order_id(reader, into, ORDER_ID_MAX)
    _account(reader, into)
    into["price"] = into["qty"] = UNCHANGED
    has_price, has_qty = reader.has("price"), reader.has("qty")
    if has_price:
        into["price"] = _ticks(reader, "price", instrument)
    if has_qty or not has_price:
        into["qty"] = _lots(reader, "qty", instrument)


def _parse_cancel_all(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _account(reader, into)
    into["symbol"] = ALL_SYMBOLS
    if reader.has("symbol"):
        _symbol(reader, instruments, into)


def _parse_price(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    instrument = _symbol(reader, instruments, into)
    into["price"] = _ticks(reader, "price", instrument)
    if reader.has("qty"):
        into["qty"] = _lots(reader, "qty", instrument)


def _parse_account(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _account(reader, into)


def _parse_transfer(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _account(reader, into)
    into["price"] = reader.steps("amount", _CENT, MONEY_MAX)


def _parse_position(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _account(reader, into)
    instrument = _symbol(reader, instruments, into)
    into["side"] = reader.name("side", _POSITION_SIDES)
    into["qty"] = _lots(reader, "qty", instrument)
    into["price"] = _ticks(reader, "entry", instrument)
    into["leverage"] = reader.integer("leverage", 0, 2**32 - 1, "a whole number, e.g. 10")


def _parse_snapshot(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _order_id(reader, into, ORDER_ID_MAX)


def _parse_timer(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A timer says only what time it is."""


_Parser = Callable[[Reader, InstrumentTable, np.void], None]
_PARSERS: Final[dict[int, _Parser]] = {
    OP_PLACE: _parse_place,
    OP_CANCEL: _parse_cancel,
    OP_AMEND: _parse_amend,
    OP_CANCEL_ALL: _parse_cancel_all,
    OP_PRICE: _parse_price,
    OP_ACCOUNT: _parse_account,
    OP_DEPOSIT: _parse_transfer,
    OP_WITHDRAW: _parse_transfer,
    OP_POSITION: _parse_position,
    OP_SNAPSHOT: _parse_snapshot,
    OP_TIMER: _parse_timer,
}
_OPERATIONS: Final = {OP_NAMES[operation]: operation for operation in _PARSERS}


def _symbol(reader: Reader, instruments: InstrumentTable, into: np.void) -> Instrument | None:
    name = reader.text("symbol", 'a symbol, e.g. "BTCUSDT"')
    instrument = instruments.get(name)
    into["symbol"] = UNKNOWN_SYMBOL if instrument is None else instrument.index
    return instrument


def _order_id(reader: Reader, into: np.void, maximum: int) -> None:
    into["order_id"] = reader.integer("id", 1, maximum, f"a whole number from 1 to {maximum}")


def _account(reader: Reader, into: np.void) -> None:
    expected = f"a whole number from 1 to {ACCOUNT_MAX}"
    into["account"] = reader.integer("account", 1, ACCOUNT_MAX, expected)


def _ticks(reader: Reader, key: str, instrument: Instrument | None) -> int:
    return reader.steps(key, instrument.tick_size if instrument else _UNIT, PRICE_TICKS_MAX)


def _lots(reader: Reader, key: str, instrument: Instrument | None) -> int:
    return reader.steps(key, instrument.lot_size if instrument else _UNIT, QTY_LOTS_MAX)


def _given(value: int) -> int:
    return value if value > 0 else INVALID


def format_command(command: np.void, instruments: InstrumentTable) -> bytes:
    """One line, without its newline; the inverse of ``parse_command`` for what it accepts."""
    operation = int(command["op"])
    line: dict[str, Any] = {"op": OP_NAMES.get(operation, f"op_{operation}")}
    if operation in _FORMATTERS:
        _FORMATTERS[operation](command, instruments, line)
    if command["ts"]:
        line["ts"] = int(command["ts"])
    return orjson.dumps(line)


def symbol_text(index: int, instruments: InstrumentTable) -> str:
    """The symbol of an index; ``?`` and the index when no instrument has it."""
    return instruments.at(index).name if index < len(instruments) else f"?{index}"


def ticks_text(ticks: int, index: int, instruments: InstrumentTable) -> str:
    """A price of that symbol as a decimal; bare ticks when the symbol is unknown."""
    return instruments.at(index).price_text(ticks) if index < len(instruments) else str(ticks)


def lots_text(lots: int, index: int, instruments: InstrumentTable) -> str:
    """A quantity of that symbol as a decimal; bare lots when the symbol is unknown."""
    return instruments.at(index).qty_text(lots) if index < len(instruments) else str(lots)


def symbol_name(first: int, second: int) -> str:
    """The symbol's name that an instrument command carries in two words of eight bytes."""
    packed = np.array([first, second], "<i8").tobytes()
    return packed.rstrip(b"\0").decode("ascii", "replace")


def grid_text(steps: int) -> str:
    """A tick or lot size in 1e-12 as a decimal."""
    return from_grid(steps, Decimal(1) / GRID_SCALE)


def _format_place(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(command["symbol"])
    _format_names(command, instruments, line)
    line["side"] = SIDE_NAMES[int(command["side"])]
    line["type"] = TYPE_NAMES[int(command["order_type"])]
    line["tif"] = TIF_NAMES[int(command["tif"])]
    if command["price"]:
        line["price"] = ticks_text(int(command["price"]), symbol, instruments)
    line["qty"] = lots_text(int(command["qty"]), symbol, instruments)
    if command["stop_price"]:
        line["stop_price"] = ticks_text(int(command["stop_price"]), symbol, instruments)
    if command["display_qty"]:
        line["display_qty"] = lots_text(int(command["display_qty"]), symbol, instruments)
    if command["expires"]:
        line["expires"] = int(command["expires"])
    for flag, key in _PLACE_FLAGS:
        if int(command["flags"]) & flag:
            line[key] = True
    if command["stp"]:
        line["stp"] = STP_NAMES[int(command["stp"])]
    if command["cause"]:
        line["cause"] = int(command["cause"])


_PLACE_FLAGS: Final = (
    (FLAG_POST_ONLY, "post_only"),
    (FLAG_REDUCE_ONLY, "reduce_only"),
    (FLAG_LIQUIDATION, "liquidation"),
)


def _format_names(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["symbol"] = symbol_text(int(command["symbol"]), instruments)
    line["id"] = int(command["order_id"])
    line["account"] = int(command["account"])


def _format_amend(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(command["symbol"])
    _format_names(command, instruments, line)
    if int(command["price"]) != UNCHANGED:
        line["price"] = ticks_text(int(command["price"]), symbol, instruments)
    if int(command["qty"]) != UNCHANGED:
        line["qty"] = lots_text(int(command["qty"]), symbol, instruments)


def _format_cancel_all(
    command: np.void, instruments: InstrumentTable, line: dict[str, Any]
) -> None:
    line["account"] = int(command["account"])
    if int(command["symbol"]) != ALL_SYMBOLS:
        line["symbol"] = symbol_text(int(command["symbol"]), instruments)


def _format_price(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(command["symbol"])
    line["symbol"] = symbol_text(symbol, instruments)
    line["price"] = ticks_text(int(command["price"]), symbol, instruments)
    if command["qty"]:
        line["qty"] = lots_text(int(command["qty"]), symbol, instruments)


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


def _format_instrument(
    command: np.void, instruments: InstrumentTable, line: dict[str, Any]
) -> None:
    line["symbol"] = symbol_name(int(command["account"]), int(command["order_id"]))
    line["index"] = int(command["symbol"])
    line["tick_size"] = grid_text(int(command["price"]))
    line["lot_size"] = grid_text(int(command["qty"]))
    line["maker_fee_ppm"] = int(command["display_qty"])
    line["taker_fee_ppm"] = int(command["expires"])
    line["max_leverage"] = int(command["leverage"])


def _format_tier(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["symbol"] = symbol_text(int(command["symbol"]), instruments)
    line["tier"] = int(command["order_id"])
    line["notional_floor"] = money_to_text(int(command["price"]))
    line["maintenance_ppm"] = int(command["qty"])


def _format_rule(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["version"] = int(command["order_id"])
    line["liquidation_fee_ppm"] = int(command["price"])
    line["at_risk_ppm"] = int(command["qty"])
    line["insurance_fund"] = money_to_text(int(command["stop_price"]))


def _format_snapshot(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["id"] = int(command["order_id"])


_Formatter = Callable[[np.void, InstrumentTable, dict[str, Any]], None]
_FORMATTERS: Final[dict[int, _Formatter]] = {
    OP_PLACE: _format_place,
    OP_CANCEL: _format_names,
    OP_AMEND: _format_amend,
    OP_CANCEL_ALL: _format_cancel_all,
    OP_PRICE: _format_price,
    OP_ACCOUNT: _format_account,
    OP_DEPOSIT: _format_transfer,
    OP_WITHDRAW: _format_transfer,
    OP_POSITION: _format_position,
    OP_INSTRUMENT: _format_instrument,
    OP_MARGIN_TIER: _format_tier,
    OP_RISK_RULE: _format_rule,
    OP_SNAPSHOT: _format_snapshot,
}
