"""What can be traded: each symbol's grid, fees, margin tiers, and its place in every array.

An instrument's index is its identity in commands and events.  The table turns itself into the
set-up commands that carry it into the journal, and can be rebuilt from those commands alone, so
whoever holds a journal can print its prices without any configuration file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from components.messages.code import FLAG_STOPS_ON_MARK, OP_INSTRUMENT, OP_MARGIN_TIER
from components.messages.command import Commands, new_commands
from components.units import (
    GRID_SCALE,
    MONEY_SCALE,
    MONEY_UNIT_MAX,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    UnitError,
    from_grid,
    to_grid,
)

NAME_BYTES_MAX = 16


@dataclass(frozen=True)
class MarginTier:
    """From ``notional_floor`` (money) upwards, maintenance margin is ``maintenance_ppm``."""

    notional_floor: int
    maintenance_ppm: int


@dataclass(frozen=True)
class Instrument:
    """One tradable symbol; immutable, checked when it is made."""

    name: str
    index: int
    tick_size: Decimal
    lot_size: Decimal
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    max_leverage: int = 100
    stops_on_mark: bool = False
    margin_tiers: tuple[MarginTier, ...] = (MarginTier(0, 5_000),)

    def __post_init__(self) -> None:
        encoded = self.name.encode()
        if not encoded or len(encoded) > NAME_BYTES_MAX or not self.name.isascii():
            raise UnitError(f"symbol {self.name!r} must have 1 to {NAME_BYTES_MAX} ASCII letters")
        for what, step in (("tick_size", self.tick_size), ("lot_size", self.lot_size)):
            if step <= 0 or step * GRID_SCALE != int(step * GRID_SCALE) or step > 1_000_000:
                raise UnitError(
                    f"{self.name}: {what} {step} must be positive, at most 1000000, "
                    "and have at most 12 decimals"
                )
        unit = self.tick_size * self.lot_size * MONEY_SCALE
        if unit != int(unit) or not 1 <= unit <= MONEY_UNIT_MAX:
            raise UnitError(
                f"{self.name}: tick_size × lot_size is {self.tick_size * self.lot_size}; it must be "
                f"a whole multiple of 0.00000001, at most {MONEY_UNIT_MAX} of them"
            )

    @property
    def money_unit(self) -> int:
        """Money (1e-8) of one tick times one lot."""
        return int(self.tick_size * self.lot_size * MONEY_SCALE)

    def price_to_ticks(self, text: object, what: str = "price") -> int:
        """Ticks of a decimal string; raises UnitError when off the grid or out of bounds."""
        return to_grid(text, self.tick_size, what, PRICE_TICKS_MAX)

    def qty_to_lots(self, text: object, what: str = "qty") -> int:
        """Lots of a decimal string; raises UnitError when off the grid or out of bounds."""
        return to_grid(text, self.lot_size, what, QTY_LOTS_MAX)

    def price_text(self, ticks: int) -> str:
        """The exact decimal of a price in ticks."""
        return from_grid(int(ticks), self.tick_size)

    def qty_text(self, lots: int) -> str:
        """The exact decimal of a quantity in lots."""
        return from_grid(int(lots), self.lot_size)

    def to_commands(self) -> Commands:
        """The instrument command, then one margin_tier command a tier."""
        commands = new_commands(1 + len(self.margin_tiers))
        commands["symbol"] = self.index
        first = commands[0]
        name = np.frombuffer(self.name.encode().ljust(NAME_BYTES_MAX, b"\0"), "<i8")
        first["op"] = OP_INSTRUMENT
        first["account"], first["order_id"] = name
        first["price"] = int(self.tick_size * GRID_SCALE)
        first["qty"] = int(self.lot_size * GRID_SCALE)
        first["stop_price"] = self.money_unit
        first["display_qty"] = self.maker_fee_ppm
        first["expires"] = self.taker_fee_ppm
        first["leverage"] = self.max_leverage
        first["flags"] = FLAG_STOPS_ON_MARK if self.stops_on_mark else 0
        for number, tier in enumerate(self.margin_tiers):
            row = commands[1 + number]
            row["op"] = OP_MARGIN_TIER
            row["order_id"] = number
            row["price"] = tier.notional_floor
            row["qty"] = tier.maintenance_ppm
        return commands


class InstrumentTable(Mapping[str, Instrument]):
    """All instruments by name, and by index through ``at``; iteration follows the index."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._rows = sorted(instruments, key=lambda each: each.index)
        self._by_name = {each.name: each for each in self._rows}
        if [each.index for each in self._rows] != list(range(len(self._rows))):
            raise UnitError("instrument indices must run from 0 without a gap")
        if len(self._by_name) != len(self._rows):
            raise UnitError("two instruments have one name")

    def __getitem__(self, name: str) -> Instrument:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, index: int) -> Instrument:
        """The instrument of this index; IndexError if there is none."""
        return self._rows[index]

    def to_commands(self) -> Commands:
        """Set-up commands of all instruments, in order of their index."""
        if not self._rows:
            return new_commands(0)
        return np.concatenate([each.to_commands() for each in self._rows])

    @classmethod
    def from_commands(cls, commands: Commands) -> InstrumentTable:
        """Rebuild from journaled commands; the last definition of each index counts."""
        chosen = commands[np.isin(commands["op"], (OP_INSTRUMENT, OP_MARGIN_TIER))]
        rows: dict[int, Instrument] = {}
        for command in chosen:
            index = int(command["symbol"])
            if command["op"] == OP_INSTRUMENT:
                rows[index] = _instrument_from(command)
            elif index in rows:
                rows[index] = _with_tier(rows[index], command)
        return cls(rows.values())


def _instrument_from(command: np.void) -> Instrument:
    packed = np.array([command["account"], command["order_id"]], "<i8").tobytes()
    return Instrument(
        name=packed.rstrip(b"\0").decode(),
        index=int(command["symbol"]),
        tick_size=Decimal(int(command["price"])) / GRID_SCALE,
        lot_size=Decimal(int(command["qty"])) / GRID_SCALE,
        maker_fee_ppm=int(command["display_qty"]),
        taker_fee_ppm=int(command["expires"]),
        max_leverage=int(command["leverage"]),
        stops_on_mark=bool(command["flags"] & FLAG_STOPS_ON_MARK),
        margin_tiers=(),
    )


def _with_tier(instrument: Instrument, command: np.void) -> Instrument:
    tier = MarginTier(int(command["price"]), int(command["qty"]))
    tiers = (*instrument.margin_tiers[: int(command["order_id"])], tier)
    return Instrument(**{**instrument.__dict__, "margin_tiers": tiers})
