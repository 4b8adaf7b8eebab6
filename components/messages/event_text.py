"""Events as JSON lines and back: what Titan answers, in the shape that every tool agrees on.

    {"seq":1,"event":"accepted","symbol":"BTCUSDT","id":1,"account":7}
    {"seq":2,"event":"trade","symbol":"BTCUSDT","price":"100.5","qty":"2","taker":2,
     "taker_account":8,"maker":1,"maker_account":7,"side":"sell"}
    {"seq":3,"event":"cancelled","symbol":"BTCUSDT","id":3,"account":7,"qty":"1","reason":"user"}
    {"seq":4,"event":"amended","symbol":"BTCUSDT","id":1,"account":7,"price":"101","qty":"3"}
    {"seq":5,"event":"triggered","symbol":"BTCUSDT","id":5,"account":7}
    {"seq":6,"event":"rejected","id":9,"account":7,"reason":"unknown_order"}
    {"seq":6,"event":"armed","symbol":"BTCUSDT","id":5,"account":7,"price":"101","qty":"3"}
    {"seq":6,"event":"mass_cancelled","account":7,"symbol":"BTCUSDT","side":"both","count":3}
    {"seq":7,"event":"touch","symbol":"BTCUSDT","bid":"100","bid_qty":"2","ask":null,"ask_qty":"0"}
    {"seq":7,"event":"depth", …}   {"seq":8,"event":"book_row", …}              see depth_text.py

An order that slides says at what ``price`` it rests when it is accepted; what a market order by
amount did not spend is cancelled as ``amount``, in place of ``qty``.
Commands that are passed through are written as their command is, with ``seq`` and ``event`` in
front in place of ``op``.  The complete form appends what the short one leaves out and is not zero:
a trade's ``taker_fee`` and ``maker_fee``, the order's flags, and ``ts``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import numpy as np
import orjson

from components.instruments import InstrumentTable
from components.messages.code import (
    EVENT_ACCEPTED,
    EVENT_AMENDED,
    EVENT_ARMED,
    EVENT_BOOK,
    EVENT_BOOK_ROW,
    EVENT_CANCELLED,
    EVENT_CAPACITY,
    EVENT_DELEVERAGE,
    EVENT_DEPTH,
    EVENT_MARGIN,
    EVENT_MASS_CANCELLED,
    EVENT_NAMES,
    EVENT_OF_OP,
    EVENT_OF_RISK_OP,
    EVENT_PRICE,
    EVENT_REJECTED,
    EVENT_RISK_CAPACITY,
    EVENT_RISK_GATE,
    EVENT_SESSION_END,
    EVENT_SHARDS,
    EVENT_TOUCH,
    EVENT_TRADE,
    EVENT_TRIGGERED,
    FLAG_BY_AMOUNT,
    FLAG_HIDDEN,
    FLAG_LIQUIDATION,
    FLAG_OCO,
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    FLAG_SLIDE,
    FLAG_TRAIL_PPM,
    REASON_NAMES,
    SIDE_NAMES,
    SIDES_NAMES,
    by_name,
)
from components.messages.command import ALL_SYMBOLS, COMMAND
from components.messages.command_fields import lots_text, read_money, symbol_text, ticks_text
from components.messages.command_text import format_command, parse_command
from components.messages.depth_text import (
    format_book_end,
    format_capacity,
    format_depth,
    format_row,
    format_shards,
    parse_book_end,
    parse_capacity,
    parse_depth,
    parse_row,
    parse_shards,
)
from components.messages.json_lines import INT64_MAX, Reader, read_object
from components.units import (
    MONEY_MAX,
    MONEY_SCALE,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    TIMESTAMP_MAX,
    money_to_text,
)

_CENT: Final = Decimal(1) / MONEY_SCALE
_FLAGS: Final = (
    (FLAG_POST_ONLY, "post_only"),
    (FLAG_REDUCE_ONLY, "reduce_only"),
    (FLAG_LIQUIDATION, "liquidation"),
    (FLAG_SLIDE, "slide"),
    (FLAG_HIDDEN, "hidden"),
    (FLAG_TRAIL_PPM, "trail_ppm"),
    (FLAG_OCO, "oco"),
    (FLAG_BY_AMOUNT, "by_amount"),
)
_SIDES: Final = by_name(SIDE_NAMES)
_REASONS: Final = by_name(REASON_NAMES)
_EVENTS: Final = by_name(EVENT_NAMES)
_ALL_SIDES: Final = by_name(SIDES_NAMES)

CARRIED: Final = (
    ("account", "account"),
    ("order_id", "order_id"),
    ("price", "price"),
    ("qty", "qty"),
    ("symbol", "symbol"),
    ("side", "side"),
    ("flags", "flags"),
    ("leverage", "leverage"),
    ("stop_price", "maker_account"),
    ("display_qty", "maker_order_id"),
    ("expires", "taker_fee"),
    ("origin_ts", "maker_fee"),
)
"""Where an event keeps what a command had, for kinds that are passed through."""


_CARRIED_KINDS: Final = frozenset(
    (
        *range(EVENT_PRICE, EVENT_SESSION_END + 1),
        *range(EVENT_DELEVERAGE, EVENT_MARGIN + 1),
        EVENT_RISK_CAPACITY,
        EVENT_RISK_GATE,
    )
)


def is_carried(kind: int) -> bool:
    """Whether events of this kind repeat a command."""
    return kind in _CARRIED_KINDS


def command_behind(event: np.void) -> np.void:
    """The command that a passed-through event repeats; its ``ts`` is the event's."""
    command: np.void = np.zeros(1, COMMAND)[0]
    kind = int(event["kind"])
    command["op"] = kind - (EVENT_OF_OP if kind < EVENT_DELEVERAGE else EVENT_OF_RISK_OP)
    command["ts"] = event["ts"]
    for name, kept in CARRIED:
        command[name] = event[kept]
    return command


def format_event(event: np.void, instruments: InstrumentTable, *, complete: bool = False) -> bytes:
    """One line, without its newline; ``complete`` adds fees, flags and the time."""
    kind = int(event["kind"])
    line: dict[str, Any] = {
        "seq": int(event["seq"]),
        "event": EVENT_NAMES.get(kind, f"kind_{kind}"),
    }
    if is_carried(kind):
        carried = orjson.loads(format_command(command_behind(event), instruments))
        line.update({key: carried[key] for key in carried if key not in ("op", "ts")})
    else:
        _FORMATTERS.get(kind, _format_nothing)(event, instruments, line)
        if complete:
            _format_rest(event, line)
    if complete and event["ts"]:
        line["ts"] = int(event["ts"])
    return orjson.dumps(line)


def _format_nothing(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A void event has no fields."""


def _format_names(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["symbol"] = symbol_text(int(event["symbol"]), instruments)
    line["id"] = int(event["order_id"])
    line["account"] = int(event["account"])


def _format_accepted(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    _format_names(event, instruments, line)
    if int(event["flags"]) & FLAG_SLIDE:
        line["price"] = ticks_text(int(event["price"]), int(event["symbol"]), instruments)


def _format_trade(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(event["symbol"])
    line["symbol"] = symbol_text(symbol, instruments)
    line["price"] = ticks_text(int(event["price"]), symbol, instruments)
    line["qty"] = lots_text(int(event["qty"]), symbol, instruments)
    line["taker"] = int(event["order_id"])
    line["taker_account"] = int(event["account"])
    line["maker"] = int(event["maker_order_id"])
    line["maker_account"] = int(event["maker_account"])
    line["side"] = SIDE_NAMES[int(event["side"])]


def _format_cancelled(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    _format_names(event, instruments, line)
    if int(event["flags"]) & FLAG_BY_AMOUNT:
        line["amount"] = money_to_text(int(event["qty"]))
    else:
        line["qty"] = lots_text(int(event["qty"]), int(event["symbol"]), instruments)
    line["reason"] = REASON_NAMES[int(event["reason"])]


def _format_amended(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(event["symbol"])
    _format_names(event, instruments, line)
    line["price"] = ticks_text(int(event["price"]), symbol, instruments)
    line["qty"] = lots_text(int(event["qty"]), symbol, instruments)


def _format_armed(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(event["symbol"])
    _format_names(event, instruments, line)
    if event["price"]:
        line["price"] = ticks_text(int(event["price"]), symbol, instruments)
    line["qty"] = lots_text(int(event["qty"]), symbol, instruments)


def _format_rejected(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["id"] = int(event["order_id"])
    line["account"] = int(event["account"])
    line["reason"] = REASON_NAMES[int(event["reason"])]


def _format_mass(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    if event["account"]:
        line["account"] = int(event["account"])
    if int(event["symbol"]) != ALL_SYMBOLS:
        line["symbol"] = symbol_text(int(event["symbol"]), instruments)
    line["side"] = SIDES_NAMES[int(event["side"])]
    line["count"] = int(event["qty"])


def _format_touch(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(event["symbol"])
    line["symbol"] = symbol_text(symbol, instruments)
    sides = (
        ("bid", int(event["price"]), int(event["qty"])),
        ("ask", int(event["maker_account"]), int(event["maker_order_id"])),
    )
    for name, price, qty in sides:
        line[name] = ticks_text(price, symbol, instruments) if qty else None
        line[f"{name}_qty"] = lots_text(qty, symbol, instruments)


def _format_rest(event: np.void, line: dict[str, Any]) -> None:
    kind = int(event["kind"])
    if kind == EVENT_TRADE:
        for key in ("taker_fee", "maker_fee"):
            if event[key]:
                line[key] = money_to_text(int(event[key]))
    if kind in (EVENT_TRADE, EVENT_ACCEPTED):
        line.update({key: True for flag, key in _FLAGS if int(event["flags"]) & flag})


_Formatter = Callable[[np.void, InstrumentTable, dict[str, Any]], None]
_FORMATTERS: Final[dict[int, _Formatter]] = {
    EVENT_ACCEPTED: _format_accepted,
    EVENT_TRADE: _format_trade,
    EVENT_CANCELLED: _format_cancelled,
    EVENT_AMENDED: _format_amended,
    EVENT_TRIGGERED: _format_names,
    EVENT_REJECTED: _format_rejected,
    EVENT_TOUCH: _format_touch,
    EVENT_ARMED: _format_armed,
    EVENT_MASS_CANCELLED: _format_mass,
    EVENT_DEPTH: format_depth,
    EVENT_BOOK_ROW: format_row,
    EVENT_BOOK: format_book_end,
    EVENT_CAPACITY: format_capacity,
    EVENT_SHARDS: format_shards,
}


def parse_event(line: bytes, instruments: InstrumentTable, into: np.void, place: str) -> None:
    """Fill ``into``, one zeroed EVENT record, from one line of either form.

    ``index`` is not in the text; the caller counts the events of one ``seq`` if it needs it.
    Raises TextError when the line is malformed.
    """
    values = read_object(line, place)
    reader = Reader(values, place)
    kind = reader.name("event", {name: code for name, code in _EVENTS.items() if code in _READABLE})
    into["kind"] = kind
    into["seq"] = reader.integer("seq", 0, INT64_MAX, "the sequence of a command")
    if is_carried(kind):
        _parse_carried(values, kind, instruments, into, place)
        return
    if reader.has("ts"):
        into["ts"] = reader.integer("ts", 0, TIMESTAMP_MAX, "nanoseconds since the epoch")
    _PARSERS[kind](reader, instruments, into)
    if kind in (EVENT_TRADE, EVENT_ACCEPTED):
        told = sum(flag for flag, key in _FLAGS if reader.flag(key))
        into["flags"] = int(into["flags"]) | told
    reader.finish()


def _parse_carried(
    values: dict[str, Any], kind: int, instruments: InstrumentTable, into: np.void, place: str
) -> None:
    own = ("seq", "event")
    rest = {key: value for key, value in values.items() if key not in own}
    command = np.zeros(1, COMMAND)[0]
    parse_command(orjson.dumps({"op": EVENT_NAMES[kind], **rest}), instruments, command, place)
    into["ts"] = command["ts"]
    for name, kept in CARRIED:
        into[kept] = command[name]


def _parse_names(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _parse_symbol(reader, instruments, into)
    _parse_owner(reader, into)


def _parse_owner(reader: Reader, into: np.void) -> None:
    into["order_id"] = reader.integer("id", 0, INT64_MAX, "an order's id")
    into["account"] = reader.integer("account", 0, INT64_MAX, "an account's number")


def _parse_symbol(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    codes = {name: instrument.index for name, instrument in instruments.items()}
    into["symbol"] = reader.name("symbol", codes)


def _parse_price(reader: Reader, key: str, instruments: InstrumentTable, symbol: int) -> int:
    return reader.steps(key, instruments.at(symbol).tick_size, PRICE_TICKS_MAX)


def _parse_qty(reader: Reader, key: str, instruments: InstrumentTable, symbol: int) -> int:
    return reader.steps(key, instruments.at(symbol).lot_size, QTY_LOTS_MAX)


def _parse_accepted(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _parse_names(reader, instruments, into)
    if reader.has("price"):
        into["price"] = _parse_price(reader, "price", instruments, int(into["symbol"]))
        into["flags"] = FLAG_SLIDE


def _parse_trade(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _parse_symbol(reader, instruments, into)
    symbol = int(into["symbol"])
    into["price"] = _parse_price(reader, "price", instruments, symbol)
    into["qty"] = _parse_qty(reader, "qty", instruments, symbol)
    names = (("taker", "order_id"), ("taker_account", "account"))
    for key, field in (*names, ("maker", "maker_order_id"), ("maker_account", "maker_account")):
        into[field] = reader.integer(key, 1, INT64_MAX, "a whole number from 1")
    into["side"] = reader.name("side", _SIDES)
    for key in ("taker_fee", "maker_fee"):
        if reader.has(key):
            into[key] = reader.steps(key, _CENT, MONEY_MAX)


def _parse_cancelled(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _parse_names(reader, instruments, into)
    if reader.has("amount"):
        into["flags"] = FLAG_BY_AMOUNT
        into["qty"] = read_money(reader, "amount")
    else:
        into["qty"] = _parse_qty(reader, "qty", instruments, int(into["symbol"]))
    into["reason"] = reader.name("reason", _REASONS)


def _parse_amended(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _parse_names(reader, instruments, into)
    into["price"] = _parse_price(reader, "price", instruments, int(into["symbol"]))
    into["qty"] = _parse_qty(reader, "qty", instruments, int(into["symbol"]))


def _parse_armed(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _parse_names(reader, instruments, into)
    if reader.has("price"):
        into["price"] = _parse_price(reader, "price", instruments, int(into["symbol"]))
    into["qty"] = _parse_qty(reader, "qty", instruments, int(into["symbol"]))


def _parse_rejected(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _parse_owner(reader, into)
    into["reason"] = reader.name("reason", _REASONS)


def _parse_mass(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    into["symbol"] = ALL_SYMBOLS
    if reader.has("symbol"):
        _parse_symbol(reader, instruments, into)
    if reader.has("account"):
        into["account"] = reader.integer("account", 1, INT64_MAX, "an account's number")
    into["side"] = reader.name("side", _ALL_SIDES)
    into["qty"] = reader.integer("count", 0, INT64_MAX, "how many orders were cancelled")


def _parse_touch(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    _parse_symbol(reader, instruments, into)
    symbol = int(into["symbol"])
    fields = (("bid", "price", "qty"), ("ask", "maker_account", "maker_order_id"))
    for name, price, qty in fields:
        into[qty] = _parse_qty(reader, f"{name}_qty", instruments, symbol)
        if into[qty] or not reader.is_null(name):
            into[price] = _parse_price(reader, name, instruments, symbol)


_Parser = Callable[[Reader, InstrumentTable, np.void], None]
_PARSERS: Final[dict[int, _Parser]] = {
    EVENT_ACCEPTED: _parse_accepted,
    EVENT_TRADE: _parse_trade,
    EVENT_CANCELLED: _parse_cancelled,
    EVENT_AMENDED: _parse_amended,
    EVENT_TRIGGERED: _parse_names,
    EVENT_REJECTED: _parse_rejected,
    EVENT_TOUCH: _parse_touch,
    EVENT_ARMED: _parse_armed,
    EVENT_MASS_CANCELLED: _parse_mass,
    EVENT_DEPTH: parse_depth,
    EVENT_BOOK_ROW: parse_row,
    EVENT_BOOK: parse_book_end,
    EVENT_CAPACITY: parse_capacity,
    EVENT_SHARDS: parse_shards,
}
_CARRIED_READABLE: Final = (
    "price",
    "account",
    "deposit",
    "withdraw",
    "position",
    "snapshot",
    "timer",
    "instrument",
    "limits",
    "phase",
    "session_end",
    "deleverage",
    "funding",
    "resume",
    "leverage",
    "margin",
    "risk_gate",
    "risk_capacity",
)
_READABLE: Final = {*_PARSERS, *(_EVENTS[name] for name in _CARRIED_READABLE)}
