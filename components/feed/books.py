"""Follows the venue's book of every symbol whose depth is received, and says when it breaks.

Whoever keeps levels is a ``BookSink``.  Snapshots come by request, so ``wanted`` names the symbols that
need one; a recording has them among its frames.
"""

from __future__ import annotations

from typing import Protocol

from components.feed.depth_sync import DepthSync, Step
from components.feed.venue_messages import DepthSnapshot, DepthUpdate


class BookSink(Protocol):
    """Keeps the levels of books."""

    def snapshot(self, snapshot: DepthSnapshot) -> None:
        """The whole book of a symbol, in place of what was known."""

    def update(self, update: DepthUpdate) -> None:
        """A change of a book that is known."""

    def lost(self, symbol: int) -> None:
        """The book of a symbol is not known any more."""


class NoBook:
    """Keeps nothing."""

    def snapshot(self, snapshot: DepthSnapshot) -> None:
        """Nothing."""

    def update(self, update: DepthUpdate) -> None:
        """Nothing."""

    def lost(self, symbol: int) -> None:
        """Nothing."""


class Books:
    """The books of one source; one thread."""

    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._syncs: dict[int, DepthSync] = {}

    def update(self, update: DepthUpdate) -> bool:
        """Take a change; False if it broke the book."""
        return self._act(update.symbol, self._sync(update.symbol).update(update))

    def snapshot(self, snapshot: DepthSnapshot) -> bool:
        """Take a snapshot that was asked for; False if what followed broke the book again."""
        return self._act(snapshot.symbol, self._sync(snapshot.symbol).snapshot(snapshot))

    def partial(self, snapshot: DepthSnapshot) -> None:
        """Take the top of a book, which stands by itself."""
        self._sink.snapshot(snapshot)

    def lost(self, symbol: int) -> None:
        """The stream of a symbol is lost, silent, or begins again."""
        self._sync(symbol).lose()
        self._sink.lost(symbol)

    def wanted(self) -> list[int]:
        """The symbols whose changes wait for a snapshot."""
        return [symbol for symbol, sync in self._syncs.items() if sync.wants_snapshot]

    def is_following(self, symbol: int) -> bool:
        """Whether the sink has the venue's book."""
        return self._sync(symbol).is_following

    def _sync(self, symbol: int) -> DepthSync:
        sync = self._syncs.get(symbol)
        if sync is None:
            sync = self._syncs[symbol] = DepthSync()
        return sync

    def _act(self, symbol: int, step: Step) -> bool:
        if step.snapshot is not None:
            self._sink.snapshot(step.snapshot)
        for update in step.updates:
            self._sink.update(update)
        if step.broke:
            self._sink.lost(symbol)
        return not step.broke
