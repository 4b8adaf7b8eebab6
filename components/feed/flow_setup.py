"""A simulated flow's settings and instruments as the arrays and integers that its kernel takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.feed.flow_orders import SHARE_BITS, FlowRules, FlowState
from components.feed.order_flow_settings import OrderFlowSettings
from components.instruments import Instrument, InstrumentTable
from components.units import PPM, PRICE_TICKS_MAX


def touch_around(price_ticks: int, half_spread_ppm: int) -> tuple[int, int]:
    """A bid and an ask, half a spread off a price on each side, 1 <= bid < ask."""
    half = max(price_ticks * half_spread_ppm // PPM, 1)
    return max(price_ticks - half, 1), min(max(price_ticks + half, 2), PRICE_TICKS_MAX)


def flow_rules(settings: OrderFlowSettings) -> FlowRules:
    """The settings as integers."""
    return FlowRules(
        maker_count=len(settings.maker_accounts),
        taker_count=len(settings.taker_accounts),
        taker_share=(settings.taker_share_ppm << SHARE_BITS) // PPM,
        level_step_ppm=settings.level_step_ppm,
        taker_reach_ppm=settings.taker_reach_ppm,
        maker_notional=settings.maker_notional,
        taker_notional=settings.taker_notional,
        inventory_notional=settings.inventory_notional,
    )


def flow_state(
    settings: OrderFlowSettings,
    instruments: InstrumentTable,
    traded: Sequence[Instrument],
    slots_a_symbol: int,
) -> FlowState:
    """A flow that has sent nothing and knows no price."""
    symbol_count = len(instruments)
    slots = (symbol_count, slots_a_symbol)
    accounts = np.array(settings.accounts, np.int64)
    units = [instruments.at(index).money_unit for index in range(symbol_count)]
    return FlowState(
        symbols=np.array([each.index for each in traded], np.int64),
        money_unit=np.array(units, np.int64),
        bid=np.zeros(symbol_count, np.int64),
        ask=np.zeros(symbol_count, np.int64),
        slot_id=np.zeros(slots, np.int64),
        slot_price=np.zeros(slots, np.int64),
        slot_born=np.zeros(slots, np.int64),
        accounts=accounts,
        next_id=np.ones(len(accounts), np.int64),
        inventory=np.zeros((symbol_count, len(settings.taker_accounts)), np.int64),
        placed=np.zeros(1, np.int64),
        cancelled=np.zeros(1, np.int64),
    )
