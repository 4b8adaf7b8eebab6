"""What the web page is told: moments of the platform, gathered once for all who look.

A moment has two halves.  The fast one (prices, books, rings, new trades) is gathered at every
tick; the slow one (processes, accounts, positions, latencies, journal) once a second.  Trades and
points of the price chart are numbered, so that a client gets each once however seldom it is served;
everything else is the state as it is now, so that whoever missed a moment missed nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.messages.event import EVENT
from components.monitor.collector import platform_version
from components.monitor.live_state import LiveState, look, told
from components.monitor.market import Grid, TradeState, books, grids, trades
from components.monitor.platform_view import PlatformView
from components.monitor.readings import merged

TRADES_KEPT: Final = 200
POINTS_KEPT: Final = 600
"""Of each symbol."""
POINT_S: Final = 0.5
EVENTS_READ: Final = 2_048
"""Newest events looked at in a tick; of more than these a sample is shown."""
SLOW_S: Final = 1.0
_NOT_TOLD: Final = (
    "platform", "at_ns", "cpu_seconds", "books", "symbols", "rings",
)  # fmt: skip
"""Of a look: what the fast half tells, or what only the next look needs."""

Journal = Callable[[], Mapping[str, Any] | None]
"""How far the journal is and its digest; None where there is none."""


@dataclass(frozen=True)
class Numbered:
    """A trade or a point, and its number in the order of arrival."""

    number: int
    value: Mapping[str, Any]


class PageState:
    """Gathers moments; for one thread."""

    def __init__(
        self,
        view: PlatformView,
        platform: str,
        journal: Journal = lambda: None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._view = view
        self._platform = platform
        self._journal = journal
        self._clock = clock
        self._number = 0
        self._seen: dict[str, int] = {}
        self._trades: deque[Numbered] = deque(maxlen=TRADES_KEPT)
        self._points: dict[str, deque[Numbered]] = {}
        self._point_at = 0
        self._grids: list[Grid] = []
        self._before: LiveState | None = None
        self._moment: dict[str, Any] = {}
        self._slow_at = 0

    @property
    def number(self) -> int:
        """Of the newest trade or point."""
        return self._number

    def gather(self, *, watched: bool = True) -> None:
        """Look now; while nobody watches only what the chart's history needs."""
        now = self._clock()
        due = not self._slow_at or now - self._slow_at >= SLOW_S * 1e9
        if not (watched or due):
            return
        if due or not self._grids:
            self._slow_at = now
            state = look(self._view, self._platform, now, self._before)
            self._before = state
            self._grids = grids(each for block in self._view.counters().values() for each in block)
            self._moment.update(self._slow(state))
        fast = self._fast()
        if now - self._point_at >= POINT_S * 1e9:
            self._point_at = now
            self._gather_points(fast["prices"])
        self._gather_trades()
        self._moment.update(fast)

    def greeting(self) -> dict[str, Any]:
        """What does not change while the platform runs."""
        return {
            "platform": self._platform,
            "version": platform_version(),
            "symbols": [
                {"name": each.symbol, "price": each.price_digits, "qty": each.qty_digits}
                for each in self._grids
            ],
        }

    def moment(self, after: int) -> dict[str, Any]:
        """The newest moment, with the trades and points beyond number ``after``."""
        return {
            **self._moment,
            "number": self._number,
            "trades": [each.value for each in self._trades if each.number > after],
            "points": [
                each.value
                for points in self._points.values()
                for each in points
                if each.number > after
            ],
        }

    def _slow(self, state: LiveState) -> dict[str, Any]:
        rates = {ring.name: ring.per_second for ring in state.rings}
        return {
            **{name: each for name, each in told(state).items() if name not in _NOT_TOLD},
            "ring_rates": rates,
            "rates": {each.symbol: each.trades_per_second for each in state.symbols},
            "journal": self._journal(),
            "up": bool(state.processes),
            "symbol_names": [each.symbol for each in self._grids],
        }

    def _fast(self) -> dict[str, Any]:
        gauges = {
            "titan_last_price": "last",
            "titan_best_bid": "bid",
            "titan_best_ask": "ask",
            "sentinel_mark_price": "mark",
        }
        prices: dict[str, dict[str, float | None]] = {
            each.symbol: dict.fromkeys(gauges.values()) for each in self._grids
        }
        for reading in merged(self._view.counters()):
            name = gauges.get(reading.spec.name)
            if name and not reading.is_absent:
                prices.setdefault(dict(reading.spec.labels)["symbol"], {})[name] = reading.value
        return {
            "at": time.time(),
            "prices": prices,
            "books": {
                each.symbol: {"bids": each.bids, "asks": each.asks}
                for each in books(self._view.depth(), self._grids)
            },
            "rings": [
                {
                    "name": ring.name,
                    "capacity": ring.capacity,
                    "cursor": ring.cursor,
                    "free": ring.remaining_capacity,
                    "stalls": ring.stalls,
                    "consumers": [
                        {"name": each.name, "at": each.sequence} for each in ring.consumers
                    ],
                }
                for ring in self._view.rings()
            ],
        }

    def _gather_points(self, prices: Mapping[str, Mapping[str, float | None]]) -> None:
        """A point of each symbol that has a price."""
        for symbol, each in prices.items():
            if each.get("last") is not None:
                points = self._points.setdefault(symbol, deque(maxlen=POINTS_KEPT))
                self._keep(points, {"at": time.time(), "symbol": symbol, **each})

    def _gather_trades(self) -> None:
        for ring in self._view.newest_events(EVENT, self._seen, EVENTS_READ):
            self._seen[ring.ring] = ring.sequence
            for trade in list(trades(ring.events, self._grids))[-TRADES_KEPT:]:
                self._keep(self._trades, _told(trade))

    def _keep(self, kept: deque[Numbered], value: Mapping[str, Any]) -> None:
        self._number += 1
        kept.append(Numbered(self._number, value))


def _told(trade: TradeState) -> dict[str, Any]:
    return {
        "at": trade.ts / 1e9,
        "symbol": trade.symbol,
        "side": trade.side,
        "price": trade.price,
        "qty": trade.qty,
    }
