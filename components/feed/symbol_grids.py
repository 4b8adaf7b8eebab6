"""The grid of one symbol at a venue: texts of prices and quantities as whole ticks and lots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.feed.decimal_grid import DecimalGrid, OffGrid
from components.feed.venue_messages import Pairs, VenueSymbol
from components.units import PRICE_TICKS_MAX, QTY_LOTS_MAX


class SymbolGrids:
    """Judges the numbers of one symbol; each method gives steps, or a negative code."""

    def __init__(self, symbol: VenueSymbol, *, round_off_grid: bool) -> None:
        tick, lot = symbol.tick_size, symbol.lot_size
        self.index = symbol.index
        rule: OffGrid = "nearest" if round_off_grid else "refuse"
        self.price = DecimalGrid(tick, PRICE_TICKS_MAX, rule).steps
        self.mark = DecimalGrid(tick, PRICE_TICKS_MAX, "nearest").steps
        self.qty = DecimalGrid(lot, QTY_LOTS_MAX).steps
        self.resting_qty = DecimalGrid(lot, QTY_LOTS_MAX, "down").steps

    def levels(self, pairs: Pairs) -> list[tuple[int, int]] | None:
        """Levels as (ticks, lots), lots 0 where the level is gone; None if any is not valid."""
        found = []
        for pair in pairs:
            if type(pair) is not list or len(pair) < 2:
                return None
            price, qty = self.price(pair[0]), self.resting_qty(pair[1])
            if price <= 0 or qty < 0:
                return None
            found.append((price, qty))
        return found


Grids = Mapping[str, SymbolGrids]
"""By the venue's name of the symbol."""


def grids_by_name(symbols: Iterable[VenueSymbol], *, round_off_grid: bool) -> Grids:
    """The grids of a venue's symbols."""
    return {each.name: SymbolGrids(each, round_off_grid=round_off_grid) for each in symbols}
