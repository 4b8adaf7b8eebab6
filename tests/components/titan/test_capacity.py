"""How many orders and positions there may be is a command's to say."""

from __future__ import annotations

import pytest

from components.messages import code as c
from components.titan.engine import canonical_bytes, new_state, restore
from components.titan.engine.state import ORDERS_ALLOWED, POSITIONS_ALLOWED
from tests.components.titan.driver import Driver
from tests.strategies import blank, listings

KIND, REASON = 0, 7


def _place(number: int, **values: int) -> dict[str, int]:
    return blank(c.OP_PLACE, account=number, order_id=1, price=100, qty=1, **values)


def _capacity(orders: int, positions: int) -> dict[str, int]:
    return blank(c.OP_CAPACITY, price=orders, qty=positions)


@pytest.fixture
def driver() -> Driver:
    made = Driver(new_state())
    made.apply_all(listings())
    return made


def test_an_order_beyond_the_limit_is_refused_until_the_limit_is_raised(driver: Driver) -> None:
    assert driver.apply(_capacity(2, 100))[0][KIND] == c.EVENT_CAPACITY
    assert [driver.apply(_place(number))[0][KIND] for number in (1, 2)] == [c.EVENT_ACCEPTED] * 2
    assert driver.apply(_place(3))[0][REASON] == c.REASON_POOL_FULL
    driver.apply(_capacity(3, 100))

    assert driver.apply(_place(3))[0][KIND] == c.EVENT_ACCEPTED


def test_a_lower_limit_ends_nothing_and_refuses_what_is_new(driver: Driver) -> None:
    driver.apply_all([_place(1), _place(2)])
    driver.apply(_capacity(1, 100))

    assert driver.apply(_place(3))[0][REASON] == c.REASON_POOL_FULL
    cancelled = driver.apply(blank(c.OP_CANCEL, account=1, order_id=1))
    assert cancelled[0][KIND] == c.EVENT_CANCELLED
    assert driver.apply(_place(3))[0][REASON] == c.REASON_POOL_FULL


def test_an_order_is_refused_when_a_position_for_it_might_lack_room(driver: Driver) -> None:
    driver.apply(_capacity(100, 2))
    driver.apply_all([_place(1), _place(2, side=c.SELL)])

    assert driver.apply(_place(3, tif=c.TIF_IOC))[0][REASON] == c.REASON_POOL_FULL


@pytest.mark.parametrize(("orders", "positions"), [(0, 1), (1, 0), (1 << 40, 1), (1, 1 << 40)])
def test_a_limit_that_nothing_could_hold_is_refused(
    driver: Driver, orders: int, positions: int
) -> None:
    assert driver.apply(_capacity(orders, positions))[0][REASON] == c.REASON_BAD_CAPACITY


def test_limits_are_part_of_the_state(driver: Driver) -> None:
    driver.apply(_capacity(12, 34))
    totals = restore(canonical_bytes(driver.state)).totals

    assert (totals[ORDERS_ALLOWED], totals[POSITIONS_ALLOWED]) == (12, 34)
