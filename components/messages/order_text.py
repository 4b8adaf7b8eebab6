"""Orders as JSON lines and back: place, replace and bracket.

{"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"buy","type":"limit","tif":"gtc",
 "price":"100.5","qty":"2"}            type and tif have these defaults
    any type      display_qty hidden reduce_only stp expires liquidation
                  post_only: true, or "slide" to rest one tick short of taking
                  oco: the id of another open order; one cancels the other
    market        price: the worst one   amount in place of qty: what may be paid or received
    stop, stop_limit                     stop_price
    trailing_stop, trailing_stop_limit   trail (a distance) or trail_ppm; limit_offset
{"op":"replace", … ,"replaces":1}      as place, for one that ends the order 1
{"op":"bracket", … ,"take_profit":"110","take_profit_id":2,"stop_price":"95","stop_id":3,
 "stop_limit":"94"}                    as place, for a limit or market order with its exits
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from components.instruments import Instrument, InstrumentTable
from components.messages.code import (
    FLAG_BY_AMOUNT,
    FLAG_HIDDEN,
    FLAG_LIQUIDATION,
    FLAG_OCO,
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    FLAG_SLIDE,
    FLAG_TRAIL_PPM,
    OP_REPLACE,
    SIDE_NAMES,
    STP_NAMES,
    TIF_GTD,
    TIF_NAMES,
    TYPE_LIMIT,
    TYPE_MARKET,
    TYPE_NAMES,
    TYPE_STOP,
    TYPE_STOP_LIMIT,
    TYPE_TRAILING_STOP,
    TYPE_TRAILING_STOP_LIMIT,
    by_name,
)
from components.messages.command_fields import (
    format_names,
    given,
    lots_text,
    read_account,
    read_id,
    read_lots,
    read_money,
    read_order_id,
    read_symbol,
    read_ticks,
    ticks_text,
)
from components.messages.json_lines import INT64_MAX, Reader
from components.units import ORDER_ID_MAX, PPM, money_to_text

CLIENT_ORDER_ID_MAX: Final = 2**61 - 1
"""Ids above it belong to Sentinel's liquidation orders."""

_SIDES: Final = by_name(SIDE_NAMES)
_TYPES: Final = by_name(TYPE_NAMES)
_TIFS: Final = by_name(TIF_NAMES)
_STPS: Final = by_name(STP_NAMES)
_TRAILING: Final = (TYPE_TRAILING_STOP, TYPE_TRAILING_STOP_LIMIT)
_POST_ONLY: Final = {False: 0, True: FLAG_POST_ONLY, "slide": FLAG_POST_ONLY | FLAG_SLIDE}


def parse_place(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """An order by itself, or with the one that cancels it."""
    instrument = read_symbol(reader, instruments, into)
    liquidation = reader.flag("liquidation")
    _parse_order(reader, instrument, into, ORDER_ID_MAX if liquidation else CLIENT_ORDER_ID_MAX)
    if liquidation:
        into["flags"] = int(into["flags"]) | FLAG_LIQUIDATION
    if reader.has("cause"):
        into["cause"] = reader.integer("cause", 0, INT64_MAX, "a command's sequence")
    if reader.has("oco"):
        into["flags"] = int(into["flags"]) | FLAG_OCO
        into["cause"] = read_id(reader, "oco", ORDER_ID_MAX)


def parse_replace(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """An order in place of another."""
    instrument = read_symbol(reader, instruments, into)
    _parse_order(reader, instrument, into, CLIENT_ORDER_ID_MAX)
    into["cause"] = read_id(reader, "replaces", ORDER_ID_MAX)


def parse_bracket(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """An entry with one or two exits."""
    instrument = read_symbol(reader, instruments, into)
    read_order_id(reader, into, CLIENT_ORDER_ID_MAX)
    read_account(reader, into)
    _parse_kind(reader, into)
    into["qty"] = read_lots(reader, "qty", instrument)
    _parse_price(reader, instrument, into)
    into["flags"] = _flags(reader)
    has_profit = reader.has("take_profit") or reader.has("take_profit_id")
    has_stop = reader.has("stop_price") or reader.has("stop_id")
    if has_profit or not has_stop:
        into["display_qty"] = given(read_ticks(reader, "take_profit", instrument))
        into["origin_ts"] = read_id(reader, "take_profit_id", CLIENT_ORDER_ID_MAX)
    if has_stop:
        into["stop_price"] = given(read_ticks(reader, "stop_price", instrument))
        into["cause"] = read_id(reader, "stop_id", CLIENT_ORDER_ID_MAX)
        if reader.has("stop_limit"):
            into["expires"] = given(read_ticks(reader, "stop_limit", instrument))


def _parse_order(
    reader: Reader, instrument: Instrument | None, into: np.void, highest_id: int
) -> None:
    read_order_id(reader, into, highest_id)
    read_account(reader, into)
    _parse_kind(reader, into)
    flags = _flags(reader)
    if int(into["order_type"]) == TYPE_MARKET and reader.has("amount"):
        flags |= FLAG_BY_AMOUNT
        into["qty"] = read_money(reader, "amount")
    else:
        into["qty"] = read_lots(reader, "qty", instrument)
    into["flags"] = flags
    _parse_price(reader, instrument, into)
    _parse_stop(reader, instrument, into)
    if reader.has("display_qty"):
        into["display_qty"] = given(read_lots(reader, "display_qty", instrument))
    if reader.has("expires") or int(into["tif"]) == TIF_GTD:
        expected = "the time at which it ends, in nanoseconds since the epoch"
        into["expires"] = given(reader.integer("expires", -INT64_MAX, INT64_MAX, expected))


def _parse_kind(reader: Reader, into: np.void) -> None:
    into["side"] = reader.name("side", _SIDES)
    into["order_type"] = reader.name("type", _TYPES, "limit")
    into["tif"] = reader.name("tif", _TIFS, "gtc")
    into["stp"] = reader.name("stp", _STPS, "none")


def _flags(reader: Reader) -> int:
    flags = reader.choice("post_only", _POST_ONLY, 'true, false or "slide"')
    flags |= FLAG_REDUCE_ONLY if reader.flag("reduce_only") else 0
    return flags | (FLAG_HIDDEN if reader.flag("hidden") else 0)


def _parse_price(reader: Reader, instrument: Instrument | None, into: np.void) -> None:
    kind = int(into["order_type"])
    if kind == TYPE_TRAILING_STOP_LIMIT:
        into["price"] = read_ticks(reader, "limit_offset", instrument)
    elif reader.has("price") or kind in (TYPE_LIMIT, TYPE_STOP_LIMIT):
        into["price"] = given(read_ticks(reader, "price", instrument))


def _parse_stop(reader: Reader, instrument: Instrument | None, into: np.void) -> None:
    kind = int(into["order_type"])
    if kind in _TRAILING:
        if reader.has("trail_ppm"):
            expected = f"a whole number from 1 to {PPM}"
            into["stop_price"] = reader.integer("trail_ppm", 1, PPM, expected)
            into["flags"] = int(into["flags"]) | FLAG_TRAIL_PPM
        else:
            into["stop_price"] = given(read_ticks(reader, "trail", instrument))
    elif reader.has("stop_price") or kind in (TYPE_STOP, TYPE_STOP_LIMIT):
        into["stop_price"] = given(read_ticks(reader, "stop_price", instrument))


def format_place(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A place or replace command."""
    symbol, flags = int(command["symbol"]), int(command["flags"])
    _format_kind(command, instruments, line)
    if flags & FLAG_BY_AMOUNT:
        line["amount"] = money_to_text(int(command["qty"]))
    else:
        line["qty"] = lots_text(int(command["qty"]), symbol, instruments)
    if command["stop_price"]:
        distance = int(command["stop_price"])
        if int(command["order_type"]) not in _TRAILING:
            line["stop_price"] = ticks_text(distance, symbol, instruments)
        elif flags & FLAG_TRAIL_PPM:
            line["trail_ppm"] = distance
        else:
            line["trail"] = ticks_text(distance, symbol, instruments)
    if command["display_qty"]:
        line["display_qty"] = lots_text(int(command["display_qty"]), symbol, instruments)
    if command["expires"]:
        line["expires"] = int(command["expires"])
    _format_flags(command, line)
    if command["cause"]:
        linked = "oco" if flags & FLAG_OCO else "cause"
        line["replaces" if command["op"] == OP_REPLACE else linked] = int(command["cause"])


def format_bracket(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A bracket command."""
    symbol = int(command["symbol"])
    _format_kind(command, instruments, line)
    line["qty"] = lots_text(int(command["qty"]), symbol, instruments)
    _format_flags(command, line)
    if command["origin_ts"]:
        line["take_profit"] = ticks_text(int(command["display_qty"]), symbol, instruments)
        line["take_profit_id"] = int(command["origin_ts"])
    if command["cause"]:
        line["stop_price"] = ticks_text(int(command["stop_price"]), symbol, instruments)
        line["stop_id"] = int(command["cause"])
    if command["expires"]:
        line["stop_limit"] = ticks_text(int(command["expires"]), symbol, instruments)


def _format_kind(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    format_names(command, instruments, line)
    kind = int(command["order_type"])
    line["side"] = SIDE_NAMES.get(int(command["side"]), "?")
    line["type"] = TYPE_NAMES.get(kind, "?")
    line["tif"] = TIF_NAMES.get(int(command["tif"]), "?")
    if command["price"] or kind == TYPE_TRAILING_STOP_LIMIT:
        key = "limit_offset" if kind == TYPE_TRAILING_STOP_LIMIT else "price"
        line[key] = ticks_text(int(command["price"]), int(command["symbol"]), instruments)


def _format_flags(command: np.void, line: dict[str, Any]) -> None:
    flags = int(command["flags"])
    if flags & FLAG_POST_ONLY:
        line["post_only"] = "slide" if flags & FLAG_SLIDE else True
    for flag, key in _PLAIN_FLAGS:
        if flags & flag:
            line[key] = True
    if command["stp"]:
        line["stp"] = STP_NAMES.get(int(command["stp"]), "?")


_PLAIN_FLAGS: Final = (
    (FLAG_REDUCE_ONLY, "reduce_only"),
    (FLAG_LIQUIDATION, "liquidation"),
    (FLAG_HIDDEN, "hidden"),
)
