"""Zero-intelligence and Hawkes flows: random orders at random times, around the price.

Deterministic: the same seed and prices give the same orders at the same times, however often they
are asked for.  Random numbers are numpy's PCG64, exponential and raw, by the thousand.

On average ``orders_per_second`` commands come, in equilibrium: takers by their share, and of the
others as many limit orders as cancels.  As many orders live, by what this flow knows of them, as
the settings have quotes: two for each level and symbol, anywhere within ``levels`` steps of the touch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from components.feed.flow_setup import flow_rules, flow_state, touch_around
from components.feed.order_flow import BACKLOG_NS_MAX, BATCH_NS, OrderFlow
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.random_flow_kernel import NEXT_NS, RandomRules, RandomState, advance, begin
from components.instruments import Instrument, InstrumentTable
from components.messages.command import Commands, new_commands
from components.units import PPM

_BLOCK: Final = 2048
_TOP_BIT: Final = np.uint64(1)
_STREAM: Final = 0x0F11


class RandomFlow(OrderFlow):
    """Random orders, alone (Poisson) or in clusters (Hawkes)."""

    def __init__(
        self,
        settings: OrderFlowSettings,
        instruments: InstrumentTable,
        traded: Sequence[Instrument],
        seed: int,
    ) -> None:
        super().__init__(settings.accounts)
        self._half_spread_ppm = settings.half_spread_ppm
        self._random = np.random.Generator(np.random.PCG64([seed, _STREAM]))
        self._flow_rules = flow_rules(settings)
        self._flow = flow_state(settings, instruments, traded, slots_a_symbol=1)
        living_mean = 2 * settings.levels * len(traded)
        self._rules = random_rules(settings, living_mean)
        self._state = _random_state(living_mean)
        self._start_ns = 0
        self._last_ns = 0
        self._at = _BLOCK
        self._next_block()
        begin(self._state, self._rules, *self._waits[0])
        self._at = 1

    @property
    def next_due_ns(self) -> int:
        due = self._start_ns + math.ceil(self._state.clock[NEXT_NS])
        return max(due, self._last_ns + BATCH_NS)

    @property
    def living(self) -> int:
        """Limit orders sent and not cancelled; filled ones among them count too."""
        return int(self._state.live[0])

    def set_price(self, symbol_index: int, price_ticks: int) -> None:
        """Trade around a last price, half a spread off on each side."""
        self.set_touch(symbol_index, *touch_around(price_ticks, self._half_spread_ppm))

    def set_touch(self, symbol_index: int, bid_ticks: int, ask_ticks: int) -> None:
        """Trade around a venue's best bid and ask."""
        self._flow.bid[symbol_index] = bid_ticks
        self._flow.ask[symbol_index] = ask_ticks

    def open(self, now_ns: int) -> Commands:
        self._start_ns = self._last_ns = now_ns
        return super().open(now_ns)

    def due(self, now_ns: int) -> Commands:
        missed_ns = now_ns - self._start_ns - int(self._state.clock[NEXT_NS])
        if missed_ns > BACKLOG_NS_MAX:
            self._start_ns += missed_ns - BACKLOG_NS_MAX
        until_ns = float(now_ns - self._start_ns)
        parts = [self._block(until_ns)]
        while self._at == _BLOCK:
            parts.append(self._block(until_ns))
        self._last_ns = max(now_ns, self._last_ns)
        commands = np.concatenate(parts) if len(parts) > 1 else parts[0]
        commands["ts"] += self._start_ns
        return commands

    def _block(self, until_ns: float) -> Commands:
        """What the rest of a block of random numbers gives up to ``until_ns``."""
        if self._at == _BLOCK:
            self._next_block()
        out = new_commands(_BLOCK - self._at)
        used, written = advance(
            self._flow,
            self._state,
            self._flow_rules,
            self._rules,
            until_ns,
            self._waits[self._at :],
            self._words[self._at :],
            out,
        )
        self._at += used
        return out[:written]

    def _next_block(self) -> None:
        self._waits = self._random.standard_exponential((_BLOCK, 2))
        raw = self._random.bit_generator.random_raw(2 * _BLOCK)
        self._words = (raw >> _TOP_BIT).view(np.int64).reshape(_BLOCK, 2)
        self._at = 0


def random_rules(settings: OrderFlowSettings, living_mean: int) -> RandomRules:
    """The rates that give ``orders_per_second`` with ``living_mean`` orders alive on average."""
    rate = settings.orders_per_second / 1e9
    taker_rate = rate * settings.taker_share_ppm / PPM
    limit_rate = (rate - taker_rate) / 2.0
    is_hawkes = settings.kind == "hawkes"
    decay = 1.0 / (settings.decay_s * 1e9)
    return RandomRules(
        limit_rate=limit_rate,
        taker_rate=taker_rate,
        cancel_rate=limit_rate / living_mean,
        base=rate * (1.0 - settings.branching_ratio) if is_hawkes else 0.0,
        jump=settings.branching_ratio * decay,
        decay=decay,
        band_ppm=settings.levels * settings.level_step_ppm,
    )


def _random_state(living_mean: int) -> RandomState:
    room = living_mean + 16 + 12 * math.isqrt(living_mean)  # Poisson: never more, within 1e-20
    return RandomState(
        clock=np.zeros(2, np.float64),
        live=np.zeros(1, np.int64),
        live_symbol=np.zeros(room, np.int64),
        live_account=np.zeros(room, np.int64),
        live_id=np.zeros(room, np.int64),
    )
