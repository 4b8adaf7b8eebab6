"""A venue among several as it is configured; what it means is in `feed.venue_settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.configuration.values import Symbol, seconds
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
    stale_after_s: float = seconds(VenueSettings.stale_after_s, 86_400)
    healthy_after_s: float = seconds(VenueSettings.healthy_after_s, 86_400, or_none=True)
    backoff_base_s: float = seconds(VenueSettings.backoff_base_s, 3600)
    backoff_cap_s: float = seconds(VenueSettings.backoff_cap_s, 3600)

    def settings(self) -> VenueSettings:
        """What the feed takes."""
        return VenueSettings(**self.model_dump())
