"""What the feed reports, counted in shared memory: ``components.feed.metrics.FeedMetrics``, live."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from components.instruments import InstrumentTable
from components.monitor.catalogue import FRAME_KINDS, MALFORMED_REASONS, OTHER
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
        self._latency = block.offset("price_feed_latency_ms")
        self._latency_bounds = block.bounds("price_feed_latency_ms")
        self._orders = block.offset("order_flow_commands")
        self._reconnects = block.offset("price_feed_reconnects")
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

    def orders(self, count: int) -> None:
        """``count`` commands of the order flow were published."""
        add(self._words, self._orders, count)

    def reconnect(self) -> None:
        """A connection to the venue is made again."""
        add(self._words, self._reconnects, 1)

    def _add_named(self, offsets: Mapping[str, int], name: str, count: int) -> None:
        add(self._words, offsets.get(name, offsets[OTHER]), count)
