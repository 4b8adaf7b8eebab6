"""exchange-core's own scenarios, as far as they speak of matching: trades, books, open orders.

What is exchange-core's alone is left out: balances, reserve prices, and orders that its risk engine
refuses, which therefore never reach an order book.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from components.messages.code import BUY, OP_AMEND, SELL, TIF_GTC, TIF_IOC
from components.messages.command import UNCHANGED
from components.titan.exchange_data.venue import Fill, Step, Venue, cancel, place
from tests.recordings import recording

PLACES = re.compile(r"places an (ASK|BID) order (\d+) at (\d+)@(\d+) \(type: (GTC|IOC)")
MOVES = re.compile(r"moves a price to (\d+) of the order (\d+)")
CANCELS = re.compile(r"cancels the remaining size (\d+) of the order (\d+)")
MATCHED = re.compile(r"order (\d+) is (?:fully|partially) matched\. LastPx: (\d+), LastQty: (\d+)")
BOOK = re.compile(r"An \S+ order book is:")
ORDERS = re.compile(r"A client \w+ orders:")
LEFT_OUT = re.compile(
    r"balance of a client|has a balance|is added to the balance|could not place|"
    r"does not have active orders|New client|moved? .* due to|No trade events"
)

Scenario = tuple[str, list[str]]


def scenarios(name: str) -> Iterator[Scenario]:
    """Name and lines of each; an outline counts once, because its symbols are alike to us."""
    lines: list[str] = []
    title = ""
    for line in recording("exchange-core-features", name).read_text("utf-8").splitlines():
        found = re.match(r"\s*Scenario(?: Outline)?: (.*)", line)
        if found:
            if title:
                yield title, lines
            title, lines = found[1], []
        elif title and line.strip() and not line.strip().startswith("@"):
            lines.append(line.strip())
    yield title, lines


class Run:
    """One scenario on its way through the engine."""

    def __init__(self) -> None:
        self.venue = Venue(max_orders=100)
        self.fills: list[Fill] = []
        self.checked = 0

    def apply(self, step: Step) -> None:
        outcome = self.venue.apply(step)
        assert not outcome.refusal
        self.fills = list(outcome.fills)

    def follow(self, line: str, table: list[list[str]]) -> None:
        if found := PLACES.search(line):
            side = BUY if found[1] == "BID" else SELL
            tif = TIF_GTC if found[5] == "GTC" else TIF_IOC
            self.apply(place(int(found[2]), side, int(found[3]), int(found[4]), tif=tif))
        elif found := MOVES.search(line):
            self.apply(Step(OP_AMEND, int(found[2]), price=int(found[1]), qty=UNCHANGED))
        elif found := CANCELS.search(line):
            assert self.open_orders()[int(found[2])][1] == int(found[1])
            self.apply(cancel(int(found[2])))
        elif found := MATCHED.search(line):
            assert Fill(*map(int, found.groups())) in self.fills
            self.checked += 1
        elif BOOK.search(line):
            assert self.shown_book() == [row for row in table if row[1].isdigit()]
            self.checked += 1
        elif ORDERS.search(line):
            for number, price, size, filled, _, _ in table[1:]:
                expected = (int(price), int(size) - int(filled))
                assert self.open_orders()[int(number)] == expected
                self.checked += 1
        else:
            assert LEFT_OUT.search(line), line
            assert line != "And No trade events" or not self.fills

    def shown_book(self) -> list[list[str]]:
        """From the highest ask down: bid size, price, ask size."""
        bids, asks = self.venue.book(20)
        return [["", str(price), str(qty)] for price, qty in reversed(asks)] + [
            [str(qty), str(price), ""] for price, qty in bids
        ]

    def open_orders(self) -> dict[int, tuple[int, int]]:
        live = self.venue.state.orders[self.venue.state.orders["order_id"] > 0]
        return {int(each["order_id"]): (int(each["price"]), int(each["qty"])) for each in live}


@pytest.mark.parametrize(
    ("name", "titles", "checks"),
    [
        ("basic.feature", ["basic full cycle test", "cancel BID order"], 10),
        ("risk.feature", ["basic scenario", "move orders UP and DOWN"], 15),
    ],
)
def test_every_scenario_gives_the_trades_and_books_that_it_says(
    name: str, titles: list[str], checks: int
) -> None:
    found = list(scenarios(name))
    checked = 0
    for _, lines in found:
        run = Run()
        at = 0
        while at < len(lines):
            end = at + 1
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            if lines[at].startswith("Examples"):
                break
            rows = [row.strip("|").split("|") for row in lines[at + 1 : end]]
            run.follow(lines[at], [[cell.strip() for cell in row] for row in rows])
            at = end
        checked += run.checked
    assert [title for title, _ in found] == titles
    assert checked == checks
