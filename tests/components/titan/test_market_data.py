"""Market data: a client that applies every depth event has the book, and may begin at any time."""

from __future__ import annotations

import random

import numpy as np
import pytest

from components.messages import code as c
from components.messages.command import BOOK_ROWS_MAX
from components.messages.event import Events
from components.titan.engine import apply_batch, canonical_bytes, depth, new_outbox, restore
from components.titan.engine.market_data import best
from tests.components.titan.driver import LIMITS, Driver
from tests.strategies import SYMBOLS, blank, listings, random_command, records

Levels = dict[int, int]


class Client:
    """A book made of depth events and of answers to book commands alone."""

    def __init__(self) -> None:
        self.sides: tuple[Levels, Levels] = ({}, {})
        self.number = 0

    def apply(self, events: Events) -> None:
        for event in events[events["kind"] == c.EVENT_DEPTH]:
            assert event["order_id"] == self.number + 1
            self.number += 1
            side = self.sides[event["side"]]
            side.pop(int(event["price"]), None)
            if event["qty"]:
                side[int(event["price"])] = int(event["qty"])

    def begin(self, events: Events) -> None:
        """Start from the rows of levels that answer a book command."""
        self.sides = ({}, {})
        for row in events[events["kind"] == c.EVENT_BOOK_ROW]:
            self.sides[row["side"]][int(row["price"])] = int(row["qty"])
        (end,) = events[events["kind"] == c.EVENT_BOOK]
        assert (end["price"], end["qty"]) == tuple(len(side) for side in self.sides)
        self.number = int(end["maker_order_id"])


class Feed:
    """An engine whose raw events are wanted."""

    def __init__(self) -> None:
        self.driver = Driver()
        self.outbox = new_outbox(1 << 16)
        for listing in listings():
            self.apply(listing)

    def apply(self, command: dict[str, int]) -> Events:
        if command["op"] == c.OP_INSTRUMENT:
            command = {**command, "flags": command["flags"] | c.FLAG_DEPTH}
        self.driver.sequence += 1
        state, sequence = self.driver.state, self.driver.sequence
        assert apply_batch(state, records([command]), sequence, self.outbox) == 1
        events = self.outbox.slots[: int(self.outbox.count[0])].copy()
        self.outbox.count[0] = 0
        return events

    def book(self, symbol: int) -> tuple[Levels, Levels]:
        bids, asks = (
            {int(price): int(qty) for price, qty in side}
            for side in depth(self.driver.state, symbol, 1000)
        )
        return bids, asks


def _ask(symbol: int, rows: int, count: int = BOOK_ROWS_MAX) -> dict[str, int]:
    return blank(c.OP_BOOK, symbol=symbol, account=1, order_id=77, side=rows, qty=count)


@pytest.mark.parametrize("seed", range(3))
def test_depth_events_rebuild_every_book_after_every_command(seed: int) -> None:
    rng = random.Random(seed)
    feed = Feed()
    clients = [Client() for _ in range(SYMBOLS)]
    told = 0
    for _ in range(1_500):
        events = feed.apply(random_command(rng))
        for symbol, client in enumerate(clients):
            client.apply(events[events["symbol"] == symbol])
            assert client.sides == feed.book(symbol)
        changes = events[events["kind"] == c.EVENT_DEPTH]
        places = changes[["symbol", "side", "price"]].tolist()
        assert len(set(places)) == len(places), "a level was told twice"
        told += len(changes)

    assert told > 100


def test_a_client_that_comes_late_starts_from_a_book_on_demand() -> None:
    rng = random.Random(5)
    feed = Feed()
    for _ in range(300):
        feed.apply(random_command(rng))
    late = Client()
    late.begin(feed.apply(_ask(0, c.BOOK_LEVELS)))
    assert late.sides == feed.book(0)
    for _ in range(300):
        events = feed.apply(random_command(rng))
        late.apply(events[events["symbol"] == 0])

    assert late.sides == feed.book(0)


def test_a_book_of_orders_adds_up_to_its_levels_in_order_of_priority() -> None:
    feed = Feed()
    for number, (account, price, qty) in enumerate(((1, 100, 5), (2, 101, 1), (3, 101, 2)), 1):
        names = {"account": account, "order_id": number, "price": price, "qty": qty}
        feed.apply(blank(c.OP_PLACE, **names))
    events = feed.apply(_ask(0, c.BOOK_ORDERS))
    rows = events[["account", "order_id", "price", "qty"]][:-1].tolist()

    assert rows == [(2, 2, 101, 1), (3, 3, 101, 2), (1, 1, 100, 5)]
    assert events[-1][["kind", "price", "qty", "order_id"]].tolist() == (c.EVENT_BOOK, 3, 0, 77)


def test_a_book_has_at_most_the_rows_that_were_asked_for() -> None:
    feed = Feed()
    for number in range(1, 6):
        feed.apply(blank(c.OP_PLACE, account=1, order_id=number, price=100 + number, qty=1))
    events = feed.apply(_ask(0, c.BOOK_LEVELS, 2))

    assert events["price"].tolist() == [105, 104, 2]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (_ask(9, c.BOOK_LEVELS), c.REASON_UNKNOWN_SYMBOL),
        (_ask(0, 2), c.REASON_BAD_TYPE),
        (_ask(0, c.BOOK_LEVELS, 0), c.REASON_BAD_QTY),
        (_ask(0, c.BOOK_ORDERS, BOOK_ROWS_MAX + 1), c.REASON_BAD_QTY),
    ],
)
def test_a_book_command_that_makes_no_sense_is_refused(
    command: dict[str, int], reason: int
) -> None:
    events = Feed().apply(command)

    assert events[["kind", "reason"]].tolist() == [(c.EVENT_REJECTED, reason)]


def test_a_restored_book_goes_on_numbering_where_it_was() -> None:
    rng = random.Random(3)
    feed = Feed()
    for _ in range(200):
        feed.apply(random_command(rng))
    other = Feed()
    other.driver = Driver(restore(canonical_bytes(feed.driver.state), **LIMITS))
    other.driver.sequence = feed.driver.sequence
    for _ in range(200):
        command = random_command(rng)
        assert np.array_equal(feed.apply(command), other.apply(command))


def test_without_the_flag_no_depth_is_told() -> None:
    driver = Driver()
    driver.apply_all(listings())
    answers = driver.apply(blank(c.OP_PLACE, account=1, order_id=1, price=100, qty=1))

    assert [answer[0] for answer in answers] == [c.EVENT_ACCEPTED, c.EVENT_TOUCH]
    assert best(driver.state, 0) == (100, 1, 0, 0)
