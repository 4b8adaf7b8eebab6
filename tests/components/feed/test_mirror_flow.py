"""The mirror in Titan's real book: the same levels as the venue's after every change."""

from __future__ import annotations

import numpy as np
import pytest

from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.mirror_flow import MirrorFlow
from components.feed.venue_book import VenueBook
from components.instruments import InstrumentTable
from components.messages.code import (
    BUY,
    EVENT_REJECTED,
    EVENT_TRADE,
    OP_CANCEL_ALL,
    OP_PLACE,
    SELL,
    TIF_IOC,
    TYPE_MARKET,
)
from components.messages.command import Commands, new_commands
from components.messages.event import Events

from .local_book import LocalBook

LEVELS = 5
MAKER = 9001


class Mirrored:
    """A venue's book, its mirror, and Titan behind the feed's gate."""

    def __init__(self, instruments: InstrumentTable) -> None:
        self.venue = VenueBook()
        self.flow = MirrorFlow(MAKER, LEVELS)
        self.local = LocalBook(instruments)
        self._ingress = Ingress(len(instruments), InMemoryFeedMetrics())

    def follow(self) -> Commands:
        """Mirror what the venue's book is now; no command is refused, none trades with its own."""
        commands = self.flow.follow(0, self.venue, 1)
        events = self.send(commands)

        assert len(commands) <= 4 * LEVELS
        assert not np.isin(events["kind"], (EVENT_REJECTED, EVENT_TRADE)).any()
        return commands

    def send(self, commands: Commands) -> Events:
        admitted = self._ingress.admit(commands.copy())
        assert len(admitted) == len(commands)
        return self.local.apply(admitted)

    def assert_same(self) -> None:
        assert self.local.levels(0, LEVELS) == (self.venue.bids(LEVELS), self.venue.asks(LEVELS))


@pytest.fixture
def mirrored(instruments: InstrumentTable) -> Mirrored:
    return Mirrored(instruments)


@pytest.mark.parametrize("seed", range(3))
def test_a_wandering_book_is_followed_level_by_level(mirrored: Mirrored, seed: int) -> None:
    generator = np.random.default_rng(seed)
    middle = 1_000
    for _ in range(300):
        middle += int(generator.integers(-3, 4))
        offsets = generator.integers(1, 12, (2, 6)).tolist()
        lots = generator.integers(0, 4, (2, 6)).tolist()
        bids = [(middle - at, qty) for at, qty in zip(offsets[0], lots[0], strict=True)]
        asks = [(middle + at, qty) for at, qty in zip(offsets[1], lots[1], strict=True)]
        gone = [(price, 0) for price, _ in mirrored.venue.bids(99) if price >= middle]
        mirrored.venue.change(gone + bids, [])
        gone = [(price, 0) for price, _ in mirrored.venue.asks(99) if price <= middle]
        mirrored.venue.change([], gone + asks)

        mirrored.follow()
        mirrored.assert_same()


def test_what_did_not_change_keeps_its_place(mirrored: Mirrored) -> None:
    mirrored.venue.replace([(99, 5), (98, 5)], [(101, 5)])
    mirrored.follow()
    mirrored.venue.change([(99, 4)], [])
    commands = mirrored.follow()

    assert len(commands) == 2
    mirrored.assert_same()
    assert len(mirrored.follow()) == 0


def test_the_book_moves_through_its_own_quotes_without_trading(mirrored: Mirrored) -> None:
    mirrored.venue.replace([(99, 5), (98, 5)], [(101, 5), (102, 5)])
    mirrored.follow()
    mirrored.venue.replace([(110, 5), (109, 5)], [(111, 5), (112, 5)])
    mirrored.follow()
    mirrored.assert_same()
    mirrored.venue.replace([(90, 5)], [(91, 5)])
    mirrored.follow()
    mirrored.assert_same()


def test_a_level_that_was_eaten_comes_back_when_the_venue_changes_it(mirrored: Mirrored) -> None:
    mirrored.venue.replace([(99, 5)], [(101, 5)])
    mirrored.follow()
    take = new_commands(1)
    take["op"], take["ts"], take["account"], take["order_id"] = OP_PLACE, 1, 7, 1
    take["side"], take["order_type"], take["tif"], take["qty"] = BUY, TYPE_MARKET, TIF_IOC, 5
    events = mirrored.send(take)

    assert np.count_nonzero(events["kind"] == EVENT_TRADE) == 1
    assert mirrored.local.levels(0, LEVELS) == ([(99, 5)], [])
    mirrored.venue.change([], [(101, 6)])
    mirrored.send(mirrored.flow.follow(0, mirrored.venue, 1))
    mirrored.assert_same()


def test_a_lost_book_is_withdrawn_at_once(mirrored: Mirrored) -> None:
    mirrored.venue.replace([(99, 5), (98, 5)], [(101, 5)])
    mirrored.follow()
    commands = mirrored.flow.withdraw(0, 1)
    mirrored.send(commands)

    assert commands["op"].tolist() == [OP_CANCEL_ALL]
    assert mirrored.local.levels(0, LEVELS) == ([], [])
    assert len(mirrored.flow.withdraw(0, 1)) == 0
    mirrored.follow()
    mirrored.assert_same()


def test_a_crossed_book_is_not_copied(mirrored: Mirrored) -> None:
    mirrored.venue.replace([(99, 5)], [(101, 5)])
    mirrored.follow()
    mirrored.venue.change([(102, 1)], [])

    assert mirrored.follow()["op"].tolist() == [OP_CANCEL_ALL]
    assert mirrored.local.levels(0, LEVELS) == ([], [])
    assert len(mirrored.follow()) == 0


def test_symbols_are_apart(mirrored: Mirrored) -> None:
    other = VenueBook()
    other.replace([(50, 1)], [(51, 1)])
    mirrored.venue.replace([(99, 5)], [(101, 5)])
    mirrored.send(mirrored.flow.follow(1, other, 1))
    mirrored.follow()
    mirrored.send(mirrored.flow.withdraw(0, 1))

    assert mirrored.local.levels(1, LEVELS) == ([(50, 1)], [(51, 1)])
    assert mirrored.local.levels(0, LEVELS) == ([], [])


def test_sides_are_what_they_say(mirrored: Mirrored) -> None:
    mirrored.venue.replace([(99, 5)], [(101, 7)])
    placed = mirrored.follow()

    assert placed["side"].tolist() == [BUY, SELL]
    assert placed["price"].tolist() == [99, 101]
    assert placed["qty"].tolist() == [5, 7]
