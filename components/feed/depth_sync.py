"""Follows a venue's book by its rules: a snapshot, then every update without a break.

With p, what an update builds on: futures say it as ``pu``, and on spot it is U - 1:

    state        message                                 what to do
    waiting      update                                  keep it; a snapshot is wanted
                 snapshot older than the first kept's p  it is wanted again
                 snapshot                                take it, then those kept that are newer
    joining      update with u <= snapshot               old: drop
    (the first)  update with p <= snapshot               apply
                 update with p > snapshot                break
    following    update with u <= last u                 old: drop
                 update with p = last u                  apply
                 any other update                        break

A break empties the book: nothing is applied before the next snapshot.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from components.feed.venue_messages import NO_ID, DepthSnapshot, DepthUpdate

KEPT_MAX: Final = 2_000
"""Updates of one symbol that wait for a snapshot; the oldest go first."""


class Step(NamedTuple):
    """What became of a message: what to do to the book, in order."""

    snapshot: DepthSnapshot | None
    updates: tuple[DepthUpdate, ...]
    broke: bool = False  # the book is void from here until the next snapshot


_NOTHING: Final = Step(None, ())
_BROKE: Final = Step(None, (), broke=True)


class DepthSync:
    """One symbol's book; whoever keeps the levels does what the steps say."""

    def __init__(self) -> None:
        self._kept: deque[DepthUpdate] = deque(maxlen=KEPT_MAX)
        self._last_id = NO_ID
        self._is_joining = False

    @property
    def wants_snapshot(self) -> bool:
        """Whether updates wait for a snapshot."""
        return self._last_id == NO_ID and bool(self._kept)

    @property
    def is_following(self) -> bool:
        """Whether the book is the venue's."""
        return self._last_id != NO_ID

    def update(self, update: DepthUpdate) -> Step:
        """Take an update as it arrives."""
        if self._last_id == NO_ID:
            self._kept.append(update)
            return _NOTHING
        if update.last_id <= self._last_id:
            return _NOTHING
        if not self._follows(update):
            self.lose()
            self._kept.append(update)
            return _BROKE
        self._last_id = update.last_id
        self._is_joining = False
        return Step(None, (update,))

    def snapshot(self, snapshot: DepthSnapshot) -> Step:
        """Take a snapshot; not one that is too old for the updates that are kept."""
        if self._last_id != NO_ID:
            return _NOTHING
        newer = [each for each in self._kept if each.last_id > snapshot.last_id]
        if newer and _builds_on(newer[0]) > snapshot.last_id:
            return _NOTHING
        self._kept.clear()
        self._last_id = snapshot.last_id
        self._is_joining = True
        applied: list[DepthUpdate] = []
        for at, each in enumerate(newer):
            step = self.update(each)
            if step.broke:
                self._kept.clear()
                self._kept.extend(newer[at:])
                return Step(snapshot, tuple(applied), broke=True)
            applied += step.updates
        return Step(snapshot, tuple(applied))

    def lose(self) -> None:
        """The connection broke: what was known cannot be followed."""
        self._kept.clear()
        self._last_id = NO_ID
        self._is_joining = False

    def _follows(self, update: DepthUpdate) -> bool:
        before = _builds_on(update)
        return before <= self._last_id if self._is_joining else before == self._last_id


def _builds_on(update: DepthUpdate) -> int:
    """The id that the book must have reached for this update to be the next."""
    return update.first_id - 1 if update.previous_id == NO_ID else update.previous_id
