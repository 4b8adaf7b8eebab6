"""From a venue's price to a price command: is it believed, is it fresh, does it come too fast.

Every trade that comes here becomes a command; of mark prices that follow each other within
``conflate_ms`` the newest does.  A command is flagged suspect when messages before it are missing or
it is a jump, and stale when its source fell silent or was lost: then the last price is sent once
more, flagged, so that nobody is liquidated on it before a fresh one.

The exchange's time, the matching's and our own receive time travel in ``origin_ts``, ``expires`` and
``ts``.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from components.feed.batch import CommandBatch, VenueBatch
from components.feed.latency import ClockOffset
from components.feed.metrics import FeedMetrics
from components.feed.order_flow import OrderFlow
from components.feed.price_trust import BELIEVED, OUT_OF_BAND, PriceTrust
from components.feed.settings import FeedSettings
from components.feed.symbol_words import ASK, BID, IS_STALE, LAST_PRICE, Words
from components.messages.code import FLAG_STALE, FLAG_SUSPECT

BY_GAP: Final = "gap"
BY_JUMP: Final = "jump"
_MS: Final = 1_000_000
_NEVER: Final = 2**63 - 1


class _Mark(NamedTuple):
    """A mark price that waits for a newer one, or for its time."""

    due_ns: int
    received_ns: int
    event_ms: int
    price: int


class PricePath:
    """Adds the prices of one source to ``batch``; one thread."""

    def __init__(
        self,
        settings: FeedSettings,
        batch: CommandBatch | VenueBatch,
        flow: OrderFlow,
        metrics: FeedMetrics,
        words: Words,
        differences: Words,
    ) -> None:
        """``differences``: how many prices are not reported yet, then receive time less venue's time."""
        self._batch = batch
        self._flow = flow
        self._metrics = metrics
        self._add = batch.add_price
        self.trust: Final = PriceTrust(settings.trust, words)
        self._judge = self.trust.judge
        self._words = words
        self._offset = ClockOffset()
        self._conflate_ns = round(settings.conflate_ms * _MS)
        self._differences = differences
        self._mark_sent_ns: dict[int, int] = {}
        self._marks: dict[int, _Mark] = {}
        self._suspects: Counter[tuple[int, str]] = Counter()
        self._conflated: Counter[int] = Counter()
        self.due_ns = _NEVER

    def touch(self, symbol: int, bid: int, ask: int) -> None:
        """The venue's best bid and ask: the order flow quotes around them."""
        words = self._words[symbol]
        if words[BID] != bid or words[ASK] != ask:
            words[BID], words[ASK] = bid, ask
            self._flow.set_touch(symbol, bid, ask)

    def touch_lost(self, symbol: int) -> None:
        """They are not fresh any more; the order flow quotes around the price instead."""
        self._words[symbol, BID] = self._words[symbol, ASK] = 0

    def price(
        self,
        received_ns: int,
        event_ms: int,
        matched_ms: int,
        symbol: int,
        price: int,
        qty: int,
        is_after_gap: bool,
    ) -> bool:
        """One price as a command; False if it is out of band, and dropped."""
        belief = self._judge(symbol, price)
        if belief == OUT_OF_BAND:
            return False
        flags = 0
        if is_after_gap or belief != BELIEVED:
            flags = FLAG_SUSPECT
            for why, is_so in ((BY_GAP, is_after_gap), (BY_JUMP, belief != BELIEVED)):
                if is_so:
                    self._suspects[symbol, why] += 1
        origin_ts = event_ms * _MS
        self._note_difference(received_ns, received_ns - origin_ts)
        words = self._words[symbol]
        words[LAST_PRICE], words[IS_STALE] = price, 0
        self._add(received_ns, origin_ts, matched_ms * _MS, symbol, price, qty, flags)
        if not words[BID]:
            self._flow.set_price(symbol, price)
        return True

    def _note_difference(self, received_ns: int, difference_ns: int) -> None:
        differences = self._differences
        if differences[0] == len(differences) - 1:
            self._report_latencies(received_ns)
        differences[0] += 1
        differences[differences[0]] = difference_ns

    def mark(self, received_ns: int, now_ns: int, event_ms: int, symbol: int, price: int) -> bool:
        """A mark price, now or, if they come too fast, later; False if it is out of band."""
        due_ns = self._mark_sent_ns.get(symbol, -self._conflate_ns) + self._conflate_ns
        if now_ns >= due_ns:
            self._mark_sent_ns[symbol] = now_ns
            return self.price(received_ns, event_ms, 0, symbol, price, 0, False)
        if symbol in self._marks:
            self._conflated[symbol] += 1
        self._marks[symbol] = _Mark(due_ns, received_ns, event_ms, price)
        self.due_ns = min(self.due_ns, due_ns)
        return True

    def advance(self, now_ns: int) -> int:
        """Send the mark prices that have waited long enough; how many were out of band."""
        dropped = 0
        for symbol, mark in sorted(self._marks.items(), key=lambda each: each[1].received_ns):
            if mark.due_ns <= now_ns:
                del self._marks[symbol]
                self._mark_sent_ns[symbol] = now_ns
                sent = self.price(mark.received_ns, mark.event_ms, 0, symbol, mark.price, 0, False)
                dropped += not sent
        self.due_ns = min((mark.due_ns for mark in self._marks.values()), default=_NEVER)
        return dropped

    def stale(self, symbol: int, received_ns: int) -> None:
        """The symbol's source is silent or lost: say so once, with its last price."""
        words = self._words[symbol]
        price = int(words[LAST_PRICE])
        if price and not words[IS_STALE]:
            words[IS_STALE] = 1
            self._batch.add_price(received_ns, 0, 0, symbol, price, 0, FLAG_STALE)
            self._metrics.stale(symbol)

    def report(self, received_ns: int) -> None:
        """Report what was counted since the last time; the last frame came at ``received_ns``."""
        for (symbol, why), count in self._suspects.items():
            self._metrics.suspect(symbol, why, count)
        for symbol, count in self._conflated.items():
            self._metrics.conflated(symbol, count)
        self._suspects.clear()
        self._conflated.clear()
        if self._differences[0]:
            self._report_latencies(received_ns)

    def _report_latencies(self, received_ns: int) -> None:
        values = self._differences[1 : self._differences[0] + 1]
        self._metrics.latencies_ns(self._offset.latencies_ns(received_ns, values))
        self._differences[0] = 0
        self._metrics.clock_offset_ns(self._offset.offset_ns or 0)

    def reset(self) -> None:
        """The source starts again from its beginning: what was believed is forgotten."""
        self.trust.reset()
        self._words[:, IS_STALE] = 0
        self._mark_sent_ns.clear()
