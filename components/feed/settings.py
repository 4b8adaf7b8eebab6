"""Everything that the feed can be told, checked when it is made; nothing here reads a file.

Three sources share one interface: a simulation, a recording, and Binance.  Order flow runs beside
any of them.  Mistakes are ``ConfigurationError`` naming the key as it stands under ``feed:``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from components.feed.correlation import correlation_factor
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.price_trust import PriceTrustSettings
from components.feed.setting_checks import require, require_one_of
from components.feed.simulation_settings import SimulationSettings
from components.feed.venue_settings import VENUES_MAX, VenueSettings

Mode = Literal["simulation", "recorded", "binance", "venues"]
PriceFrom = Literal["trade", "agg_trade", "mark_price"]
OffGrid = Literal["reject", "round"]
Market = Literal["spot", "usdm"]
Stream = Literal["trade", "agg_trade", "mark_price", "book_ticker", "depth", "partial_depth"]

MODES: Final = ("simulation", "recorded", "binance", "venues")
LIVE_MODES: Final = ("binance", "venues")
PRICE_FROM: Final = ("trade", "agg_trade", "mark_price")
OFF_GRID: Final = ("reject", "round")
MARKETS: Final = ("spot", "usdm")
STREAMS: Final = ("trade", "agg_trade", "mark_price", "book_ticker", "depth", "partial_depth")


@dataclass(frozen=True)
class RecordedSettings:
    """A recording of raw frames; ``speed`` 1 is as it was received, 0 as fast as possible."""

    path: str = ""
    speed: float = 1.0
    loop: bool = False

    def __post_init__(self) -> None:
        require(
            0 <= self.speed <= 1e6, "recorded.speed", self.speed, 'a factor above 0, or "max" (0)'
        )


@dataclass(frozen=True)
class BinanceSettings:
    """Where and what to subscribe; an empty ``base_url`` means the market's own, an empty ``rest_url``
    the same host, over HTTP."""

    base_url: str = ""
    rest_url: str = ""
    market: Market = "spot"
    streams: tuple[Stream, ...] = ("trade", "book_ticker", "depth")
    stale_after_s: float = 10.0  # a stream, or a connection, that is silent for so long is stale
    deadlines_s: Mapping[str, float] = field(default_factory=lambda: {"mark_price": 5.0})
    healthy_after_s: float = 10.0  # data for so long: the next backoff starts small again
    backoff_base_s: float = 0.5
    backoff_cap_s: float = 30.0
    acknowledge_within_s: float = 10.0  # no answer to a subscription: the connection is replaced
    replace_after_s: float = 82_800.0  # before the venue cuts it at 24 h
    overlap_s: float = 2.0  # how long a connection and its successor both receive, at least
    snapshot_interval_s: float = 2.0  # between two requests for whole books
    message_bytes_max: int = 4 * 2**20  # a larger message ends the connection

    def __post_init__(self) -> None:
        require_one_of(self.market, MARKETS, "binance.market")
        require(len(self.streams) > 0, "binance.streams", self.streams, "name at least one")
        for stream in self.streams:
            require_one_of(stream, STREAMS, "binance.streams")
        require(
            self.base_url == "" or self.base_url.startswith(("ws://", "wss://")),
            "binance.base_url",
            self.base_url,
            "it must start with wss:// or ws://",
        )
        require(
            self.rest_url == "" or self.rest_url.startswith(("http://", "https://")),
            "binance.rest_url",
            self.rest_url,
            "it must start with https:// or http://",
        )
        for name in (
            "stale_after_s",
            "backoff_base_s",
            "backoff_cap_s",
            "acknowledge_within_s",
            "replace_after_s",
            "snapshot_interval_s",
        ):
            value = getattr(self, name)
            require(value > 0, f"binance.{name}", value, "it must be positive")
        for kind, seconds in self.deadlines_s.items():
            require_one_of(kind, STREAMS, "binance.deadlines_s")
            require(seconds > 0, f"binance.deadlines_s.{kind}", seconds, "it must be positive")

    def deadline_s(self, kind: str) -> float:
        """How long a stream of this kind may be silent."""
        return self.deadlines_s.get(kind, self.stale_after_s)


@dataclass(frozen=True)
class FeedSettings:
    """The whole feed: which source, for which symbols, with which order flow."""

    mode: Mode = "simulation"
    symbols: tuple[str, ...] = ("BTCUSDT",)
    venue_symbols: Mapping[str, str] = field(default_factory=dict)  # ours: theirs, if it differs
    seed: int = 42
    simulation: SimulationSettings = field(default_factory=SimulationSettings)
    recorded: RecordedSettings = RecordedSettings()
    binance: BinanceSettings = BinanceSettings()
    venues: tuple[VenueSettings, ...] = ()  # mode venues: the first is what order flow follows
    order_flow: OrderFlowSettings = field(default_factory=OrderFlowSettings)
    price_from: PriceFrom = "trade"
    off_grid: OffGrid = "reject"
    trust: PriceTrustSettings = field(default_factory=PriceTrustSettings)
    reorder_ms: float = 5.0  # how long a trade waits for those before it that are missing
    conflate_ms: float = 10.0  # of mark prices that come faster, the newest counts
    record: bool = True  # journal every frame of a live feed before it is parsed
    frame_bytes_max: int = 2**20  # a larger frame is dropped and counted
    batch_max: int = 256  # commands published at once

    def __post_init__(self) -> None:
        require_one_of(self.mode, MODES, "mode")
        require_one_of(self.price_from, PRICE_FROM, "price_from")
        require_one_of(self.off_grid, OFF_GRID, "off_grid")
        require(len(self.symbols) > 0, "symbols", self.symbols, "name at least one")
        require(
            len(set(self.symbols)) == len(self.symbols),
            "symbols",
            self.symbols,
            "each may stand only once",
        )
        for event in self.simulation.stress:
            for symbol in event.symbols:
                right = f"it must be one of feed.symbols: {', '.join(self.symbols)}"
                require(symbol in self.symbols, "simulation.stress", symbol, right)
        if self.simulation.correlation:
            correlation_factor(self.simulation.correlation, self.symbols)
        self._check_venues()
        if self.order_flow.kind == "mirror":
            right = "a simulation has no book to mirror; write another kind, or another feed.mode"
            require(self.mode != "simulation", "order_flow.kind", "mirror", right)
            right = "order_flow.kind mirror needs reject: it copies the venue's own prices"
            require(self.off_grid == "reject", "off_grid", self.off_grid, right)
        require(self.seed >= 0, "seed", self.seed, "a whole number from 0")
        require(1 <= self.batch_max <= 65_536, "batch_max", self.batch_max, "1 to 65536")
        require(
            self.mode != "recorded" or bool(self.recorded.path),
            "recorded.path",
            self.recorded.path,
            "name the recording to play",
        )

    def _check_venues(self) -> None:
        count = len(self.venues)
        right = f"mode venues needs 1 to {VENUES_MAX} of them"
        require(self.mode != "venues" or 1 <= count <= VENUES_MAX, "venues", count, right)
        for venue in self.venues:
            for symbol in venue.symbols:
                right = f"it must be one of feed.symbols: {', '.join(self.symbols)}"
                require(symbol in self.symbols, "venues", symbol, right)

    def venue_symbol(self, symbol: str) -> str:
        """The venue's name of our ``symbol``, upper case."""
        return self.venue_symbols.get(symbol, symbol).upper()
