"""Everything that the feed can be told, checked when it is made; nothing here reads a file.

Three sources share one interface: a simulation, a recording, and Binance.  Order flow runs beside
any of them.  Mistakes are ``ConfigurationError`` naming the key as it stands under ``feed:``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from components.units import MONEY_MAX, MONEY_SCALE, PPM
from disruptor.errors import ConfigurationError

Mode = Literal["simulation", "recorded", "binance"]
PriceFrom = Literal["trade", "agg_trade", "mark_price"]
OffGrid = Literal["reject", "round"]
Market = Literal["spot", "usdm"]
Stream = Literal["trade", "agg_trade", "mark_price", "book_ticker", "depth"]

MODES: Final = ("simulation", "recorded", "binance")
PRICE_FROM: Final = ("trade", "agg_trade", "mark_price")
OFF_GRID: Final = ("reject", "round")
MARKETS: Final = ("spot", "usdm")
STREAMS: Final = ("trade", "agg_trade", "mark_price", "book_ticker", "depth")
ORDERS_PER_SECOND_MAX: Final = 10_000_000
SLOTS_MAX: Final = 4096


def _require(condition: bool, key: str, found: object, right: str) -> None:
    if not condition:
        raise ConfigurationError(f"feed.{key}: found {found!r}; {right}")


def _require_one_of(value: str, allowed: tuple[str, ...], key: str) -> None:
    _require(value in allowed, key, value, f"it must be one of {', '.join(allowed)}")


@dataclass(frozen=True)
class SimulationSettings:
    """A random walk for each symbol; ``start_prices`` names those that differ from the default."""

    start_price: Decimal = Decimal(50_000)
    start_prices: Mapping[str, Decimal] = field(default_factory=dict)
    volatility: float = 0.002  # standard deviation of the logarithmic return of one step
    drift: float = 0.0  # mean logarithmic growth of one step
    interval_s: float = 0.1

    def __post_init__(self) -> None:
        _require(
            0 <= self.volatility <= 0.5, "simulation.volatility", self.volatility, "0 to 0.5 a step"
        )
        _require(abs(self.drift) <= 0.5, "simulation.drift", self.drift, "-0.5 to 0.5 a step")
        _require(
            self.interval_s >= 1e-4,
            "simulation.interval_ms",
            self.interval_s * 1000,
            "at least 0.1",
        )
        for price in (self.start_price, *self.start_prices.values()):
            _require(price > 0, "simulation.start_price", str(price), "it must be positive")


@dataclass(frozen=True)
class OrderFlowSettings:
    """Makers and takers around the price; ``orders_per_second`` counts every command they send."""

    orders_per_second: float = 200.0  # 0: no order flow
    maker_accounts: tuple[int, ...] = (9001, 9002)
    taker_accounts: tuple[int, ...] = (9101, 9102)
    levels: int = 10  # quotes a side and symbol, dealt out among the makers
    half_spread_ppm: int = 100
    level_step_ppm: int = 300
    taker_share_ppm: int = 200_000
    taker_reach_ppm: int = 2_000  # how far from the touch a taker's limit lies
    maker_notional: int = 20_000 * MONEY_SCALE  # largest quote, money
    taker_notional: int = 5_000 * MONEY_SCALE  # largest take, money
    inventory_notional: int = 250_000 * MONEY_SCALE  # a taker beyond it turns round

    def __post_init__(self) -> None:
        rate = self.orders_per_second
        _require(
            rate == 0 or 1e-3 <= rate <= ORDERS_PER_SECOND_MAX,
            "order_flow.orders_per_second",
            rate,
            f"0, or 0.001 to {ORDERS_PER_SECOND_MAX}",
        )
        for key, accounts in (("maker", self.maker_accounts), ("taker", self.taker_accounts)):
            name = f"order_flow.{key}_accounts"
            _require(len(accounts) > 0, name, accounts, "name at least one account")
            _require(min(accounts) > 0, name, accounts, "account numbers are positive")
        every = self.accounts
        _require(
            len(set(every)) == len(every),
            "order_flow",
            every,
            "each account may stand only once",
        )
        most = SLOTS_MAX // 2
        _require(1 <= self.levels <= most, "order_flow.levels", self.levels, f"1 to {most}")
        for name in ("half_spread_ppm", "level_step_ppm", "taker_share_ppm", "taker_reach_ppm"):
            value = getattr(self, name)
            _require(0 <= value <= PPM, f"order_flow.{name}", value, f"0 to {PPM}")
        deepest = self.half_spread_ppm + self.levels * self.level_step_ppm
        _require(
            deepest <= PPM // 2,
            "order_flow.level_step_ppm",
            self.level_step_ppm,
            f"with {self.levels} levels the last quote would be {deepest} ppm away, at most 500000",
        )
        for name in ("maker_notional", "taker_notional", "inventory_notional"):
            value = getattr(self, name)
            _require(0 < value <= MONEY_MAX, f"order_flow.{name}", value, "positive money")

    @property
    def accounts(self) -> tuple[int, ...]:
        """All accounts that the order flow trades with; set-up must open and fund them."""
        return (*self.maker_accounts, *self.taker_accounts)


@dataclass(frozen=True)
class RecordedSettings:
    """A recording of raw frames; ``speed`` 1 is as it was received, 0 as fast as possible."""

    path: str = ""
    speed: float = 1.0
    loop: bool = False

    def __post_init__(self) -> None:
        _require(
            0 <= self.speed <= 1e6, "recorded.speed", self.speed, 'a factor above 0, or "max" (0)'
        )


@dataclass(frozen=True)
class BinanceSettings:
    """Where and what to subscribe; an empty ``base_url`` means the market's own."""

    base_url: str = ""
    market: Market = "spot"
    streams: tuple[Stream, ...] = ("trade", "book_ticker", "depth")
    stale_after_s: float = 10.0  # no valid data for so long: the connection is replaced
    healthy_after_s: float = 10.0  # data for so long: the next backoff starts small again
    backoff_base_s: float = 0.5
    backoff_cap_s: float = 30.0
    message_bytes_max: int = 4 * 2**20  # a larger message ends the connection

    def __post_init__(self) -> None:
        _require_one_of(self.market, MARKETS, "binance.market")
        _require(len(self.streams) > 0, "binance.streams", self.streams, "name at least one")
        for stream in self.streams:
            _require_one_of(stream, STREAMS, "binance.streams")
        _require(
            self.base_url == "" or self.base_url.startswith(("ws://", "wss://")),
            "binance.base_url",
            self.base_url,
            "it must start with wss:// or ws://",
        )
        for name in ("stale_after_s", "backoff_base_s", "backoff_cap_s"):
            value = getattr(self, name)
            _require(value > 0, f"binance.{name}", value, "it must be positive")


@dataclass(frozen=True)
class FeedSettings:
    """The whole feed: which source, for which symbols, with which order flow."""

    mode: Mode = "simulation"
    symbols: tuple[str, ...] = ("BTCUSDT",)
    venue_symbols: Mapping[str, str] = field(default_factory=dict)  # ours: theirs, if it differs
    seed: int = 42
    simulation: SimulationSettings = SimulationSettings()
    recorded: RecordedSettings = RecordedSettings()
    binance: BinanceSettings = BinanceSettings()
    order_flow: OrderFlowSettings = OrderFlowSettings()
    price_from: PriceFrom = "trade"
    off_grid: OffGrid = "reject"
    frame_bytes_max: int = 2**20  # a larger frame is dropped and counted
    batch_max: int = 256  # commands published at once

    def __post_init__(self) -> None:
        _require_one_of(self.mode, MODES, "mode")
        _require_one_of(self.price_from, PRICE_FROM, "price_from")
        _require_one_of(self.off_grid, OFF_GRID, "off_grid")
        _require(len(self.symbols) > 0, "symbols", self.symbols, "name at least one")
        _require(
            len(set(self.symbols)) == len(self.symbols),
            "symbols",
            self.symbols,
            "each may stand only once",
        )
        _require(self.seed >= 0, "seed", self.seed, "a whole number from 0")
        _require(1 <= self.batch_max <= 65_536, "batch_max", self.batch_max, "1 to 65536")
        _require(
            self.mode != "recorded" or bool(self.recorded.path),
            "recorded.path",
            self.recorded.path,
            "name the recording to play",
        )

    def venue_symbol(self, symbol: str) -> str:
        """The venue's name of our ``symbol``, upper case."""
        return self.venue_symbols.get(symbol, symbol).upper()
