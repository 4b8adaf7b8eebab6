"""The fields that commands share, as text and back: symbols, names of orders, prices, quantities."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import numpy as np

from components.instruments import Instrument, InstrumentTable
from components.messages.command import UNKNOWN_SYMBOL
from components.messages.json_lines import INVALID, Reader
from components.units import (
    ACCOUNT_MAX,
    GRID_SCALE,
    MONEY_MAX,
    MONEY_SCALE,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    from_grid,
)

_UNIT: Final = Decimal(1)
_CENT: Final = Decimal(1) / MONEY_SCALE


def read_symbol(reader: Reader, instruments: InstrumentTable, into: np.void) -> Instrument | None:
    """Its instrument; None, and UNKNOWN_SYMBOL in the command, when no instrument has the name."""
    name = reader.text("symbol", 'a symbol, e.g. "BTCUSDT"')
    instrument = instruments.get(name)
    into["symbol"] = UNKNOWN_SYMBOL if instrument is None else instrument.index
    return instrument


def read_order_id(reader: Reader, into: np.void, maximum: int) -> None:
    """The order's own id."""
    into["order_id"] = read_id(reader, "id", maximum)


def read_id(reader: Reader, key: str, maximum: int) -> int:
    """Any id."""
    return reader.integer(key, 1, maximum, f"a whole number from 1 to {maximum}")


def read_account(reader: Reader, into: np.void) -> None:
    """Whose it is."""
    expected = f"a whole number from 1 to {ACCOUNT_MAX}"
    into["account"] = reader.integer("account", 1, ACCOUNT_MAX, expected)


def read_ticks(reader: Reader, key: str, instrument: Instrument | None) -> int:
    """A price; INVALID when off the grid."""
    return reader.steps(key, instrument.tick_size if instrument else _UNIT, PRICE_TICKS_MAX)


def read_lots(reader: Reader, key: str, instrument: Instrument | None) -> int:
    """A quantity; INVALID when off the grid."""
    return reader.steps(key, instrument.lot_size if instrument else _UNIT, QTY_LOTS_MAX)


def read_money(reader: Reader, key: str) -> int:
    """An amount of the quote currency; INVALID when finer than 1e-8."""
    return reader.steps(key, _CENT, MONEY_MAX)


def given(value: int) -> int:
    """A number that must not be zero, because zero means that it was not given."""
    return value if value > 0 else INVALID


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


def format_names(command: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """Symbol, id and account: what names an order."""
    line["symbol"] = symbol_text(int(command["symbol"]), instruments)
    line["id"] = int(command["order_id"])
    line["account"] = int(command["account"])
