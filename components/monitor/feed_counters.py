"""What the feed reports, counted in shared memory: ``components.feed.metrics.FeedMetrics``, live."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from components.instruments import InstrumentTable
from components.monitor.catalogue import (
    FEED_STREAMS,
    FRAME_KINDS,
    MALFORMED_REASONS,
    OTHER,
    SUSPECT_REASONS,
)
from disruptor.memory.counters import CounterBlock, add, observe_each, put


class FeedCounters:
    """The feed's counters; for its one thread.

    ``simulated`` says that the prices are the simulation's own; ``now_ns`` stamps the newest.
    """

    def __init__(
        self,
        block: CounterBlock,
        instruments: InstrumentTable,
        *,
        simulated: bool,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        symbols = list(instruments)
        self._words = block.words
        self._simulated = simulated
        self._now_ns = now_ns
        self._updates = block.offsets("price_feed_updates", symbol=symbols)
        self._prices = block.offsets("price_feed_simulated_price", symbol=symbols)
        self._stamps = block.offsets("price_feed_last_update_timestamp_seconds", symbol=symbols)
        self._gaps = block.offsets("price_feed_gaps", symbol=symbols)
        self._duplicates = block.offsets("price_feed_duplicates", symbol=symbols)
        self._stale = block.offsets("price_feed_stale", symbol=symbols)
        self._conflated = block.offsets("price_feed_conflated", symbol=symbols)
        self._resyncs = block.offsets("price_feed_book_resyncs", symbol=symbols)
        self._suspects = {
            reason: block.offsets("price_feed_suspect", symbol=symbols, reason=[reason])[:, 0]
            for reason in SUSPECT_REASONS
        }
        self._states = {
            kind: block.offsets("price_feed_stream_state", stream=[kind], symbol=symbols)[0]
            for kind in FEED_STREAMS
        }
        self._offset = block.offset("price_feed_clock_offset_seconds")
        self._latency = block.offset("price_feed_latency_ms")
        self._latency_bounds = block.bounds("price_feed_latency_ms")
        self._orders = block.offset("order_flow_commands")
        self._reconnects = block.offset("price_feed_reconnects")
        self._recorded = block.offset("price_feed_recorded_bytes")
        self._replacements = block.offset("price_feed_replacements")
        self._frames = {kind: block.offset("price_feed_frames", kind=kind) for kind in FRAME_KINDS}
        self._malformed = {
            reason: block.offset("price_feed_malformed", reason=reason)
            for reason in MALFORMED_REASONS
        }

    def price_update(self, symbol_index: int, price_ticks: int, count: int) -> None:
        """``count`` prices of one symbol were published; the last was ``price_ticks``."""
        add(self._words, self._updates[symbol_index], count)
        put(self._words, self._stamps[symbol_index], self._now_ns())
        if self._simulated:
            put(self._words, self._prices[symbol_index], price_ticks)

    def latencies_ns(self, values: NDArray[np.int64]) -> None:
        """Time from the venue to us of each priced frame."""
        observe_each(self._words, self._latency, self._latency_bounds, values)

    def frame(self, kind: str, count: int) -> None:
        """``count`` frames of this kind; a kind that the catalogue has not is "other"."""
        self._add_named(self._frames, kind, count)

    def malformed(self, reason: str, count: int) -> None:
        """``count`` were dropped for this reason; one that the catalogue has not is "other"."""
        self._add_named(self._malformed, reason, count)

    def gap(self, symbol_index: int, count: int) -> None:
        """``count`` times messages of this symbol were missing."""
        add(self._words, self._gaps[symbol_index], count)

    def duplicate(self, symbol_index: int, count: int) -> None:
        """``count`` messages of this symbol had been seen before."""
        add(self._words, self._duplicates[symbol_index], count)

    def suspect(self, symbol_index: int, reason: str, count: int) -> None:
        """``count`` prices were flagged suspect."""
        add(self._words, self._suspects[reason][symbol_index], count)

    def stale(self, symbol_index: int) -> None:
        """The symbol's price was flagged stale."""
        add(self._words, self._stale[symbol_index], 1)

    def conflated(self, symbol_index: int, count: int) -> None:
        """``count`` mark prices were passed over for newer ones."""
        add(self._words, self._conflated[symbol_index], count)

    def resync(self, symbol_index: int, count: int) -> None:
        """``count`` times the book of this symbol broke."""
        add(self._words, self._resyncs[symbol_index], count)

    def stream_state(self, kind: str, symbol_index: int, state: int) -> None:
        """A stream changed its state."""
        put(self._words, self._states[kind][symbol_index], state)

    def clock_offset_ns(self, offset_ns: int) -> None:
        """Our clock less the venue's."""
        put(self._words, self._offset, offset_ns)

    def recorded(self, size_bytes: int) -> None:
        """Frames of so many bytes were journaled before they were parsed."""
        add(self._words, self._recorded, size_bytes)

    def orders(self, count: int) -> None:
        """``count`` commands of the order flow were published."""
        add(self._words, self._orders, count)

    def reconnect(self) -> None:
        """A connection to the venue is made again."""
        add(self._words, self._reconnects, 1)

    def replacement(self) -> None:
        """A connection was replaced before it could be cut."""
        add(self._words, self._replacements, 1)

    def _add_named(self, offsets: Mapping[str, int], name: str, count: int) -> None:
        add(self._words, offsets.get(name, offsets[OTHER]), count)
