"""What a feed parses with, as the raw journal says it at each start, so that it explains itself.

Decimals and names as text, everything else as numbers; what a parser or a rule does not use is not
there.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.price_trust import PriceTrustSettings
from components.feed.settings import STREAMS, BinanceSettings, FeedSettings, RecordedSettings
from components.feed.venue_settings import VenueSettings
from components.instruments import Instrument, InstrumentTable
from components.oracle.raw.tail import CONTINUED, STARTED, Entry


def session_text(settings: FeedSettings, instruments: InstrumentTable) -> bytes:
    """The payload of the entry that begins a session."""
    has_venues = settings.mode == "venues"
    return orjson.dumps(
        {
            "symbols": [
                {
                    "name": each.name,
                    "venue": settings.venue_symbol(each.name),
                    "index": each.index,
                    "tick": str(each.tick_size),
                    "lot": str(each.lot_size),
                }
                for each in (instruments[name] for name in settings.symbols)
            ],
            "price_from": settings.price_from,
            "off_grid": settings.off_grid,
            "frame_bytes_max": settings.frame_bytes_max,
            "reorder_ms": settings.reorder_ms,
            "conflate_ms": settings.conflate_ms,
            "trust": [
                settings.trust.jump_ppm,
                settings.trust.band_ppm,
                settings.trust.confirmations,
            ],
            "deadlines_s": dict(settings.binance.deadlines_s)  # each venue has its own for others
            if has_venues
            else {kind: settings.binance.deadline_s(kind) for kind in STREAMS},
            "levels": settings.order_flow.levels,
            "venues": [
                {
                    "venue": each.venue,
                    "symbols": dict(each.symbols),
                    "streams": each.streams,
                    "stale_after_s": each.stale_after_s,
                }
                for each in (settings.venues if has_venues else ())
            ],
        }
    )


class SessionVenues(NamedTuple):
    """The venues of a feed that had several, and how deep their books were asked for."""

    venues: tuple[VenueSettings, ...]
    levels: int


def venues_of(payload: bytes) -> SessionVenues | None:
    """The venues that a session names; None if it was of Binance alone."""
    said: dict[str, Any] = orjson.loads(payload)
    venues = tuple(
        VenueSettings(
            each["venue"],
            symbols=each["symbols"],
            streams=tuple(each["streams"]),
            stale_after_s=each["stale_after_s"],
        )
        for each in said.get("venues", ())
    )
    return SessionVenues(venues, said["levels"]) if venues else None


def is_session(entry: Entry) -> bool:
    """Whether this entry says what a feed parses with, as it begins or goes on."""
    return entry.kind in (STARTED, CONTINUED)


def session_of(
    payload: bytes, recording: Path, speed: float
) -> tuple[FeedSettings, InstrumentTable]:
    """Settings that play a recording as the session received it, without any order flow."""
    said: dict[str, Any] = orjson.loads(payload)
    symbols = sorted(said["symbols"], key=lambda each: int(each["index"]))
    table: list[Instrument] = []
    for each in symbols:
        while len(table) < each["index"]:
            table.append(Instrument(f"#{len(table)}", len(table), Decimal(1), Decimal(1)))
        tick, lot = Decimal(each["tick"]), Decimal(each["lot"])
        table.append(Instrument(each["name"], each["index"], tick, lot))
    settings = FeedSettings(
        mode="recorded",
        symbols=tuple(each["name"] for each in symbols),
        venue_symbols={each["name"]: each["venue"] for each in symbols},
        recorded=RecordedSettings(str(recording), speed),
        order_flow=OrderFlowSettings(orders_per_second=0),
        binance=BinanceSettings(deadlines_s=said["deadlines_s"]),
        price_from=said["price_from"],
        off_grid=said["off_grid"],
        frame_bytes_max=said["frame_bytes_max"],
        reorder_ms=said["reorder_ms"],
        conflate_ms=said["conflate_ms"],
        trust=PriceTrustSettings(*said["trust"]),
    )
    return settings, InstrumentTable(table)
