"""Books, trades and positions in the units that people read, from records in ticks and lots.

A symbol's place among Titan's counters is its index in every record, and the scales of those
counters are its grid; so whoever sees a platform's shared memory needs no configuration of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.messages.code import BUY, EVENT_TRADE, SELL, SIDE_NAMES
from components.units import MONEY_SCALE, PPM
from disruptor.memory.counters import Reading


@dataclass(frozen=True)
class Grid:
    """What one tick and one lot of a symbol are worth."""

    symbol: str
    tick: Decimal
    lot: Decimal

    def price(self, ticks: int) -> float:
        """A price in the quote currency."""
        return float(int(ticks) * self.tick)

    def qty(self, lots: int) -> float:
        """A quantity in the base currency."""
        return float(int(lots) * self.lot)

    @property
    def price_digits(self) -> int:
        """Decimals that a price of this symbol has."""
        return _decimals(self.tick)

    @property
    def qty_digits(self) -> int:
        """Decimals that a quantity of this symbol has."""
        return _decimals(self.lot)


@dataclass(frozen=True)
class BookState:
    """The best levels of one symbol: (price, quantity), best first."""

    symbol: str
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class TradeState:
    """One trade; ``side`` is the taker's, ``ts`` the rules' time in nanoseconds."""

    ts: int
    symbol: str
    side: str
    price: float
    qty: float


@dataclass(frozen=True)
class PositionState:
    """One position of an account near liquidation; ``distance`` is the fraction that its mark may
    move until the liquidation price, None where no price of its symbol alone would do it."""

    account: int
    symbol: str
    side: str
    qty: float
    entry: float
    mark: float | None
    liquidation_price: float | None
    distance: float | None
    unrealised: float
    maintenance: float
    margin_ratio: float
    isolated: bool


_SIDES: Final = ("long", "short")


def grids(readings: Iterable[Reading]) -> list[Grid]:
    """Every symbol, by its index."""
    ticks: dict[str, Decimal] = {}
    lots: dict[str, Decimal] = {}
    for each in readings:
        if each.spec.name == "titan_last_price":
            ticks[dict(each.spec.labels)["symbol"]] = _exact(each.spec.scale)
        elif each.spec.name == "titan_execution_quantity":
            lots[dict(each.spec.labels)["symbol"]] = _exact(each.spec.scale)
    return [Grid(symbol, tick, lots[symbol]) for symbol, tick in ticks.items()]


def books(rows: NDArray[Any], known: Sequence[Grid]) -> tuple[BookState, ...]:
    """One book a symbol, empty where nothing is shown."""
    levels: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for row in rows:
        symbol = int(row["symbol"])
        if symbol < len(known):
            level = (known[symbol].price(row["price"]), known[symbol].qty(row["qty"]))
            levels.setdefault((symbol, int(row["side"])), []).append(level)
    return tuple(
        BookState(grid.symbol, tuple(levels.get((at, BUY), ())), tuple(levels.get((at, SELL), ())))
        for at, grid in enumerate(known)
    )


def trades(events: NDArray[Any], known: Sequence[Grid]) -> Iterator[TradeState]:
    """The trades among ``events``, in their order."""
    for row in events[events["kind"] == EVENT_TRADE]:
        symbol = int(row["symbol"])
        if symbol < len(known):
            grid = known[symbol]
            yield TradeState(
                int(row["ts"]),
                grid.symbol,
                SIDE_NAMES[int(row["side"])],
                grid.price(row["price"]),
                grid.qty(row["qty"]),
            )


def positions(rows: NDArray[Any], known: Sequence[Grid]) -> tuple[PositionState, ...]:
    """Exposures in their order: the wallet nearest to liquidation first."""
    return tuple(
        _position(row, known[int(row["symbol"])]) for row in rows if row["symbol"] < len(known)
    )


def _position(row: np.void, grid: Grid) -> PositionState:
    qty = grid.qty(row["qty"])
    mark = grid.price(row["mark"]) if row["mark"] else None
    falls_at = grid.price(row["liquidation_price"]) if row["liquidation_price"] else None
    return PositionState(
        account=int(row["account"]),
        symbol=grid.symbol,
        side=_SIDES[qty < 0],
        qty=abs(qty),
        entry=abs(int(row["entry_value"]) / MONEY_SCALE / qty),
        mark=mark,
        liquidation_price=falls_at,
        distance=_distance(mark, falls_at, qty),
        unrealised=int(row["unrealised"]) / MONEY_SCALE,
        maintenance=int(row["maintenance"]) / MONEY_SCALE,
        margin_ratio=int(row["margin_ratio_ppm"]) / PPM,
        isolated=bool(row["is_isolated"]),
    )


def _distance(mark: float | None, falls_at: float | None, qty: float) -> float | None:
    if mark is None or falls_at is None:
        return None
    way = mark - falls_at if qty > 0 else falls_at - mark
    return max(0.0, way / mark)


def _exact(scale: float) -> Decimal:
    return Decimal(repr(scale))


def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -int(exponent))
