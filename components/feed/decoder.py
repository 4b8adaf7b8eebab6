"""Frames in, price commands out: what recordings and live connections share.

Each frame is parsed, its stream noted as alive, its place in its stream judged, its kind counted; a
price goes down the price path, a best bid and ask moves the order flow's quotes, depth goes to whoever
keeps books.  Counts are kept here and reported once a flush, so that a flood costs its parsing and
little else.

What depends on time alone (streams that fall silent, a trade that waited in vain for those before it)
happens in ``advance``; ``due_ns`` says when it is worth calling.  ``now_ns`` is a clock that never goes back:
the machine's monotonic one, or the recording's own time, so that a recording gives the same commands
at any speed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, TypeGuard

from components.feed.batch import CommandBatch, VenueBatch
from components.feed.binance_messages import Parser
from components.feed.books import Books, BookSink, NoBook
from components.feed.fast_path import FastPath, differences_in, new_desk
from components.feed.frame_parser import FrameParser
from components.feed.gaps import GAP, REPEATED, Numbers, SequenceCheck
from components.feed.metrics import FeedMetrics
from components.feed.order_flow import OrderFlow
from components.feed.price_path import PricePath
from components.feed.reordering import Reordering
from components.feed.sampled_log import SampledLog
from components.feed.settings import STREAMS, FeedSettings
from components.feed.stream_board import DOWN, STALE, Stream, StreamBoard
from components.feed.symbol_words import new_words
from components.feed.venue_messages import (
    AggTrade,
    BookTicker,
    Control,
    DepthSnapshot,
    DepthUpdate,
    Ignored,
    Malformed,
    MarkPrice,
    Message,
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
Data = Trade | AggTrade | BookTicker | MarkPrice | DepthUpdate | DepthSnapshot
_DATA: Final = frozenset((Trade, AggTrade, BookTicker, MarkPrice, DepthUpdate, DepthSnapshot))
_NEVER: Final = 2**63 - 1


def is_data(message: Message) -> TypeGuard[Data]:
    """Whether a message tells something of a market."""
    return type(message) in _DATA


class Connection(Protocol):
    """What a frame may have to say to the connection that it came over."""

    @property
    def name(self) -> str:
        """What it is called in logs and recordings."""

    def answered(self, control: Control) -> None:
        """The venue answered a request."""

    def shutdown_announced(self) -> None:
        """The venue will cut it soon."""


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
    """Turns the frames of one source into commands in ``batch``; one thread.

    Binance's commonest frames take one compiled step (fast_path.py), others the ways here.
    """

    def __init__(
        self,
        settings: FeedSettings,
        parser: FrameParser,
        batch: CommandBatch | VenueBatch,
        flow: OrderFlow,
        metrics: FeedMetrics,
        book: BookSink | None = None,
    ) -> None:
        self._parse = parser.parse
        self._batch = batch
        self._metrics = metrics
        self._price_from = settings.price_from
        words = new_words(1 + max(each.index for each in parser.symbols))
        desk = new_desk()
        self._sequence = SequenceCheck(words)
        self._patience_ns = round(settings.reorder_ms * 1_000_000)
        self._waiting: dict[Stream, Reordering[tuple[Any, int]]] = {}
        self._prices = PricePath(settings, batch, flow, metrics, words, differences_in(desk))
        self._add_price = self._prices.price
        self.books: Final = Books(book or NoBook())
        deadlines = {kind: round(settings.binance.deadline_s(kind) * 1e9) for kind in STREAMS}
        self.board: Final = StreamBoard(deadlines, words, self._on_stream)
        self._data = self.board.data
        self._symbols = parser.symbols
        symbols = {each.index for each in parser.symbols}
        self._entries = {
            kind: {symbol: self.board.entry(Stream(kind, symbol)) for symbol in symbols}
            for kind in STREAMS
        }
        self._trades = self._entries["trade"]
        self._agg_trades = self._entries["agg_trade"]
        self._tickers = self._entries["book_ticker"]
        self._fast = None
        if isinstance(parser, Parser):
            self._fast = FastPath(
                parser.symbols,
                words,
                batch.whole,
                flow,
                desk,
                venue=batch.venue,
                price_from=settings.price_from,
                jump_ppm=self._prices.trust.jump_ppm,
                frame_bytes_max=parser.frame_bytes_max,
            )
        self._log = SampledLog(__name__)
        self._counts: Counter[type] = Counter()
        self._ignored: Counter[str] = Counter()
        self._malformed: Counter[str] = Counter()
        self._gaps: Counter[int] = Counter()
        self._repeats: Counter[int] = Counter()
        self._resyncs: Counter[int] = Counter()
        self._received_ns = 0
        self._now_ns = 0
        self._connection: Connection | None = None
        self.due_ns = _NEVER
        self._by_type: dict[type, Callable[[Any, int], None]] = {
            Trade: self._on_trade,
            AggTrade: self._on_agg_trade,
            BookTicker: self._on_book_ticker,
            MarkPrice: self._on_mark_price,
            DepthUpdate: self._on_depth,
            DepthSnapshot: self._on_snapshot,
            Control: self._on_control,
            ServerShutdown: self._on_server_shutdown,
            Ignored: self._on_ignored,
        }

    @property
    def received_ns(self) -> int:
        """When the present frame came."""
        return self._received_ns

    def take(
        self,
        received_ns: int,
        now_ns: int,
        frame: bytes | str,
        place: str = "",
        number: int = 0,
        connection: Connection | None = None,
    ) -> bool:
        """Decode one frame; True if it was valid data of a market.

        ``place`` and ``number``, a file and its line or an address and a count, are for the log.
        """
        if now_ns >= self.due_ns:
            self.advance(received_ns, now_ns)
        self._received_ns = received_ns
        if (
            type(frame) is bytes
            and self._fast is not None
            and not self._waiting
            and self._fast.take(received_ns, now_ns, frame)
        ):
            return True
        self._now_ns = now_ns
        self._connection = connection
        has_data = False
        for message in self._parse(frame):
            kind = type(message)
            if kind is Malformed:
                self._on_malformed(message.reason, frame, f"{place}:{number}")  # type: ignore[union-attr]
                continue
            self._counts[kind] += 1
            self._by_type[kind](message, received_ns)
            has_data = has_data or kind in _DATA
        return has_data

    def advance(self, received_ns: int, now_ns: int) -> None:
        """Do what is due by ``now_ns``, which is ``received_ns`` on the wall clock."""
        self._received_ns = received_ns
        self._now_ns = now_ns
        for stream, waiting in list(self._waiting.items()):
            if waiting.give_up_ns <= now_ns:
                self._give_up(stream, waiting)
        dropped = self._prices.advance(now_ns)
        if dropped:
            self._malformed["out_of_band"] += dropped
        self.board.look(now_ns)
        self._plan()

    def finish(self) -> None:
        """The source has ended: nothing waits any longer; publish and report."""
        for stream, waiting in list(self._waiting.items()):
            self._give_up(stream, waiting)
        self._prices.advance(_NEVER)
        self._plan()
        self.flush()

    def flush(self) -> None:
        """Publish the commands at hand and report what was counted since the last flush."""
        self._batch.flush()
        metrics = self._metrics
        if self._fast is not None:
            for name, count in self._fast.counts().items():
                metrics.frame(name, count)
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
        for symbol, count in self._resyncs.items():
            metrics.resync(symbol, count)
        for counter in (
            self._counts,
            self._ignored,
            self._malformed,
            self._gaps,
            self._repeats,
            self._resyncs,
        ):
            counter.clear()
        self._prices.report(self._received_ns)

    def restart(self) -> None:
        """The source starts again from its beginning: sequences are new."""
        self._sequence.reset()
        self._prices.reset()
        self.board.reset()
        for symbol in self._entries["depth"]:
            self.books.lost(symbol)

    def drop(self, reason: str, detail: bytes | str, where: str) -> None:
        """Count and log something that is not even a frame, e.g. a broken line of a file."""
        self._on_malformed(reason, detail, where)

    def has_reached(self, message: Message) -> bool:
        """Whether everything before this message is known, or none of its stream ever came."""
        return self._sequence.has_reached(message)

    def streams_named(self, names: Iterable[tuple[str, str]]) -> list[Stream]:
        """The streams with these kinds and the venue's names of symbols, if they are known."""
        indices = {each.name: each.index for each in self._symbols}
        return [
            Stream(kind, indices[name])
            for kind, name in names
            if kind in self._entries and name in indices
        ]

    def down(self, streams: Iterable[Stream], received_ns: int, now_ns: int) -> None:
        """The connection of these streams is lost, as of now."""
        self._received_ns = received_ns
        self._now_ns = now_ns
        self.board.down(streams)

    def _plan(self) -> None:
        give_up = (each.give_up_ns for each in self._waiting.values())
        self.due_ns = min(self.board.look_again_ns, self._prices.due_ns, *give_up)

    def _on_stream(self, stream: Stream, state: int) -> None:
        """A stream came to life, or is silent or lost."""
        self._metrics.stream_state(stream.kind, stream.symbol, state)
        if state in (STALE, DOWN):
            if stream.kind == self._price_from:
                self._prices.stale(stream.symbol, self._received_ns)
            elif stream.kind == "book_ticker":
                self._prices.touch_lost(stream.symbol)
            if stream.kind in ("depth", "partial_depth"):
                self.books.lost(stream.symbol)
        self.due_ns = min(self.due_ns, self.board.look_again_ns)

    def _on_malformed(self, reason: str, detail: bytes | str, where: str) -> None:
        self._malformed[reason] += 1
        self._log.warning(reason, where, detail)

    def _on_control(self, message: Control, received_ns: int) -> None:
        if self._connection is not None:
            self._connection.answered(message)

    def _on_server_shutdown(self, message: ServerShutdown, received_ns: int) -> None:
        if self._connection is not None:
            self._connection.shutdown_announced()

    def _on_ignored(self, message: Ignored, received_ns: int) -> None:
        self._ignored[message.why] += 1

    def _is_repeated(self, symbol: int, verdict: int) -> bool:
        if verdict == GAP:
            self._gaps[symbol] += 1
        elif verdict == REPEATED:
            self._repeats[symbol] += 1
            return True
        return False

    def _on_trade(self, message: Trade, received_ns: int) -> None:
        symbol = message[0]
        entry = self._trades[symbol]
        self._data(entry, self._now_ns)
        numbers = self._sequence.trades
        self._in_order(entry.stream, numbers, message, received_ns, self._use_trade)

    def _on_agg_trade(self, message: AggTrade, received_ns: int) -> None:
        symbol = message[0]
        entry = self._agg_trades[symbol]
        self._data(entry, self._now_ns)
        numbers = self._sequence.agg_trades
        self._in_order(entry.stream, numbers, message, received_ns, self._use_agg_trade)

    def _in_order(
        self,
        stream: Stream,
        numbers: Numbers,
        message: Any,
        received_ns: int,
        use: Callable[[Any, int], None],
    ) -> None:
        """Use a message if it is the next; one that came too early waits a little."""
        last = numbers.last(stream.symbol)
        number = message.trade_id
        if last is not None and number > last + 1:
            waiting = self._waiting.get(stream)
            if waiting is None:
                waiting = self._waiting[stream] = Reordering(self._patience_ns)
            if waiting.hold(number, (message, received_ns), self._now_ns):
                self.due_ns = min(self.due_ns, waiting.give_up_ns)
                return
            self._give_up(stream, waiting)
        use(message, received_ns)
        waiting = self._waiting.get(stream)
        if waiting is not None:
            while (ready := waiting.next_ready(numbers.last(stream.symbol) or 0)) is not None:
                use(*ready)
            if not waiting:
                del self._waiting[stream]

    def _give_up(self, stream: Stream, waiting: Reordering[tuple[Any, int]]) -> None:
        use = self._use_trade if stream.kind == "trade" else self._use_agg_trade
        while (first := waiting.pop_first()) is not None:
            use(*first)
        del self._waiting[stream]

    def _use_trade(self, message: Trade, received_ns: int) -> None:
        verdict = self._sequence.trade(message)
        if not self._is_repeated(message.symbol, verdict):
            self._price_trade(message, received_ns, verdict)

    def _use_agg_trade(self, message: AggTrade, received_ns: int) -> None:
        verdict = self._sequence.agg_trade(message)
        if not self._is_repeated(message.symbol, verdict):
            self._price_agg_trade(message, received_ns, verdict)

    def _price_trade(self, message: Trade, received_ns: int, verdict: int) -> None:
        if message[7] and self._price_from == "trade":
            symbol, _, price, qty, event_ms, trade_ms, _, _ = message
            if not self._add_price(
                received_ns, event_ms, trade_ms, symbol, price, qty, verdict == GAP
            ):
                self._out_of_band(symbol, price)

    def _price_agg_trade(self, message: AggTrade, received_ns: int, verdict: int) -> None:
        if self._price_from == "agg_trade":
            symbol, _, price, qty, event_ms, trade_ms, _ = message
            if not self._add_price(
                received_ns, event_ms, trade_ms, symbol, price, qty, verdict == GAP
            ):
                self._out_of_band(symbol, price)

    def _out_of_band(self, symbol: int, price: int) -> None:
        self._on_malformed("out_of_band", str(price), f"symbol {symbol}")

    def _on_mark_price(self, message: MarkPrice, received_ns: int) -> None:
        symbol, price, event_ms = message
        self._data(self._entries["mark_price"][symbol], self._now_ns)
        verdict = self._sequence.mark_price(message)
        if verdict and self._is_repeated(symbol, verdict):
            return
        if self._price_from == "mark_price":
            if not self._prices.mark(received_ns, self._now_ns, event_ms, symbol, price):
                self._out_of_band(symbol, price)
            self.due_ns = min(self.due_ns, self._prices.due_ns)

    def _on_book_ticker(self, message: BookTicker, received_ns: int) -> None:
        symbol = message.symbol
        self._data(self._tickers[symbol], self._now_ns)
        verdict = self._sequence.book_ticker(message)
        if verdict and self._is_repeated(symbol, verdict):
            return
        self._prices.touch(symbol, message.bid, message.ask)

    def _on_depth(self, message: DepthUpdate, received_ns: int) -> None:
        symbol = message.symbol
        self._data(self._entries["depth"][symbol], self._now_ns)
        verdict = self._sequence.depth(message)
        if verdict and self._is_repeated(symbol, verdict):
            return
        if not self.books.update(message):
            self._resyncs[symbol] += 1

    def _on_snapshot(self, message: DepthSnapshot, received_ns: int) -> None:
        symbol = message.symbol
        if message.is_partial:
            self._data(self._entries["partial_depth"][symbol], self._now_ns)
            verdict = self._sequence.partial_depth(message)
            if verdict and self._is_repeated(symbol, verdict):
                return
            self.books.partial(message)
        elif not self.books.snapshot(message):
            self._resyncs[symbol] += 1
