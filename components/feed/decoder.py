"""Frames in, price commands out: what recordings and live connections share.

Each frame is parsed, its place in its stream judged, its kind counted; a price becomes a command
(every one: trades are never conflated), a best bid and ask moves the order flow's quotes.  Counts
are kept here and reported once a flush, so that a flood costs its parsing and little else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from components.feed.batch import CommandBatch
from components.feed.binance_messages import Parser
from components.feed.gaps import GAP, REPEATED, SequenceCheck
from components.feed.latency import ClockOffset
from components.feed.metrics import FeedMetrics
from components.feed.order_flow import OrderFlow
from components.feed.sampled_log import SampledLog
from components.feed.settings import FeedSettings
from components.feed.venue_messages import (
    AggTrade,
    BookTicker,
    Control,
    DepthSnapshot,
    DepthUpdate,
    Ignored,
    Malformed,
    MarkPrice,
    ServerShutdown,
    Trade,
    VenueSymbol,
)
from components.instruments import InstrumentTable

KINDS: Final[dict[type, str]] = {
    Trade: "trade",
    AggTrade: "agg_trade",
    BookTicker: "book_ticker",
    MarkPrice: "mark_price",
    DepthUpdate: "depth",
    DepthSnapshot: "snapshot",
    Control: "control",
    ServerShutdown: "server_shutdown",
}
_DATA: Final = frozenset((Trade, AggTrade, BookTicker, MarkPrice, DepthUpdate, DepthSnapshot))
_MS: Final = 1_000_000


def build_parser(settings: FeedSettings, instruments: InstrumentTable) -> Parser:
    """A parser of the symbols that ``settings`` names, as the venue calls them."""
    chosen = [instruments[name] for name in settings.symbols]
    return Parser(
        [
            VenueSymbol(settings.venue_symbol(each.name), each.index, each.tick_size, each.lot_size)
            for each in chosen
        ],
        frame_bytes_max=settings.frame_bytes_max,
        round_off_grid=settings.off_grid == "round",
    )


class Decoder:
    """Turns the frames of one source into commands in ``batch``; one thread."""

    def __init__(
        self,
        settings: FeedSettings,
        parser: Parser,
        batch: CommandBatch,
        flow: OrderFlow,
        metrics: FeedMetrics,
    ) -> None:
        self._parse = parser.parse
        self._batch = batch
        self._flow = flow
        self._metrics = metrics
        self._price_from = settings.price_from
        self._sequence = SequenceCheck()
        self._offset = ClockOffset()
        self._log = SampledLog(__name__)
        self._counts: Counter[type] = Counter()
        self._ignored: Counter[str] = Counter()
        self._malformed: Counter[str] = Counter()
        self._gaps: Counter[int] = Counter()
        self._repeats: Counter[int] = Counter()
        self._differences: list[int] = []
        self._has_touch: set[int] = set()
        self._last_received_ns = 0
        self.shutdown_announced = False
        self._by_type: dict[type, Callable[[Any, int], None]] = {
            Trade: self._on_trade,
            AggTrade: self._on_agg_trade,
            BookTicker: self._on_book_ticker,
            MarkPrice: self._on_mark_price,
            DepthUpdate: self._on_depth,
            ServerShutdown: self._on_server_shutdown,
            Ignored: self._on_ignored,
        }

    def take(self, received_ns: int, frame: bytes | str, place: str = "", number: int = 0) -> bool:
        """Decode one frame; True if it was valid data of a market.

        ``place`` and ``number``, a file and its line or an address and a count, are for the log.
        """
        self._last_received_ns = received_ns
        is_data = False
        for message in self._parse(frame):
            kind = type(message)
            if isinstance(message, Malformed):
                self._on_malformed(message.reason, frame, f"{place}:{number}")
                continue
            self._counts[kind] += 1
            act = self._by_type.get(kind)
            if act is not None:
                act(message, received_ns)
            is_data = is_data or kind in _DATA
        return is_data

    def flush(self) -> None:
        """Publish the commands at hand and report what was counted since the last flush."""
        self._batch.flush()
        metrics = self._metrics
        for kind, count in self._counts.items():
            if kind is not Ignored:
                metrics.frame(KINDS[kind], count)
        for why, count in self._ignored.items():
            metrics.frame(why, count)
        for reason, count in self._malformed.items():
            metrics.malformed(reason, count)
        for symbol, count in self._gaps.items():
            metrics.gap(symbol, count)
        for symbol, count in self._repeats.items():
            metrics.duplicate(symbol, count)
        for counter in (
            self._counts,
            self._ignored,
            self._malformed,
            self._gaps,
            self._repeats,
        ):
            counter.clear()
        if self._differences:
            metrics.latencies_ns(
                self._offset.latencies_ns(self._last_received_ns, self._differences)
            )
            self._differences = []

    def restart(self) -> None:
        """The source starts again from its beginning: sequences are new."""
        self._sequence.reset()

    def drop(self, reason: str, detail: bytes | str, where: str) -> None:
        """Count and log something that is not even a frame, e.g. a broken line of a file."""
        self._on_malformed(reason, detail, where)

    def _on_malformed(self, reason: str, detail: bytes | str, where: str) -> None:
        self._malformed[reason] += 1
        self._log.warning(reason, where, detail)

    def _on_server_shutdown(self, message: ServerShutdown, received_ns: int) -> None:
        self.shutdown_announced = True

    def _on_ignored(self, message: Ignored, received_ns: int) -> None:
        self._ignored[message.why] += 1

    def _is_repeated(self, symbol: int, verdict: int) -> bool:
        if verdict == GAP:
            self._gaps[symbol] += 1
        elif verdict == REPEATED:
            self._repeats[symbol] += 1
            return True
        return False

    def _price(self, received_ns: int, event_ms: int, symbol: int, price: int, qty: int) -> None:
        origin_ts = event_ms * _MS
        self._differences.append(received_ns - origin_ts)
        self._batch.add_price(received_ns, origin_ts, symbol, price, qty)
        if symbol not in self._has_touch:
            self._flow.set_price(symbol, price)

    def _on_trade(self, message: Trade, received_ns: int) -> None:
        verdict = self._sequence.trade(message)
        if verdict and self._is_repeated(message.symbol, verdict):
            return
        if message.moves_price and self._price_from == "trade":
            symbol, _, price, qty, event_ms, _, _, _ = message
            self._price(received_ns, event_ms, symbol, price, qty)

    def _on_agg_trade(self, message: AggTrade, received_ns: int) -> None:
        verdict = self._sequence.agg_trade(message)
        if verdict and self._is_repeated(message.symbol, verdict):
            return
        if self._price_from == "agg_trade":
            symbol, _, price, qty, event_ms, _, _ = message
            self._price(received_ns, event_ms, symbol, price, qty)

    def _on_mark_price(self, message: MarkPrice, received_ns: int) -> None:
        verdict = self._sequence.mark_price(message)
        if verdict and self._is_repeated(message.symbol, verdict):
            return
        if self._price_from == "mark_price":
            self._price(received_ns, message.event_ms, message.symbol, message.price, 0)

    def _on_book_ticker(self, message: BookTicker, received_ns: int) -> None:
        verdict = self._sequence.book_ticker(message)
        if verdict and self._is_repeated(message.symbol, verdict):
            return
        self._has_touch.add(message.symbol)
        self._flow.set_touch(message.symbol, message.bid, message.ask)

    def _on_depth(self, message: DepthUpdate, received_ns: int) -> None:
        verdict = self._sequence.depth(message)
        if verdict:
            self._is_repeated(message.symbol, verdict)
