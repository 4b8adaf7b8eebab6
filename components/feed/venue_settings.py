"""What can be told of one venue among several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from components.feed.setting_checks import require, require_one_of
from components.titan.engine.state import SOURCES_MAX

VenueKind = Literal["binance", "coinbase", "kraken"]
VenueStream = Literal["trade", "depth"]

VENUE_KINDS: Final = ("binance", "coinbase", "kraken")
VENUE_STREAMS: Final = ("trade", "depth")
VENUES_MAX: Final = SOURCES_MAX
"""A price names its venue by its place among them; Titan's median has as many sources."""


@dataclass(frozen=True)
class VenueSettings:
    """One venue; ``symbols`` are those that it trades, by our name, as it writes them."""

    venue: VenueKind
    symbols: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""  # empty: the venue's own
    streams: tuple[VenueStream, ...] = ("trade",)
    stale_after_s: float = 60.0  # no valid data for so long: the connection is replaced
    healthy_after_s: float = 10.0  # data for so long: the next backoff starts small again
    backoff_base_s: float = 0.5
    backoff_cap_s: float = 30.0

    def __post_init__(self) -> None:
        require_one_of(self.venue, VENUE_KINDS, "venues")
        require(len(self.symbols) > 0, "venues", self.symbols, "name the symbols of each venue")
        require(
            self.base_url == "" or self.base_url.startswith(("ws://", "wss://")),
            "venues",
            self.base_url,
            "base_url must start with wss:// or ws://",
        )
        require(len(self.streams) > 0, "venues", self.streams, "name at least one stream")
        for stream in self.streams:
            require_one_of(stream, VENUE_STREAMS, "venues")
        for name in ("stale_after_s", "backoff_base_s", "backoff_cap_s"):
            value = getattr(self, name)
            require(value > 0, "venues", value, f"{name} must be positive")
