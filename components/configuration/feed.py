"""The feed as it is configured; what it means, and every default, is in `feed.settings`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from components.configuration.order_flow import OrderFlow
from components.configuration.simulation import Simulation
from components.configuration.values import Ratio, Symbol, seconds
from components.configuration.venues import Venue
from components.feed.order_flow_settings import accounts_of, is_silent
from components.feed.price_trust import PriceTrustSettings
from components.feed.settings import (
    BinanceSettings,
    FeedSettings,
    Market,
    Mode,
    OffGrid,
    PriceFrom,
    RecordedSettings,
    Stream,
)
from disruptor.topology.model import Strict, shown

AS_FAST_AS_POSSIBLE: Final = "max"
_STREAMS = "a list out of trade, agg_trade, mark_price, book_ticker, depth and partial_depth"


def _speed(value: object) -> object:
    if value == AS_FAST_AS_POSSIBLE:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1e6:
        raise ValueError(f"found {shown(value)}; write max, or a factor above 0 up to 1000000")
    return float(value)


class Recorded(Strict):
    """A recording; its path is relative to the file that names it."""

    path: str = Field(default=RecordedSettings.path, description="the path of a recording")
    speed: Annotated[float, BeforeValidator(_speed)] = Field(
        default=RecordedSettings.speed,
        description="max, or a factor above 0 up to 1000000",
    )
    loop: bool = Field(default=RecordedSettings.loop, description="true or false")


class Binance(Strict):
    """The live venue, or a stand-in for it at ``base_url``."""

    base_url: str = Field(
        default=BinanceSettings.base_url,
        pattern=r"^(wss?://\S+)?$",
        description="a wss:// or ws:// address",
    )
    rest_url: str = Field(
        default=BinanceSettings.rest_url,
        pattern=r"^(https?://\S+)?$",
        description="an https:// or http:// address",
    )
    market: Market = Field(default=BinanceSettings.market, description="spot or usdm")
    streams: Annotated[tuple[Stream, ...], Field(strict=False)] = Field(
        default=BinanceSettings.streams, min_length=1, description=_STREAMS
    )
    stale_after_s: float = seconds(BinanceSettings.stale_after_s, 86_400)
    deadlines_s: dict[Stream, Annotated[float, Field(gt=0, le=86_400)]] = Field(
        default={"mark_price": 5.0},
        description="a mapping from streams to seconds from 0 to 86400",
    )
    healthy_after_s: float = seconds(BinanceSettings.healthy_after_s, 86_400, or_none=True)
    backoff_base_s: float = seconds(BinanceSettings.backoff_base_s, 3600)
    backoff_cap_s: float = seconds(BinanceSettings.backoff_cap_s, 3600)
    acknowledge_within_s: float = seconds(BinanceSettings.acknowledge_within_s, 3600)
    replace_after_s: float = seconds(BinanceSettings.replace_after_s, 86_400)
    overlap_s: float = seconds(BinanceSettings.overlap_s, 600, or_none=True)
    snapshot_interval_s: float = seconds(BinanceSettings.snapshot_interval_s, 3600)
    message_bytes_max: int = Field(
        default=BinanceSettings.message_bytes_max,
        ge=1024,
        le=2**30,
        description="bytes from 1024 to 1073741824",
    )


class Trust(Strict):
    """When a venue's price is not believed; ratios of the last believed one, 0 for never."""

    jump: Ratio = Field(
        default=PriceTrustSettings.jump_ppm, description='a ratio from 0 to 1, e.g. "0.05"'
    )
    band: Ratio = Field(
        default=PriceTrustSettings.band_ppm, description='a ratio from 0 to 1, e.g. "0.5"'
    )
    confirmations: int = Field(
        default=PriceTrustSettings.confirmations,
        ge=1,
        le=1000,
        description="a whole number from 1 to 1000",
    )

    def settings(self) -> PriceTrustSettings:
        """What the feed takes."""
        return PriceTrustSettings(self.jump, self.band, self.confirmations)


class Feed(Strict):
    """Where prices and orders come from."""

    mode: Mode = Field(
        default=FeedSettings.mode, description="simulation, recorded, binance or venues"
    )
    symbols: Annotated[tuple[Symbol, ...], Field(strict=False)] = Field(
        default=FeedSettings.symbols, min_length=1, description="a list of symbols"
    )
    venue_symbols: dict[Symbol, Symbol] = Field(
        default={}, description="a mapping from our symbols to the venue's"
    )
    seed: int = Field(
        default=FeedSettings.seed, ge=0, le=2**63 - 1, description="a whole number from 0"
    )
    price_from: PriceFrom = Field(
        default=FeedSettings.price_from, description="trade, agg_trade or mark_price"
    )
    off_grid: OffGrid = Field(default=FeedSettings.off_grid, description="reject or round")
    trust: Trust = Field(default=Trust(), description="a mapping")
    reorder_ms: float = Field(
        default=FeedSettings.reorder_ms, ge=0, le=10_000, description="milliseconds from 0 to 10000"
    )
    conflate_ms: float = Field(
        default=FeedSettings.conflate_ms,
        ge=0,
        le=10_000,
        description="milliseconds from 0 to 10000",
    )
    record: bool = Field(default=FeedSettings.record, description="true or false")
    frame_bytes_max: int = Field(
        default=FeedSettings.frame_bytes_max,
        ge=1024,
        le=2**30,
        description="bytes from 1024 to 1073741824",
    )
    batch_max: int = Field(
        default=FeedSettings.batch_max,
        ge=1,
        le=65_536,
        description="a whole number from 1 to 65536",
    )
    simulation: Simulation = Field(default=Simulation(), description="a mapping")
    recorded: Recorded = Field(default=Recorded(), description="a mapping")
    binance: Binance = Field(default=Binance(), description="a mapping")
    venues: Annotated[tuple[Venue, ...], Field(strict=False)] = Field(
        default=(), description="a list of venues"
    )
    order_flow: OrderFlow = Field(default=OrderFlow(), description="a mapping")

    def order_flow_accounts(self) -> tuple[int, ...]:
        """The accounts that the order flow trades with; none when there is none."""
        flow = self.order_flow
        if is_silent(flow.kind, flow.orders_per_second):
            return ()
        return accounts_of(flow.kind, flow.maker_accounts, flow.taker_accounts)

    def settings(self) -> FeedSettings:
        """What the feed's process takes; raises ConfigurationError for what does not fit."""
        nested = {"simulation", "recorded", "binance", "venues", "trust", "order_flow"}
        plain = self.model_dump(exclude=nested)
        return FeedSettings(
            **plain,
            simulation=self.simulation.settings(),
            recorded=RecordedSettings(**self.recorded.model_dump()),
            binance=BinanceSettings(**self.binance.model_dump()),
            venues=tuple(each.settings() for each in self.venues),
            trust=self.trust.settings(),
            order_flow=self.order_flow.settings(),
        )
