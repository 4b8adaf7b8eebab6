"""A venue's book, followed through losses: always the venue's, or known to be lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.feed.books import Books
from components.feed.venue_messages import NO_ID, DepthSnapshot, DepthUpdate

LEVELS = 6


class VenueBook:
    """The venue's truth: a level changes at each id; spot's ids are dense, those of futures are not."""

    def __init__(self, is_futures: bool) -> None:
        self.levels: dict[str, str] = {}
        self.last_id = 100
        self._is_futures = is_futures

    def change(self, level: int, count: int) -> DepthUpdate:
        previous = self.last_id
        first = previous + (5 if self._is_futures else 1)
        self.last_id = first + count
        price, qty = str(level + 1), str(self.last_id)
        self.levels[price] = qty
        named = previous if self._is_futures else NO_ID
        return DepthUpdate(0, first, self.last_id, named, 1, [[price, qty]], [])

    def snapshot(self) -> DepthSnapshot:
        pairs = [[price, qty] for price, qty in self.levels.items()]
        return DepthSnapshot(0, self.last_id, pairs, [], False)


class Kept:
    """A sink that keeps levels as the venue does."""

    def __init__(self) -> None:
        self.levels: dict[str, str] | None = None

    def snapshot(self, snapshot: DepthSnapshot) -> None:
        self.levels = dict(snapshot.bids)

    def update(self, update: DepthUpdate) -> None:
        assert self.levels is not None, "an update of a book that is lost"
        self.levels.update(dict(update.bids))

    def lost(self, symbol: int) -> None:
        self.levels = None


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["change", "change", "change", "drop", "ask", "answer", "repeat"]),
        st.integers(0, LEVELS - 1),
        st.integers(0, 3),
    ),
    max_size=80,
)


@pytest.mark.parametrize("is_futures", [False, True])
@given(acts=ACTS)
def test_what_is_followed_is_the_venues_book(
    is_futures: bool, acts: list[tuple[str, int, int]]
) -> None:
    venue, kept = VenueBook(is_futures), Kept()
    books = Books(kept)
    answers: list[DepthSnapshot] = []
    last: DepthUpdate | None = None
    for act, level, count in acts:
        if act == "change":
            last = venue.change(level, count)
            books.update(last)
        elif act == "drop":
            venue.change(level, count)
        elif act == "ask":
            answers.append(venue.snapshot())
        elif act == "answer" and answers:
            books.snapshot(answers.pop(0))
        elif act == "repeat" and last is not None:
            books.update(last)
        if kept.levels is not None and act == "change":
            assert kept.levels == venue.levels
        assert books.is_following(0) == (kept.levels is not None)
    venue.change(0, 0)
    books.update(venue.change(0, 0))
    assert not books.is_following(0)
    assert books.wanted() == [0]
    books.snapshot(venue.snapshot())

    assert kept.levels == venue.levels


def test_a_snapshot_that_is_too_old_is_asked_for_again() -> None:
    venue, kept = VenueBook(False), Kept()
    books = Books(kept)
    old = venue.snapshot()
    venue.change(0, 0)
    books.update(venue.change(1, 0))
    books.snapshot(old)

    assert kept.levels is None
    assert books.wanted() == [0]
