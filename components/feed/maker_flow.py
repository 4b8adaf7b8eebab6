"""The default flow: makers who keep quotes around the price fresh, and takers who trade with them.

Deterministic: the same seed, prices and times give the same commands.  Random words come from
numpy's PCG64 (its upper 63 bits), one for each command that is due; what a word means is in
``maker_flow_kernel``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from components.feed.flow_setup import flow_rules, flow_state, touch_around
from components.feed.maker_flow_kernel import generate
from components.feed.order_flow import BACKLOG_NS_MAX, BATCH_NS, OrderFlow
from components.feed.order_flow_settings import OrderFlowSettings
from components.instruments import Instrument, InstrumentTable
from components.messages.command import Commands, new_commands

_RATE_SCALE: Final = 10**15  # ns times orders per 1e6 seconds, in one order
_TOP_BIT: Final = np.uint64(1)
_STREAM: Final = 0x0F10  # keeps these words apart from the price models' streams


class MakerFlow(OrderFlow):
    """Makers and takers at an even rate of commands."""

    def __init__(
        self,
        settings: OrderFlowSettings,
        instruments: InstrumentTable,
        traded: Sequence[Instrument],
        seed: int,
    ) -> None:
        super().__init__(settings.accounts)
        self._half_spread_ppm = settings.half_spread_ppm
        self._rate: int = round(settings.orders_per_second * 1_000_000)
        self._random = np.random.PCG64([seed, _STREAM])
        self._rules = flow_rules(settings)
        self._state = flow_state(settings, instruments, traded, 2 * settings.levels)
        self._backlog_ns = max(BACKLOG_NS_MAX, 10**15 // self._rate)
        self._start_ns = 0
        self._last_ns = 0
        self._emitted = 0

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
        next_order = self._start_ns + -(-(self._emitted + 1) * _RATE_SCALE // self._rate)
        due: int = max(next_order, self._last_ns + BATCH_NS)
        return due

    def set_price(self, symbol_index: int, price_ticks: int) -> None:
        """Quote around a last price, half a spread off on each side."""
        self.set_touch(symbol_index, *touch_around(price_ticks, self._half_spread_ppm))

    def set_touch(self, symbol_index: int, bid_ticks: int, ask_ticks: int) -> None:
        """Quote around a venue's best bid and ask."""
        self._state.bid[symbol_index] = bid_ticks
        self._state.ask[symbol_index] = ask_ticks

    def open(self, now_ns: int) -> Commands:
        self._start_ns = self._last_ns = now_ns
        return super().open(now_ns)

    def due(self, now_ns: int) -> Commands:
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
