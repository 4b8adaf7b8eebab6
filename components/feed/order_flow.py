"""Simulated makers and takers: how many commands are due, and around which price.

Deterministic: the same seed, prices and times give the same commands.  Random words come from
numpy's PCG64 (its upper 63 bits), one for each command that is due; what a word means is in ``order_flow_kernel``.
The flow does not hear what became of its orders, so it never needs the matching engine: a quote
that was filled is cancelled in its turn all the same, and that cancel is answered
``unknown_order``.  It begins and ends with a mass cancel for each of its accounts, so that neither
a crash nor a shutdown leaves a quote behind, and ids may start again from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from components.feed.order_flow_kernel import SHARE_BITS, FlowRules, FlowState, generate
from components.feed.order_flow_settings import OrderFlowSettings
from components.instruments import Instrument, InstrumentTable
from components.messages.code import OP_CANCEL_ALL, SOURCE_ORDER_FLOW
from components.messages.command import ALL_SYMBOLS, Commands, new_commands
from components.units import PPM, PRICE_TICKS_MAX

BATCH_NS: Final = 10_000_000
"""Commands that come due within this time are made together."""
BACKLOG_NS_MAX: Final = 100_000_000
"""After a pause longer than this, and than one order takes, what was missed is not made up for."""
_RATE_SCALE: Final = 10**15  # ns times orders per 1e6 seconds, in one order
_TOP_BIT: Final = np.uint64(1)
_STREAM: Final = 0x0F10  # keeps these words apart from the price models' streams


class OrderFlow:
    """The order flow of one feed; times are any clock's ns, as long as they do not go back."""

    def __init__(
        self,
        settings: OrderFlowSettings,
        instruments: InstrumentTable,
        traded: Sequence[Instrument],
        seed: int,
    ) -> None:
        self._settings = settings
        self._rate: int = round(settings.orders_per_second * 1_000_000)
        self._random = np.random.PCG64([seed, _STREAM])
        self._rules = FlowRules(
            maker_count=len(settings.maker_accounts),
            taker_count=len(settings.taker_accounts),
            taker_share=(settings.taker_share_ppm << SHARE_BITS) // PPM,
            level_step_ppm=settings.level_step_ppm,
            taker_reach_ppm=settings.taker_reach_ppm,
            maker_notional=settings.maker_notional,
            taker_notional=settings.taker_notional,
            inventory_notional=settings.inventory_notional,
        )
        self._state = _new_state(settings, instruments, traded)
        self._backlog_ns = max(BACKLOG_NS_MAX, 10**15 // max(self._rate, 1))
        self._start_ns = 0
        self._last_ns = 0
        self._emitted = 0

    @property
    def enabled(self) -> bool:
        """Whether there is any order flow at all."""
        return self._rate > 0

    @property
    def resting_max(self) -> int:
        """No more orders than this ever rest in all books together."""
        return int(self._state.symbols.size * self._state.slot_id.shape[1])

    @property
    def resting(self) -> int:
        """Quotes placed and not cancelled; filled ones among them count too."""
        return int(self._state.placed[0] - self._state.cancelled[0])

    @property
    def next_due_ns(self) -> int:
        """When ``due`` should be called next; only if ``enabled``."""
        next_order = self._start_ns + -(-(self._emitted + 1) * _RATE_SCALE // self._rate)
        due: int = max(next_order, self._last_ns + BATCH_NS)
        return due

    def set_price(self, symbol_index: int, price_ticks: int) -> None:
        """Quote around a last price, half a spread off on each side."""
        half = max(price_ticks * self._settings.half_spread_ppm // PPM, 1)
        ask = min(max(price_ticks + half, 2), PRICE_TICKS_MAX)
        self.set_touch(symbol_index, max(price_ticks - half, 1), ask)

    def set_touch(self, symbol_index: int, bid_ticks: int, ask_ticks: int) -> None:
        """Quote around a venue's best bid and ask, 1 <= bid < ask."""
        self._state.bid[symbol_index] = bid_ticks
        self._state.ask[symbol_index] = ask_ticks

    def open(self, now_ns: int) -> Commands:
        """Start the clock; the mass cancels that clear what an earlier run may have left."""
        self._start_ns = self._last_ns = now_ns
        return self.close(now_ns)

    def close(self, now_ns: int) -> Commands:
        """The mass cancels that leave no quote behind; none if there is no order flow."""
        accounts = self._settings.accounts if self.enabled else ()
        commands = new_commands(len(accounts))
        commands["ts"] = now_ns
        commands["op"] = OP_CANCEL_ALL
        commands["symbol"] = ALL_SYMBOLS
        commands["account"] = accounts
        commands["source"] = SOURCE_ORDER_FLOW
        return commands

    def due(self, now_ns: int) -> Commands:
        """The commands that came due by ``now_ns``, stamped with it; possibly none."""
        if not self.enabled:
            return new_commands(0)
        from_ns = max(self._last_ns, now_ns - self._backlog_ns)
        self._emitted = max(self._emitted, self._due_count(from_ns))
        count = max(self._due_count(now_ns) - self._emitted, 0)
        self._emitted += count
        self._last_ns = max(now_ns, self._last_ns)
        words = (self._random.random_raw(count) >> _TOP_BIT).view(np.int64)
        commands = new_commands(count)
        commands = commands[: generate(self._state, self._rules, words, commands)]
        commands["ts"] = now_ns
        return commands

    def _due_count(self, now_ns: int) -> int:
        return max(now_ns - self._start_ns, 0) * self._rate // _RATE_SCALE


def _new_state(
    settings: OrderFlowSettings, instruments: InstrumentTable, traded: Sequence[Instrument]
) -> FlowState:
    symbol_count = len(instruments)
    slots = (symbol_count, 2 * settings.levels)
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
