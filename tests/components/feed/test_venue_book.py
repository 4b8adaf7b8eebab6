"""The venue's book against a plain dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from components.feed.venue_book import VenueBook

LEVELS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5)), max_size=12)


def applied(known: dict[int, int], levels: list[tuple[int, int]]) -> dict[int, int]:
    changed = {**known, **dict(levels)}
    return {price: lots for price, lots in changed.items() if lots > 0}


@given(st.lists(st.tuples(LEVELS, LEVELS, st.sampled_from([0, 1, 3])), max_size=8))
def test_it_holds_what_a_dictionary_holds(
    steps: list[tuple[list[tuple[int, int]], list[tuple[int, int]], int]],
) -> None:
    book = VenueBook()
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    for number, (bid_levels, ask_levels, keep) in enumerate(steps):
        if number % 4 == 3:
            book.replace(bid_levels, ask_levels)
            bids, asks = applied({}, bid_levels), applied({}, ask_levels)
        else:
            book.change(bid_levels, ask_levels)
            bids, asks = applied(bids, bid_levels), applied(asks, ask_levels)
        if keep:
            book.keep(keep)
            bids = dict(sorted(bids.items(), reverse=True)[:keep])
            asks = dict(sorted(asks.items())[:keep])

        for depth in (1, 4, 100):
            assert book.bids(depth) == sorted(bids.items(), reverse=True)[:depth]
            assert book.asks(depth) == sorted(asks.items())[:depth]
        assert book.is_crossed == (bool(bids) and bool(asks) and max(bids) >= min(asks))


def test_cleared_it_knows_nothing() -> None:
    book = VenueBook()
    book.replace([(1, 1)], [(2, 1)])
    book.clear()

    assert book.bids(9) == book.asks(9) == []
