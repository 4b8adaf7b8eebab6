"""Instruments as they are configured, by themselves or as a part of the platform's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from components.configuration.values import Money, PositiveDecimal, PositiveRatio, Symbol
from components.instruments import Instrument, InstrumentTable, Limits, MarginTier, Mark
from components.sentinel.engine.state import TIERS_MAX
from components.units import PPM, QTY_LOTS_MAX, UnitError, plain, to_grid
from disruptor.errors import ConfigurationError
from disruptor.topology.document import Document, KeyPath, Mistake, Place, Places, parse_value
from disruptor.topology.load import check, load_yaml, read_text, validate
from disruptor.topology.model import Strict, shown

LEVERAGE_MAX: Final = 1000
DEFAULT_MAINTENANCE_PPM: Final = Instrument.margin_tiers[0].maintenance_ppm


class MarginTierSettings(Strict):
    """From a notional value upwards, the maintenance margin as a ratio of it and a leverage."""

    above: Money = Field(description="a notional value in the quote currency")
    maintenance: PositiveRatio = Field(description='a ratio above 0, at most 1, e.g. "0.005"')
    max_leverage: int = Field(
        default=0, ge=0, le=1_000_000, description="a whole number; 0 for the instrument's own"
    )


class InstrumentSettings(Strict):
    """One tradable symbol."""

    tick_size: PositiveDecimal = Field(description='the smallest step of a price, e.g. "0.01"')
    lot_size: PositiveDecimal = Field(description='the smallest step of a quantity, e.g. "0.001"')
    maker_fee_ppm: int = Field(
        default=Instrument.maker_fee_ppm, ge=-PPM, le=PPM, description="parts per million"
    )
    taker_fee_ppm: int = Field(
        default=Instrument.taker_fee_ppm, ge=-PPM, le=PPM, description="parts per million"
    )
    max_leverage: int = Field(
        default=Instrument.max_leverage,
        ge=1,
        le=LEVERAGE_MAX,
        description=f"a whole number from 1 to {LEVERAGE_MAX}",
    )
    stops_trigger: Literal["last", "mark"] = Field(default="last", description="last or mark")
    publish_depth: bool = Field(default=False, description="true or false")
    mark: Mark = Field(default="last", description="last, median or mid")
    margin_tiers: Annotated[tuple[MarginTierSettings, ...], Field(strict=False)] = Field(
        default=(), max_length=TIERS_MAX, description=f"a list of at most {TIERS_MAX} tiers"
    )

    min_qty: PositiveDecimal | None = Field(
        default=None, description="the least quantity of an order, a multiple of lot_size"
    )
    max_qty: PositiveDecimal | None = Field(
        default=None, description="the largest quantity of an order, a multiple of lot_size"
    )
    min_notional: Money | None = Field(
        default=None, description="the least worth of an order in the quote currency"
    )
    max_notional: Money | None = Field(
        default=None, description="the largest worth of an order in the quote currency"
    )
    collar_ppm: int | None = Field(
        default=None,
        ge=1,
        le=PPM,
        description="how far from the reference price an order may be, in parts per million",
    )

    def _limits(self, name: str) -> Limits:
        def lots(qty: Decimal | None, what: str) -> int:
            if qty is None:
                return 0
            return to_grid(plain(qty), self.lot_size, f"{name}: {what}", QTY_LOTS_MAX)

        limits = Limits(
            min_qty=lots(self.min_qty, "min_qty"),
            max_qty=lots(self.max_qty, "max_qty"),
            min_notional=self.min_notional or 0,
            max_notional=self.max_notional or 0,
            collar_ppm=self.collar_ppm or 0,
        )
        for what in ("qty", "notional"):
            low, high = getattr(limits, f"min_{what}"), getattr(limits, f"max_{what}")
            if high and low > high:
                raise UnitError(f"{name}: min_{what} is above max_{what}")
        return limits

    def instrument(self, name: str, index: int, maintenance_ppm: int) -> Instrument:
        """The instrument; ``maintenance_ppm`` is its one tier when it names none of its own.

        Raises UnitError when tick size, lot size and limits do not fit each other.
        """
        tiers = tuple(
            MarginTier(each.above, each.maintenance, each.max_leverage)
            for each in self.margin_tiers
        )
        return Instrument(
            name=name,
            index=index,
            tick_size=self.tick_size,
            lot_size=self.lot_size,
            maker_fee_ppm=self.maker_fee_ppm,
            taker_fee_ppm=self.taker_fee_ppm,
            max_leverage=self.max_leverage,
            stops_on_mark=self.stops_trigger == "mark",
            publish_depth=self.publish_depth,
            mark=self.mark,
            margin_tiers=tiers or (MarginTier(0, maintenance_ppm),),
            limits=self._limits(name),
        )


class InstrumentsFile(Strict):
    """What `load_instruments` validates."""

    instruments: dict[Symbol, InstrumentSettings] = Field(
        min_length=1, description="a mapping from symbols to their settings"
    )


def load_instruments(path: Path) -> InstrumentTable:
    """The instruments of a YAML file, without a platform around them.

    The file maps symbols to settings, or lists settings that each name their ``symbol``; either
    by itself or under ``instruments:``, so a platform's file serves too.  An index is a place in
    that order.  Raises ConfigurationError.
    """
    document = instruments_document(path)
    settings = validate(document, InstrumentsFile)
    check(document, mistakes(settings.instruments))
    return InstrumentTable(
        each.instrument(name, index, DEFAULT_MAINTENANCE_PPM)
        for index, (name, each) in enumerate(settings.instruments.items())
    )


def instruments_document(path: Path, above: tuple[Path, ...] = ()) -> Document:
    """The file as a document with the one key ``instruments``, a mapping by symbol."""
    value, places = parse_value(read_text(path), Place(str(path), 1))
    if isinstance(value, dict) and "extends" in value:
        extended = load_yaml(path)
        value, places = extended.data, extended.places
    key: KeyPath = ()
    if isinstance(value, dict) and "instruments" in value:
        key, value = ("instruments",), value["instruments"]
    if isinstance(value, str):
        place = places[key]
        other = Path(place.source).parent / value
        if len(above) > 4:
            raise ConfigurationError(f"{place}: instruments: {value} leads back to this file")
        if not other.is_file():
            raise ConfigurationError(f"{place}: instruments: there is no file {other}")
        return instruments_document(other, (*above, path))
    if not isinstance(value, (dict, list)):
        raise ConfigurationError(
            f"{places[key]}: found {shown(value)}; write a mapping from symbols to their settings"
        )
    inner: Places = {at[len(key) :]: place for at, place in places.items() if at[: len(key)] == key}
    if isinstance(value, list):
        value, inner = _by_symbol(value, inner)
    inside: dict[KeyPath, Place] = {("instruments", *at): place for at, place in inner.items()}
    inside[()] = inner[()]
    return Document({"instruments": value}, inside)


def _by_symbol(listed: list[Any], places: Places) -> tuple[dict[str, Any], Places]:
    """A list of settings with a ``symbol`` in each, as a mapping by symbol."""
    result: dict[str, Any] = {}
    moved: dict[KeyPath, Place] = {(): places[()]}
    for number, entry in enumerate(listed):
        place = places[(number,)]
        symbol = entry.get("symbol") if isinstance(entry, dict) else None
        if not isinstance(symbol, str):
            raise ConfigurationError(
                f"{place}: instruments.{number}: found no symbol; write a mapping with symbol: NAME"
            )
        if symbol in result:
            raise ConfigurationError(
                f"{place}: instruments.{number}.symbol: found {shown(symbol)} a second time; "
                "define each symbol once"
            )
        result[symbol] = {name: each for name, each in entry.items() if name != "symbol"}
        for at, where in places.items():
            if at[:1] == (number,):
                moved[symbol, *at[1:]] = where
    return result, moved


def mistakes(
    instruments: Mapping[str, InstrumentSettings], default_ppm: int = DEFAULT_MAINTENANCE_PPM
) -> Iterator[Mistake]:
    """What is wrong between the settings of each instrument."""
    for name, settings in instruments.items():
        at = ("instruments", name)
        try:
            settings.instrument(name, 0, default_ppm)
        except UnitError as error:
            text = str(error).removeprefix(f"{name}: ")
            named = text.split(" ", 1)[0]
            key = named if named in InstrumentSettings.model_fields else "tick_size"
            yield Mistake((*at, key), f"found that {text}")
        yield from _tier_mistakes(at, settings)


def _tier_mistakes(at: tuple[str, str], settings: InstrumentSettings) -> Iterator[Mistake]:
    tiers = settings.margin_tiers
    if tiers and tiers[0].above:
        key = (*at, "margin_tiers", 0, "above")
        yield Mistake(key, 'the first tier must hold from the start; write above: "0"')
    for number, (low, high) in enumerate(pairwise(tiers), start=1):
        if high.above <= low.above:
            key = (*at, "margin_tiers", number, "above")
            yield Mistake(key, "tiers must rise; write more than the tier before it has")
        if high.maintenance < low.maintenance:
            key = (*at, "margin_tiers", number, "maintenance")
            yield Mistake(key, "margin must not fall; write at least that of the tier before it")
    chosen = "max_leverage" in settings.model_fields_set
    if tiers and chosen and settings.max_leverage * tiers[0].maintenance >= PPM:
        most = Decimal(PPM) / tiers[0].maintenance
        yield Mistake(
            (*at, "max_leverage"),
            f"found {settings.max_leverage}, with which a new position is below its maintenance "
            f"margin at once; write less than {most:.4g}",
        )
