"""What every venue's parser is."""

from __future__ import annotations

from typing import Protocol

from components.feed.venue_messages import Message, Pairs, VenueSymbol


class FrameParser(Protocol):
    """Makes messages of frames; total: it never raises."""

    @property
    def symbols(self) -> tuple[VenueSymbol, ...]:
        """Those that it knows."""

    def restart(self) -> None:
        """Another connection begins: what belongs to the one before it is forgotten."""

    def parse(self, frame: bytes | str) -> tuple[Message, ...]:
        """All messages of one frame, at least one."""

    def levels(self, symbol: int, pairs: Pairs) -> list[tuple[int, int]] | None:
        """Levels as (ticks, lots), lots 0 where the level is gone; None if any is not valid."""
