"""The decoders that play a recording: one for each venue that its frames are of.

A file of frames is of Binance.  A raw journal says at each start of a feed which venues it had, so
that it needs no settings of theirs; when a later start had others, their decoders take the place of the
first ones'.  Each of its segments says it again, for those that begin there.
"""

from __future__ import annotations

from dataclasses import replace

from components.feed.batch import CommandBatch
from components.feed.metrics import FeedMetrics
from components.feed.order_flow import OrderFlow
from components.feed.raw_session import SessionVenues, venues_of
from components.feed.settings import FeedSettings
from components.feed.venue_settings import VenueSettings
from components.feed.venues import build_venues
from components.instruments import InstrumentTable
from disruptor.errors import ConfigurationError


class RecordedVenues:
    """Several decoders as one; ``venue`` is a place among them."""

    def __init__(
        self,
        settings: FeedSettings,
        instruments: InstrumentTable,
        batch: CommandBatch,
        flow: OrderFlow,
        metrics: FeedMetrics,
    ) -> None:
        self._settings = settings
        self._instruments = instruments
        self._batch = batch
        self._flow = flow
        self._metrics = metrics
        self._session = b""
        self._of: SessionVenues | None = None
        self.venues = build_venues(
            settings, instruments, batch, flow, metrics, settings.order_flow.levels
        )
        self._decoders = [each.decoder for each in self.venues]

    @property
    def due_ns(self) -> int:
        """When time alone brings something."""
        return min(each.due_ns for each in self._decoders)

    def take(self, venue: int, now_ns: int, frame: bytes, place: str, number: int) -> None:
        """A frame of one venue."""
        self._decoders[venue].take(now_ns, now_ns, frame, place, number)

    def begin(self, session: bytes) -> None:
        """A feed began: sequences are new, and the venues those that it had."""
        self.restart()
        self._session = session
        of = venues_of(session)
        if of == self._of:
            return
        self._of = of
        self.finish()
        self.venues = build_venues(
            self._settings if of is None else self._settings_of(of),
            self._instruments,
            self._batch,
            self._flow,
            self._metrics,
            self._settings.order_flow.levels if of is None else of.levels,
        )
        self._decoders = [each.decoder for each in self.venues]

    def go_on(self, session: bytes) -> None:
        """A feed that had begun before goes on: nothing is new, unless this was not known."""
        if session != self._session:
            self.begin(session)

    def open(self, venue: int) -> None:
        """A connection to a venue was made."""
        self.venues[venue].parser.restart()

    def down(self, venue: int, lost: tuple[tuple[str, str], ...], now_ns: int) -> None:
        """These streams of a venue were lost."""
        decoder = self._decoders[venue]
        decoder.down(decoder.streams_named(lost), now_ns, now_ns)

    def drop(self, reason: str, detail: bytes | str, where: str) -> None:
        """Count and log something that is not even a frame."""
        self._decoders[0].drop(reason, detail, where)

    def advance(self, now_ns: int) -> None:
        """Do what is due."""
        for decoder in self._decoders:
            if decoder.due_ns <= now_ns:
                decoder.advance(now_ns, now_ns)

    def flush(self) -> None:
        """Publish and report."""
        for decoder in self._decoders:
            decoder.flush()

    def finish(self) -> None:
        """Nothing waits any longer."""
        for decoder in self._decoders:
            decoder.finish()

    def restart(self) -> None:
        """The source starts again from its beginning."""
        self._session = b""
        for venue in self.venues:
            venue.parser.restart()
            venue.decoder.restart()

    def _settings_of(self, session: SessionVenues) -> FeedSettings:
        """The settings of a feed with the session's venues, of the symbols that are configured."""
        return replace(
            self._settings,
            mode="venues",
            venues=tuple(self._configured(each) for each in session.venues),
        )

    def _configured(self, venue: VenueSettings) -> VenueSettings:
        known = self._settings.symbols
        symbols = {ours: theirs for ours, theirs in venue.symbols.items() if ours in known}
        if not symbols:
            raise ConfigurationError(
                f"feed.symbols: found {', '.join(known)}; the recording of {venue.venue} has "
                f"{', '.join(venue.symbols)}, so name one of these"
            )
        return replace(venue, symbols=symbols)
