"""A venue among several as it is configured; what it means is in `feed.venue_settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.configuration.values import Symbol
from components.feed.venue_settings import VenueKind, VenueSettings, VenueStream
from disruptor.topology.model import Strict


class Venue(Strict):
    """One venue; a price names it by its place in the list."""

    venue: VenueKind = Field(description="binance, coinbase or kraken")
    symbols: dict[Symbol, str] = Field(
        min_length=1, description="a mapping from our symbols to the venue's"
    )
    base_url: str = Field(
        default=VenueSettings.base_url,
        pattern=r"^(wss?://\S+)?$",
        description="a wss:// or ws:// address",
    )
    streams: Annotated[tuple[VenueStream, ...], Field(strict=False)] = Field(
        default=VenueSettings.streams,
        min_length=1,
        description="a list out of trade and depth",
    )
    stale_after_s: float = Field(
        default=VenueSettings.stale_after_s, gt=0, le=86_400, description="seconds from 0 to 86400"
    )
    healthy_after_s: float = Field(
        default=VenueSettings.healthy_after_s,
        ge=0,
        le=86_400,
        description="seconds from 0 to 86400",
    )
    backoff_base_s: float = Field(
        default=VenueSettings.backoff_base_s, gt=0, le=3600, description="seconds from 0 to 3600"
    )
    backoff_cap_s: float = Field(
        default=VenueSettings.backoff_cap_s, gt=0, le=3600, description="seconds from 0 to 3600"
    )

    def settings(self) -> VenueSettings:
        """What the feed takes."""
        return VenueSettings(**self.model_dump())
