"""Keeps a venue's books and has the mirror follow each change at once, in the feed's own order.

The gap rules are judged before (``depth_sync``); a book that is lost is withdrawn, and comes back with
its next snapshot.  So is one whose levels are not on the instrument's grid: a book with other prices
than the venue's would be a lie.
"""

from __future__ import annotations

from collections.abc import Callable

from components.feed.batch import CommandBatch, VenueBatch
from components.feed.frame_parser import FrameParser
from components.feed.mirror_flow import MirrorFlow
from components.feed.sampled_log import SampledLog
from components.feed.venue_book import VenueBook
from components.feed.venue_messages import DepthSnapshot, DepthUpdate, Pairs


class MirrorBooks:
    """A ``BookSink`` whose books are copied; ``received_ns`` tells when the present frame came."""

    def __init__(
        self,
        flow: MirrorFlow,
        parser: FrameParser,
        batch: CommandBatch | VenueBatch,
        received_ns: Callable[[], int],
    ) -> None:
        self._flow = flow
        self._levels = parser.levels
        self._batch = batch
        self._received_ns = received_ns
        self._books: dict[int, VenueBook] = {}
        self._log = SampledLog(__name__)

    def snapshot(self, snapshot: DepthSnapshot) -> None:
        """The whole book of a symbol, in place of what was known."""
        self._books[snapshot.symbol] = VenueBook()
        self._change(snapshot.symbol, snapshot.bids, snapshot.asks)

    def update(self, update: DepthUpdate) -> None:
        """A change of a book that is known; nothing if it was withdrawn meanwhile."""
        if update.symbol in self._books:
            self._change(update.symbol, update.bids, update.asks)

    def lost(self, symbol: int) -> None:
        """The book of a symbol is not known any more."""
        self._books.pop(symbol, None)
        self._batch.add_orders(self._flow.withdraw(symbol, self._received_ns()))

    def _change(self, symbol: int, bids: Pairs, asks: Pairs) -> None:
        book = self._books[symbol]
        new_bids, new_asks = self._levels(symbol, bids), self._levels(symbol, asks)
        if new_bids is None or new_asks is None:
            self._log.warning("a level off the instrument's grid", f"book {symbol}", str(bids))
            self.lost(symbol)
            return
        book.change(new_bids, new_asks)
        self._batch.add_orders(self._flow.follow(symbol, book, self._received_ns()))
