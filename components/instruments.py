"""What can be traded: each symbol's grid, fees, margin tiers, and its place in every array.

An instrument's index is its identity in commands and events.  The table turns itself into the
set-up commands that carry it into the journal, and can be rebuilt from those commands alone, so
whoever holds a journal can print its prices without any configuration file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

import numpy as np

from components.messages.code import (
    FLAG_DEPTH,
    FLAG_MARK_MEDIAN,
    FLAG_MARK_MID,
    FLAG_STOPS_ON_MARK,
    OP_INSTRUMENT,
    OP_LIMITS,
    OP_MARGIN_TIER,
)
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
    """From ``notional_floor`` (money) upwards, maintenance margin is ``maintenance_ppm`` and
    leverage at most ``max_leverage``; 0: as much as the instrument allows."""

    notional_floor: int
    maintenance_ppm: int
    max_leverage: int = 0


Mark = Literal["last", "median", "mid"]
MARK_FLAGS: Final[dict[Mark, int]] = {
    "last": 0,
    "median": FLAG_MARK_MEDIAN,
    "mid": FLAG_MARK_MID,
}
"""What a symbol's mark is made of, see Titan's mark.py, and the flag that says so."""


def mark_of(flags: int) -> Mark:
    """What these flags of an instrument say that its mark is made of."""
    if flags & FLAG_MARK_MEDIAN:
        return "median"
    return "mid" if flags & FLAG_MARK_MID else "last"


@dataclass(frozen=True)
class Limits:
    """What an order may ask for: lots, money, and ppm around a reference price; 0 is no limit."""

    min_qty: int = 0
    max_qty: int = 0
    min_notional: int = 0
    max_notional: int = 0
    collar_ppm: int = 0


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
    publish_depth: bool = False
    mark: Mark = "last"
    margin_tiers: tuple[MarginTier, ...] = (MarginTier(0, 5_000),)
    limits: Limits = Limits()

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

    @property
    def flags(self) -> int:
        """The flags of its instrument command."""
        rules = self.stops_on_mark * FLAG_STOPS_ON_MARK | self.publish_depth * FLAG_DEPTH
        return rules | MARK_FLAGS[self.mark]

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

    def to_commands(self, *, every_limit: bool = False) -> Commands:
        """The instrument command, one margin_tier command a tier, and limits if it has any.

        ``every_limit`` tells of limits in any case, which ends those that it had before.
        """
        has_limits = every_limit or self.limits != Limits()
        commands = new_commands(1 + len(self.margin_tiers) + has_limits)
        commands["symbol"] = self.index
        first = commands[0]
        first["op"] = OP_INSTRUMENT
        first["account"], first["order_id"] = name_words(self.name)
        first["price"] = int(self.tick_size * GRID_SCALE)
        first["qty"] = int(self.lot_size * GRID_SCALE)
        first["stop_price"] = self.money_unit
        first["display_qty"] = self.maker_fee_ppm
        first["expires"] = self.taker_fee_ppm
        first["leverage"] = self.max_leverage
        first["flags"] = self.flags
        for number, tier in enumerate(self.margin_tiers):
            row = commands[1 + number]
            row["op"] = OP_MARGIN_TIER
            row["order_id"] = number
            row["price"] = tier.notional_floor
            row["qty"] = tier.maintenance_ppm
            row["leverage"] = tier.max_leverage
        if has_limits:
            _write_limits(self.limits, commands[-1])
        return commands


def name_words(name: str) -> tuple[int, int]:
    """A symbol's name as the two words of eight bytes that an instrument command carries."""
    first, second = np.frombuffer(name.encode().ljust(NAME_BYTES_MAX, b"\0"), "<i8").tolist()
    return first, second


def _write_limits(limits: Limits, into: np.void) -> None:
    into["op"] = OP_LIMITS
    for name, field in _LIMIT_FIELDS:
        into[field] = getattr(limits, name)


_LIMIT_FIELDS = (
    ("min_qty", "qty"),
    ("max_qty", "display_qty"),
    ("min_notional", "price"),
    ("max_notional", "stop_price"),
    ("collar_ppm", "expires"),
)
"""Where a limits command keeps each limit."""


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

    def after(self, command: np.void) -> InstrumentTable:
        """The table once Titan has seen this command; itself when that changes nothing.

        An instrument with another grid, or with an index out of turn, is what Titan refuses.
        """
        if command["op"] != OP_INSTRUMENT:
            return self
        index = int(command["symbol"])
        try:
            new = _instrument_from(command)
        except ValueError:
            return self
        if index == len(self._rows) and new.name not in self._by_name:
            return InstrumentTable([*self._rows, new])
        known = self._rows[index] if index < len(self._rows) else None
        grid = (new.name, new.tick_size, new.lot_size)
        if known is None or (known.name, known.tick_size, known.lot_size) != grid:
            return self
        rows = list(self._rows)
        rows[index] = replace(new, margin_tiers=known.margin_tiers, limits=known.limits)
        return InstrumentTable(rows)

    @classmethod
    def from_commands(cls, commands: Commands) -> InstrumentTable:
        """Rebuild from journaled commands; the last definition of each index counts."""
        rows: dict[int, Instrument] = {}
        for command in commands[np.isin(commands["op"], DEFINING_OPS)]:
            index = int(command["symbol"])
            if command["op"] == OP_INSTRUMENT:
                limits = rows[index].limits if index in rows else Limits()
                rows[index] = replace(_instrument_from(command), limits=limits)
            elif index in rows and command["op"] == OP_MARGIN_TIER:
                rows[index] = _with_tier(rows[index], command)
            elif index in rows:
                rows[index] = replace(rows[index], limits=_limits_from(command))
        return cls(rows.values())


DEFINING_OPS = (OP_INSTRUMENT, OP_MARGIN_TIER, OP_LIMITS)
"""The operations that say what an instrument is."""


def _limits_from(command: np.void) -> Limits:
    return Limits(**{name: int(command[field]) for name, field in _LIMIT_FIELDS})


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
        publish_depth=bool(command["flags"] & FLAG_DEPTH),
        mark=mark_of(int(command["flags"])),
        margin_tiers=(),
    )


def _with_tier(instrument: Instrument, command: np.void) -> Instrument:
    tier = MarginTier(int(command["price"]), int(command["qty"]), int(command["leverage"]))
    tiers = (*instrument.margin_tiers[: int(command["order_id"])], tier)
    return replace(instrument, margin_tiers=tiers)
