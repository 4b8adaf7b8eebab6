"""Depth, books on demand, capacity and shards as JSON lines and back.

{"op":"book","symbol":"BTCUSDT","id":1,"rows":"levels","count":20}     rows: levels or orders
{"op":"capacity","orders":1000000,"positions":2000000,"symbols":128}        symbols optional
{"op":"shards","count":2}

{"seq":7,"event":"depth","symbol":"BTCUSDT","number":12,"side":"buy","price":"100","qty":"2"}
{"seq":8,"event":"book_row","symbol":"BTCUSDT","side":"buy","price":"100","qty":"2"}
    of an order also: "id" and "account"
{"seq":8,"event":"book","symbol":"BTCUSDT","id":1,"rows":"levels","bids":1,"asks":0,"depth":12}
{"seq":9,"event":"capacity","orders":1000000,"positions":2000000}
{"seq":9,"event":"shards","count":2}
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from components.instruments import InstrumentTable
from components.messages.code import BOOK_NAMES, SIDE_NAMES, by_name
from components.messages.command import BOOK_ROWS_MAX
from components.messages.command_fields import (
    lots_text,
    read_lots,
    read_order_id,
    read_symbol,
    read_ticks,
    symbol_text,
    ticks_text,
)
from components.messages.json_lines import INT64_MAX, Reader
from components.units import ORDER_ID_MAX

_ROWS: Final = by_name(BOOK_NAMES)
_SIDES: Final = by_name(SIDE_NAMES)
_COUNT: Final = "how many, as a whole number"


def parse_book(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A book command."""
    read_symbol(reader, instruments, into)
    read_order_id(reader, into, ORDER_ID_MAX)
    into["side"] = reader.name("rows", _ROWS, "levels")
    into["qty"] = reader.integer("count", 1, BOOK_ROWS_MAX, f"from 1 to {BOOK_ROWS_MAX}")


def format_book(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A book command."""
    line["symbol"] = symbol_text(int(command["symbol"]), instruments)
    line["id"] = int(command["order_id"])
    line["rows"] = BOOK_NAMES.get(int(command["side"]), "?")
    line["count"] = int(command["qty"])


def parse_capacity(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A capacity command or event."""
    into["price"] = reader.integer("orders", 1, INT64_MAX, _COUNT)
    into["qty"] = reader.integer("positions", 1, INT64_MAX, _COUNT)
    if reader.has("symbols"):
        into["order_id"] = reader.integer("symbols", 1, INT64_MAX, _COUNT)


def format_capacity(record: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A capacity command or event."""
    line["orders"] = int(record["price"])
    line["positions"] = int(record["qty"])
    if record["order_id"]:
        line["symbols"] = int(record["order_id"])


def parse_shards(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A shards command or event."""
    into["qty"] = reader.integer("count", 1, INT64_MAX, _COUNT)


def format_shards(record: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A shards command or event."""
    line["count"] = int(record["qty"])


def format_depth(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A depth event."""
    line["symbol"] = symbol_text(int(event["symbol"]), instruments)
    line["number"] = int(event["order_id"])
    _format_level(event, instruments, line)


def parse_depth(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A depth event."""
    into["order_id"] = reader.integer("number", 1, INT64_MAX, "a depth event's number")
    _parse_level(reader, instruments, into)


def format_row(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A row of a book."""
    line["symbol"] = symbol_text(int(event["symbol"]), instruments)
    if event["order_id"]:
        line["id"] = int(event["order_id"])
        line["account"] = int(event["account"])
    _format_level(event, instruments, line)


def parse_row(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """A row of a book."""
    if reader.has("id"):
        into["order_id"] = reader.integer("id", 1, INT64_MAX, "an order's id")
        into["account"] = reader.integer("account", 1, INT64_MAX, "an account's number")
    _parse_level(reader, instruments, into)


def format_book_end(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """The end of a book's rows."""
    line["symbol"] = symbol_text(int(event["symbol"]), instruments)
    line["id"] = int(event["order_id"])
    line["rows"] = BOOK_NAMES[int(event["side"])]
    line["bids"] = int(event["price"])
    line["asks"] = int(event["qty"])
    line["depth"] = int(event["maker_order_id"])


def parse_book_end(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    """The end of a book's rows."""
    read_symbol(reader, instruments, into)
    into["order_id"] = reader.integer("id", 0, INT64_MAX, "the request's number")
    into["side"] = reader.name("rows", _ROWS)
    for key, field in (("bids", "price"), ("asks", "qty"), ("depth", "maker_order_id")):
        into[field] = reader.integer(key, 0, INT64_MAX, _COUNT)


def _format_level(event: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(event["symbol"])
    line["side"] = SIDE_NAMES[int(event["side"])]
    line["price"] = ticks_text(int(event["price"]), symbol, instruments)
    line["qty"] = lots_text(int(event["qty"]), symbol, instruments)


def _parse_level(reader: Reader, instruments: InstrumentTable, into: np.void) -> None:
    instrument = read_symbol(reader, instruments, into)
    into["side"] = reader.name("side", _SIDES)
    into["price"] = read_ticks(reader, "price", instrument)
    into["qty"] = read_lots(reader, "qty", instrument)
