"""The mark: what a price makes of it, against the rules said plainly."""

from __future__ import annotations

import random
import statistics
from decimal import Decimal
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.instruments import Instrument, InstrumentTable, mark_of
from components.messages import code as c
from components.messages.command import COMMAND
from components.sentinel import engine as sentinel_engine
from components.titan.engine import best, canonical_bytes, restore, state_hash
from components.titan.engine.state import SOURCES_MAX
from tests.components.titan.driver import LIMITS, Driver
from tests.strategies import blank, random_command

GRID = {"price": 10**10, "qty": 10**9, "stop_price": 1_000}


class ReferenceMark:
    """One symbol's mark by its rules, with nothing kept but what they name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.mark = 0
        self.newest: dict[int, int] = {}

    def price(self, source: int, price: int, flags: int, touch: tuple[int, int]) -> tuple[int, int]:
        """The mark and its flags after a price; ``touch``: best bid and ask, 0 for none."""
        bid, ask = touch
        if self.kind == "mid" and bid and ask and bid < ask:
            price = (bid + ask) // 2
        if self.kind == "median":
            self.newest.pop(source, None)
            if flags == 0:
                self.newest[source] = price
            if self.newest:
                price, flags = floor(statistics.median(self.newest.values())), 0
            else:
                price, flags = self.mark or price, flags | c.FLAG_STALE
        self.mark = price
        return price, flags


def listed(kind: str, flags: int = 0) -> Driver:
    """Titan with one symbol whose mark is made so."""
    driver = Driver()
    instrument = blank(c.OP_INSTRUMENT, symbol=0, leverage=10, **GRID)
    driver.apply({**instrument, "flags": flags | FLAGS[kind]})
    return driver


FLAGS = {"last": 0, "median": c.FLAG_MARK_MEDIAN, "mid": c.FLAG_MARK_MID}


def told(driver: Driver, command: dict[str, int]) -> tuple[int, int]:
    """Price and flags of the price event."""
    driver.apply(command)
    events = driver.outbox.slots[:8]
    event = events[events["kind"] == c.EVENT_PRICE][0]
    return int(event["price"]), int(event["flags"])


def touch_of(driver: Driver) -> tuple[int, int]:
    bid, bid_qty, ask, ask_qty = best(driver.state, 0)
    return (bid if bid_qty else 0), (ask if ask_qty else 0)


@pytest.mark.parametrize("kind", ["last", "median", "mid"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_every_price_makes_the_mark_of_the_rules_also_after_a_restore(kind: str, seed: int) -> None:
    rng = random.Random(seed)
    driver, reference = listed(kind), ReferenceMark(kind)
    for _ in range(60):
        if rng.random() < 0.05:
            saved = canonical_bytes(driver.state)
            driver.state = restore(saved, **LIMITS)
            assert canonical_bytes(driver.state) == saved
        if rng.random() < 0.5:
            price = rng.randint(95, 105)
            source = rng.choice((0, 1, 2, 3, SOURCES_MAX - 1))
            flags = rng.choice((0, 0, 0, c.FLAG_SUSPECT, c.FLAG_STALE))
            expected = reference.price(source, price, flags, touch_of(driver))
            command = blank(c.OP_PRICE, symbol=0, price=price, side=source, flags=flags)
            assert told(driver, command) == expected
            assert int(driver.state.books[0]["mark"]) == reference.mark
        else:
            command = random_command(rng, symbols=1)
            if command["op"] in (c.OP_PLACE, c.OP_CANCEL, c.OP_AMEND, c.OP_CANCEL_ALL):
                driver.apply({**command, "symbol": 0})


def test_a_median_knows_no_more_sources_than_it_has_places_for() -> None:
    driver = listed("median")

    (answer,) = driver.apply(blank(c.OP_PRICE, symbol=0, price=100, side=SOURCES_MAX))

    assert (answer[0], answer[7]) == (c.EVENT_REJECTED, c.REASON_BAD_TYPE)
    assert listed("last").apply(blank(c.OP_PRICE, symbol=0, price=100, side=SOURCES_MAX))


def test_an_instrument_that_is_given_another_mark_forgets_what_sources_said() -> None:
    driver = listed("median")
    driver.apply(blank(c.OP_PRICE, symbol=0, price=50, side=1))
    for flags in (0, c.FLAG_MARK_MEDIAN):
        driver.apply(blank(c.OP_INSTRUMENT, symbol=0, leverage=10, flags=flags, **GRID))

    assert told(driver, blank(c.OP_PRICE, symbol=0, price=90, side=0)) == (90, 0)


def test_stops_on_the_mark_and_sentinel_see_the_median() -> None:
    driver = listed("median", c.FLAG_STOPS_ON_MARK)
    sentinel = sentinel_engine.new_state(8, 4, 64)
    box = sentinel_engine.new_outbox(64, 64)
    for source, price in ((0, 100), (1, 101), (2, 102)):
        driver.apply(blank(c.OP_PRICE, symbol=0, price=price, side=source))
    names = {"account": 1, "order_id": 1, "symbol": 0}
    stop = {"order_type": c.TYPE_STOP, "stop_price": 110, "qty": 1}
    driver.apply(blank(c.OP_PLACE, **names, **stop))

    far = driver.apply(blank(c.OP_PRICE, symbol=0, price=500, side=2))
    driver.apply(blank(c.OP_PRICE, symbol=0, price=120, side=0))
    both = driver.outbox.slots[:8].copy()

    assert c.EVENT_TRIGGERED not in [answer[0] for answer in far]
    assert both["kind"][:2].tolist() == [c.EVENT_PRICE, c.EVENT_TRIGGERED]
    for command in (blank(c.OP_INSTRUMENT, symbol=0, leverage=10, flags=4, **GRID),):
        driver.apply(command)
        sentinel_engine.apply(sentinel, driver.outbox.slots[0], box)
    sentinel_engine.apply(sentinel, both[0], box)
    assert int(sentinel.symbols[0]["mark"]) == int(driver.state.books[0]["mark"]) == 120


@pytest.mark.parametrize("kind", ["last", "median", "mid"])
def test_the_choice_survives_commands_and_snapshots(kind: str) -> None:
    grid = Decimal("0.01"), Decimal("0.001")
    table = InstrumentTable([Instrument("A", 0, *grid, mark=mark_of(FLAGS[kind]))])
    commands = table.to_commands()

    assert InstrumentTable.from_commands(commands)["A"].mark == kind
    driver = Driver()
    for command in commands:
        driver.apply({name: int(command[name]) for name in COMMAND.names or ()})
    again = restore(canonical_bytes(driver.state), **LIMITS)
    assert mark_of(int(again.books[0]["flags"])) == kind
    assert state_hash(again) == state_hash(driver.state)
