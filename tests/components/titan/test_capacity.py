"""How many orders, positions and instruments there may be is a command's to say."""

from __future__ import annotations

import pytest

from components.messages import code as c
from components.titan.engine import canonical_bytes, new_state, restore
from components.titan.engine.state import (
    ORDERS_ALLOWED,
    POSITIONS_ALLOWED,
    SYMBOLS_ALLOWED,
    SYMBOLS_ALLOWED_AT_FIRST,
    SYMBOLS_ROOM,
)
from tests.components.titan.driver import Driver
from tests.strategies import blank, listings

KIND, REASON = 0, 7


def _place(number: int, **values: int) -> dict[str, int]:
    return blank(c.OP_PLACE, account=number, order_id=1, price=100, qty=1, **values)


def _capacity(orders: int, positions: int, symbols: int = 0) -> dict[str, int]:
    return blank(c.OP_CAPACITY, price=orders, qty=positions, order_id=symbols)


def _listing(symbol: int) -> dict[str, int]:
    return {**listings()[0], "symbol": symbol}


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


def test_an_instrument_beyond_the_limit_is_refused_until_the_limit_is_raised(
    driver: Driver,
) -> None:
    first = SYMBOLS_ALLOWED_AT_FIRST
    assert driver.apply(_listing(first - 1))[0][KIND] == c.EVENT_INSTRUMENT
    assert driver.apply(_listing(first))[0][REASON] == c.REASON_POOL_FULL
    assert driver.apply(_place(1, symbol=first))[0][REASON] == c.REASON_UNKNOWN_SYMBOL
    driver.apply(_capacity(100, 100))
    assert driver.apply(_listing(first))[0][REASON] == c.REASON_POOL_FULL, "0 is as before"
    driver.apply(_capacity(100, 100, first + 1))

    assert driver.apply(_listing(first))[0][KIND] == c.EVENT_INSTRUMENT
    told = driver.apply(_place(1, symbol=first))
    assert [each[KIND] for each in told] == [c.EVENT_ACCEPTED, c.EVENT_TOUCH]
    assert driver.apply(_listing(first + 1))[0][REASON] == c.REASON_POOL_FULL


def test_an_instrument_at_or_above_a_lower_limit_trades_on_and_can_be_changed(
    driver: Driver,
) -> None:
    driver.apply(_listing(5))
    driver.apply(_capacity(100, 100, 2))

    assert driver.apply(_place(1, symbol=5))[0][KIND] == c.EVENT_ACCEPTED
    assert driver.apply({**_listing(5), "leverage": 3})[0][KIND] == c.EVENT_INSTRUMENT
    assert driver.apply(_listing(4))[0][REASON] == c.REASON_POOL_FULL


def test_the_last_symbol_that_yaml_allows_is_the_last_that_there_is_room_for(
    driver: Driver,
) -> None:
    assert driver.apply(_capacity(1, 1, SYMBOLS_ROOM))[0][KIND] == c.EVENT_CAPACITY
    assert driver.apply(_listing(SYMBOLS_ROOM - 1))[0][KIND] == c.EVENT_INSTRUMENT
    assert driver.apply(_listing(SYMBOLS_ROOM))[0][REASON] == c.REASON_POOL_FULL
    assert driver.apply(_capacity(1, 1, SYMBOLS_ROOM + 1))[0][REASON] == c.REASON_BAD_CAPACITY
    assert driver.apply(_capacity(1, 1, -1))[0][REASON] == c.REASON_BAD_CAPACITY


@pytest.mark.parametrize(("orders", "positions"), [(0, 1), (1, 0), (1 << 40, 1), (1, 1 << 40)])
def test_a_limit_that_nothing_could_hold_is_refused(
    driver: Driver, orders: int, positions: int
) -> None:
    assert driver.apply(_capacity(orders, positions))[0][REASON] == c.REASON_BAD_CAPACITY


def test_limits_are_part_of_the_state(driver: Driver) -> None:
    before = canonical_bytes(driver.state)
    driver.apply(_capacity(12, 34, 56))
    saved = canonical_bytes(driver.state)
    totals = restore(saved).totals

    assert totals[[ORDERS_ALLOWED, POSITIONS_ALLOWED, SYMBOLS_ALLOWED]].tolist() == [12, 34, 56]
    assert canonical_bytes(restore(saved)) == saved
    driver.apply(_capacity(1 << 17, 1 << 18, SYMBOLS_ALLOWED_AT_FIRST))
    assert canonical_bytes(driver.state) == before
