"""What the feed counts, as an interface: shared memory implements it live, a plain object in tests.

Every method is called from the feed's one thread, in batches where the rate is high, so that an
implementation may take a microsecond without slowing a flood.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class FeedMetrics(Protocol):
    """Where the feed reports what it saw."""

    def price_update(self, symbol_index: int, price_ticks: int, count: int) -> None:
        """``count`` prices of one symbol were published; the last was ``price_ticks``."""

    def latencies_ns(self, values: NDArray[np.int64]) -> None:
        """Time from the venue to us of each priced frame, clock offset taken off; all >= 0."""

    def frame(self, kind: str, count: int) -> None:
        """``count`` frames of this kind were understood (or ignored on purpose)."""

    def malformed(self, reason: str, count: int) -> None:
        """``count`` frames, lines or commands were dropped for this reason."""

    def gap(self, symbol_index: int, count: int) -> None:
        """``count`` times messages of this symbol were missing."""

    def duplicate(self, symbol_index: int, count: int) -> None:
        """``count`` messages of this symbol had been seen before and were dropped."""

    def suspect(self, symbol_index: int, reason: str, count: int) -> None:
        """``count`` prices were flagged suspect, for "gap" or "jump"."""

    def stale(self, symbol_index: int) -> None:
        """The symbol's price was flagged stale."""

    def conflated(self, symbol_index: int, count: int) -> None:
        """``count`` mark prices were passed over for newer ones."""

    def resync(self, symbol_index: int, count: int) -> None:
        """``count`` times the book of this symbol broke and must be built anew."""

    def stream_state(self, kind: str, symbol_index: int, state: int) -> None:
        """A stream changed its state, one of ``stream_board``'s."""

    def clock_offset_ns(self, offset_ns: int) -> None:
        """Our clock less the venue's, the fastest transport included."""

    def recorded(self, size_bytes: int) -> None:
        """Frames of so many bytes were journaled before they were parsed."""

    def orders(self, count: int) -> None:
        """``count`` commands of the order flow were published."""

    def reconnect(self) -> None:
        """A connection to the venue was lost, or given up as stale, and is made again."""

    def replacement(self) -> None:
        """A connection was replaced by another before it could be cut."""


class InMemoryFeedMetrics:
    """``FeedMetrics`` as plain counters, for tests and benchmarks."""

    def __init__(self) -> None:
        self.prices: Counter[int] = Counter()
        self.last_price: dict[int, int] = {}
        self.frames: Counter[str] = Counter()
        self.malformed_by_reason: Counter[str] = Counter()
        self.gaps: Counter[int] = Counter()
        self.duplicates: Counter[int] = Counter()
        self.latencies: list[int] = []
        self.suspects: Counter[tuple[int, str]] = Counter()
        self.stale_count: Counter[int] = Counter()
        self.conflated_count: Counter[int] = Counter()
        self.resyncs: Counter[int] = Counter()
        self.states: dict[tuple[str, int], list[int]] = {}
        self.offset_ns: int | None = None
        self.recorded_bytes = 0
        self.order_count = 0
        self.reconnects = 0
        self.replacements = 0

    def price_update(self, symbol_index: int, price_ticks: int, count: int) -> None:
        self.prices[symbol_index] += count
        self.last_price[symbol_index] = price_ticks

    def latencies_ns(self, values: NDArray[np.int64]) -> None:
        self.latencies.extend(values.tolist())

    def frame(self, kind: str, count: int) -> None:
        self.frames[kind] += count

    def malformed(self, reason: str, count: int) -> None:
        self.malformed_by_reason[reason] += count

    def gap(self, symbol_index: int, count: int) -> None:
        self.gaps[symbol_index] += count

    def duplicate(self, symbol_index: int, count: int) -> None:
        self.duplicates[symbol_index] += count

    def suspect(self, symbol_index: int, reason: str, count: int) -> None:
        self.suspects[symbol_index, reason] += count

    def stale(self, symbol_index: int) -> None:
        self.stale_count[symbol_index] += 1

    def conflated(self, symbol_index: int, count: int) -> None:
        self.conflated_count[symbol_index] += count

    def resync(self, symbol_index: int, count: int) -> None:
        self.resyncs[symbol_index] += count

    def stream_state(self, kind: str, symbol_index: int, state: int) -> None:
        self.states.setdefault((kind, symbol_index), []).append(state)

    def clock_offset_ns(self, offset_ns: int) -> None:
        self.offset_ns = offset_ns

    def recorded(self, size_bytes: int) -> None:
        self.recorded_bytes += size_bytes

    def orders(self, count: int) -> None:
        self.order_count += count

    def reconnect(self) -> None:
        self.reconnects += 1

    def replacement(self) -> None:
        self.replacements += 1
