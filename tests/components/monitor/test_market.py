"""Records in ticks and lots, told in the units that people read."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from components.messages.code import BUY, EVENT_ACCEPTED, EVENT_TRADE, SELL
from components.messages.event import EVENT
from components.monitor.market import Grid, books, grids, positions, trades
from components.sentinel.exposure_view import EXPOSURE_VIEW
from components.titan.depth_view import DEPTH_VIEW
from components.units import MONEY_SCALE
from tests.components.monitor.conftest import Platform

GRIDS = [
    Grid("BTCUSDT", Decimal("0.1"), Decimal("0.001")),
    Grid("ETHUSDT", Decimal("0.01"), Decimal("0.01")),
]


def test_the_counters_tell_every_symbol_and_its_grid(busy: Platform) -> None:
    view = busy.view()
    found = grids(each for block in view.counters().values() for each in block)
    view.close()

    assert found == GRIDS
    assert [(each.price_digits, each.qty_digits) for each in found] == [(1, 3), (2, 2)]


def test_levels_become_one_book_a_symbol_and_strangers_are_left_out() -> None:
    rows = np.array(
        [(499_999, 250, 0, BUY), (499_998, 1, 0, BUY), (500_001, 3, 0, SELL), (7, 7, 9, BUY)],
        DEPTH_VIEW,
    )
    bitcoin, ether = books(rows, GRIDS)

    assert bitcoin.bids == ((49_999.9, 0.25), (49_999.8, 0.001))
    assert bitcoin.asks == ((50_000.1, 0.003),)
    assert (ether.symbol, ether.bids, ether.asks) == ("ETHUSDT", (), ())


def test_trades_are_taken_out_of_the_events_in_their_order() -> None:
    events = np.zeros(3, EVENT)
    events["kind"] = [EVENT_TRADE, EVENT_ACCEPTED, EVENT_TRADE]
    events["symbol"], events["price"], events["qty"] = [1, 0, 0], [123, 1, 500_000], [5, 1, 2]
    events["side"], events["ts"] = [SELL, BUY, BUY], [10, 11, 12]

    told = [
        (each.symbol, each.side, each.price, each.qty, each.ts) for each in trades(events, GRIDS)
    ]
    assert told == [("ETHUSDT", "sell", 1.23, 0.05, 10), ("BTCUSDT", "buy", 50_000.0, 0.002, 12)]


@pytest.mark.parametrize(
    ("qty", "falls_at", "side", "distance"),
    [(500, 450_000, "long", 0.1), (-500, 550_000, "short", 0.1), (500, 0, "long", None),
     (500, 510_000, "long", 0.0)],
)  # fmt: skip
def test_the_distance_is_how_far_the_mark_may_move_against_the_position(
    qty: int, falls_at: int, side: str, distance: float | None
) -> None:
    rows = np.zeros(1, EXPOSURE_VIEW)
    rows["account"], rows["qty"], rows["entry_value"] = 1001, qty, qty * 50 * MONEY_SCALE
    rows["mark"], rows["liquidation_price"], rows["margin_ratio_ppm"] = 500_000, falls_at, 250_000
    (told,) = positions(rows, GRIDS)

    assert (told.side, told.qty, told.entry, told.mark) == (side, 0.5, 50_000.0, 50_000.0)
    assert told.distance == (None if distance is None else pytest.approx(distance))
    assert told.margin_ratio == 0.25
