"""Whatever is asked, Titan answers it, in shape; and what it tells is enough to know every order."""

from __future__ import annotations

import random

import numpy as np
import pytest

from components.messages import code as c
from components.messages.command import COMMAND
from components.titan.engine import canonical_bytes, check_invariants, new_state, restore
from tests.components.titan.driver import Driver
from tests.components.titan.test_differential import saved_orders
from tests.models.reference_book import Answer
from tests.strategies import FIELDS, listings, random_command

_SMALL = {"max_orders": 12, "max_symbols": 4, "max_positions": 16}
_EXTREMES = (0, 1, -1, 2**31, 2**40, 2**40 + 1, 2**60, 2**62, 2**63 - 1, -(2**63))


def damaged(rng: random.Random, command: dict[str, int]) -> dict[str, int]:
    """A command with one or two fields that hold anything their type can hold."""
    wrong = dict(command)
    for name in rng.sample(FIELDS, rng.randint(1, 2)):
        dtype = COMMAND[name]
        bounds = np.iinfo(dtype)
        value = rng.choice((*_EXTREMES, rng.randint(int(bounds.min), int(bounds.max))))
        wrong[name] = min(max(value, int(bounds.min)), int(bounds.max))
    wrong["ts"] = min(wrong["ts"], 60)
    return wrong


@pytest.mark.parametrize("seed", range(3))
def test_damaged_commands_and_full_pools_are_answered(seed: int) -> None:
    """No command is ignored, no state is out of shape, and refusals say that a pool is full."""
    rng = random.Random(900 + seed)
    driver = Driver(new_state(**_SMALL))
    driver.apply_all(listings())
    reasons = set()
    for number in range(2500):
        command = random_command(rng)
        if rng.random() < 0.3:
            command = damaged(rng, command)
        answers = driver.apply(command)
        assert answers or command["op"] == c.OP_VOID, command
        reasons |= {answer[7] for answer in answers if answer[0] == c.EVENT_REJECTED}
        if number % 100 == 0:
            check_invariants(driver.state)
            data = canonical_bytes(driver.state)
            assert canonical_bytes(restore(data, **_SMALL)) == data

    assert c.REASON_POOL_FULL in reasons


class Account:
    """What a client knows of its open orders from Titan's answers alone."""

    def __init__(self) -> None:
        self.open: dict[tuple[int, int], int] = {}

    def hear(self, answer: Answer, by_amount: bool) -> None:
        """One answer to anybody's command."""
        kind, _, account, number, _, qty, _, _, maker_account, maker, *_ = answer
        name = (account, number)
        if kind == c.EVENT_ACCEPTED and not by_amount:
            assert name not in self.open
            self.open[name] = qty
        elif kind in (c.EVENT_AMENDED, c.EVENT_ARMED):
            self.open[name] = qty
        elif kind == c.EVENT_CANCELLED:
            self._less(name, qty)
        elif kind == c.EVENT_TRADE:
            self._less(name, qty)
            self._less((maker_account, maker), qty)

    def _less(self, name: tuple[int, int], qty: int) -> None:
        if name in self.open:
            self.open[name] -= qty
            assert self.open[name] >= 0
            if self.open[name] == 0:
                del self.open[name]


@pytest.mark.parametrize("seed", range(3))
def test_quantity_is_conserved(seed: int) -> None:
    """Placed is traded, cancelled or still open: events add up to the book, order by order."""
    rng = random.Random(700 + seed)
    driver, told = Driver(), Account()
    driver.apply_all(listings())
    for number in range(1500):
        command = random_command(rng)
        placed = command["op"] in (c.OP_PLACE, c.OP_REPLACE)
        by_amount = placed and bool(command["flags"] & c.FLAG_BY_AMOUNT)
        for answer in driver.apply(command):
            told.hear(answer, by_amount)
        if number % 50 == 0:
            book = {order[2:4]: order[5] for order in saved_orders(canonical_bytes(driver.state))}
            assert told.open == book
