"""Prices and sides turned over, the same orders trade in mirror: no side is favoured anywhere."""

from __future__ import annotations

import random

import pytest

from components.messages import code as c
from components.messages.command import UNCHANGED
from tests.components.titan.driver import Driver
from tests.models.reference_book import Answer
from tests.strategies import blank, random_command

_TWICE_THE_MIDDLE = 200
_NEAR = range(60, 141)
_WITHOUT_A_PRICE = (0, UNCHANGED)
_LEFT_OUT = (c.OP_INSTRUMENT, c.OP_LIMITS, c.OP_PHASE, c.OP_BOOK)
_ONE_SIDED = c.FLAG_BY_AMOUNT | c.FLAG_TRAIL_PPM
"""Amounts, ratios and bounds depend on how high a price is, an auction takes the lower one, and an
amend says how far a trailing stop's limit is beyond its stop; a book is told bids first."""


def has_a_mirror_image(command: dict[str, int]) -> bool:
    """Whether nothing in the command depends on how high its prices are."""
    if command["op"] in _LEFT_OUT or command["flags"] & _ONE_SIDED or command["side"] > c.SELL:
        return command["op"] == c.OP_CANCEL_ALL
    if command["order_type"] == c.TYPE_TRAILING_STOP_LIMIT:
        return False
    prices = [command[name] for name in _prices(command)]
    return all(price in _WITHOUT_A_PRICE or price in _NEAR for price in prices)


def _prices(command: dict[str, int]) -> list[str]:
    names = []
    if command["order_type"] < c.TYPE_TRAILING_STOP:
        names += ["price", "stop_price"]
    if command["op"] == c.OP_BRACKET:
        names += ["display_qty", "expires"]
    return names


def mirrored(command: dict[str, int]) -> dict[str, int]:
    """The same order on the other side, as far from the middle."""
    image = dict(command)
    for name in _prices(command):
        if command[name] not in _WITHOUT_A_PRICE:
            image[name] = _TWICE_THE_MIDDLE - command[name]
    image["side"] = 1 - command["side"]
    if command["op"] == c.OP_CANCEL_ALL:
        image["side"] = (0, 2, 1, 3)[command["side"]]
    return image


def seen_in_a_mirror(answer: Answer) -> Answer:
    """What the other book must have answered; prices of trades and of the touch count."""
    kind, symbol, account, number, price, qty, side, reason, *maker = answer
    if kind == c.EVENT_TOUCH:
        ask, ask_qty = maker[:2]
        bid_seen = _TWICE_THE_MIDDLE - ask if ask_qty else 0
        ask_seen = _TWICE_THE_MIDDLE - price if qty else 0
        return (kind, symbol, account, number, bid_seen, ask_qty, side, reason, ask_seen, qty)
    if kind == c.EVENT_TRADE:
        price = _TWICE_THE_MIDDLE - price
        return (kind, symbol, account, number, price, qty, 1 - side, reason, *maker[:2])
    return (kind, symbol, account, number, reason, qty)


def as_it_is(answer: Answer) -> Answer:
    """The same fields of an answer, not turned over."""
    if answer[0] in (c.EVENT_TOUCH, c.EVENT_TRADE):
        return answer[:10]
    return (*answer[:4], answer[7], answer[5])


@pytest.mark.parametrize("seed", range(3))
def test_the_mirror_image_trades_in_mirror(seed: int) -> None:
    """Every answer of one book is that of the other, seen in a mirror."""
    rng = random.Random(300 + seed)
    book, image = Driver(), Driver()
    listings = [
        blank(c.OP_INSTRUMENT, symbol=symbol, price=1, qty=1, stop_price=1, flags=symbol % 2)
        for symbol in range(3)
    ]
    commands = [random_command(rng) for _ in range(1500)]
    for command in [*listings, *filter(has_a_mirror_image, commands)]:
        seen = book.apply(command)
        listing = command["op"] == c.OP_INSTRUMENT
        turned = image.apply(command if listing else mirrored(command))
        if command["op"] < c.OP_PRICE or command["op"] >= c.OP_REPLACE:
            assert [seen_in_a_mirror(answer) for answer in seen] == [
                as_it_is(answer) for answer in turned
            ], command
