"""The raw journal through the same parser again: what it gives, and whether the platform had it too.

Each price that the platform's journal has of a venue must be given by its frames, in the same order.
The frames may give more: what was received and not yet published when a feed died.  Where the frames'
beginning was given up, prices from before what is left are not asked for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.raw_recording import raw_journal_in
from components.feed.raw_session import is_session, session_of
from components.feed.source import run_feed
from components.messages.code import FLAG_STALE, OP_PRICE, SOURCE_FEED
from components.messages.command import Commands, new_commands
from components.oracle.raw.reader import read_entries
from components.oracle.store import Journal, JournalError
from components.oracle.store.segments import places

COMPARED: Final = ["side", "symbol", "price", "qty", "origin_ts", "expires", "flags"]


@dataclass(frozen=True)
class RawReplay:
    """What the frames gave, and what the platform's journal has."""

    frames: dict[str, int]
    malformed: dict[str, int]
    gaps: int
    duplicates: int
    prices: int
    journaled: int
    matched: int

    @property
    def ok(self) -> bool:
        """Whether every journaled price came from a frame, in order."""
        return self.matched == self.journaled


def replay_raw(journal: Path, speed: float) -> RawReplay:
    """Play all frames at ``speed`` (0: as fast as possible) and compare; blocks until done."""
    path = raw_journal_in(journal)
    session = next((each for each in read_entries(path) if is_session(each)), None)
    if session is None:
        raise JournalError(
            f"the raw journal {path} does not say what its frames are of: no feed has begun yet, "
            "or the segment that said it was given up"
        )
    settings, table = session_of(session.payload, path, speed)
    metrics = InMemoryFeedMetrics()
    given: list[NDArray[np.void]] = []

    def publish(commands: Commands) -> None:
        given.append(_venue_prices(commands))

    asyncio.run(run_feed(settings, table, publish, asyncio.Event(), metrics))
    derived = np.concatenate([_venue_prices(new_commands(0)), *given])
    is_whole = places(path)[0].position == 1
    waits_ns = round((settings.reorder_ms + settings.conflate_ms) * 1e6)
    since_ns = 0 if is_whole else session.received_ns + waits_ns
    journaled = _journaled_prices(journal, since_ns)
    return RawReplay(
        frames=dict(metrics.frames),
        malformed=dict(metrics.malformed_by_reason),
        gaps=metrics.gaps.total(),
        duplicates=metrics.duplicates.total(),
        prices=len(derived),
        journaled=len(journaled),
        matched=sum(
            _matched(derived[derived["side"] == venue], journaled[journaled["side"] == venue])
            for venue in np.unique(journaled["side"])
        ),
    )


def _venue_prices(commands: Commands) -> NDArray[np.void]:
    """The fields that a frame decides, of the prices that frames gave."""
    is_price = (commands["op"] == OP_PRICE) & (commands["source"] == SOURCE_FEED)
    is_price &= (commands["flags"] & FLAG_STALE == 0) & (commands["origin_ts"] > 0)
    return commands[COMPARED][is_price].copy()


def _journaled_prices(path: Path, since_ns: int) -> NDArray[np.void]:
    with Journal.open_reader(path) as journal:
        first = journal.first_sequence("commands")
        chunks = (chunk for _, chunk in journal.read("commands", first))
        parts = [_venue_prices(chunk[chunk["ts"] > since_ns]) for chunk in chunks]
    return np.concatenate([_venue_prices(new_commands(0)), *parts])


def _matched(derived: NDArray[np.void], journaled: NDArray[np.void]) -> int:
    """How many of ``journaled`` are met, in order, among ``derived``; both are of one venue.

    What comes late from two venues may change places between them: timers are not as exact as times.
    """
    wanted, met = journaled.tolist(), 0
    for each in derived.tolist():
        if met < len(wanted) and each == wanted[met]:
            met += 1
    return met
