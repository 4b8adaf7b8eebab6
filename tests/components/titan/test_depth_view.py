"""What is shown of the books is what the engine holds."""

from __future__ import annotations

from components.messages.code import BUY, OP_CANCEL, OP_PLACE, SELL
from components.titan.depth_view import LEVELS_SHOWN, depth_capacity, depth_rows
from components.titan.engine import depth
from tests.components.titan.driver import Driver
from tests.strategies import blank, listings

SYMBOLS = 2


def place(driver: Driver, symbol: int, number: int, side: int, price: int, qty: int) -> None:
    fields = {"symbol": symbol, "account": 1, "order_id": number}
    driver.apply(blank(OP_PLACE, **fields, side=side, price=price, qty=qty))


def filled() -> Driver:
    driver = Driver()
    driver.apply_all(listings()[:SYMBOLS])
    for number in range(1, 41):
        side = BUY if number % 2 else SELL
        price = 1_000 - number if side == BUY else 1_000 + number
        place(driver, number % 4 // 2, number, side, price, number)
    return driver


def test_each_book_is_shown_side_by_side_best_first() -> None:
    state = filled().state
    rows = depth_rows(state, SYMBOLS)

    for symbol in range(SYMBOLS):
        for side, levels in zip((BUY, SELL), depth(state, symbol, LEVELS_SHOWN), strict=True):
            own = rows[(rows["symbol"] == symbol) & (rows["side"] == side)]
            assert len(own) == 10
            assert own["price"].tolist() == levels[:, 0].tolist()
            assert own["qty"].tolist() == levels[:, 1].tolist()


def test_more_levels_than_have_room_are_the_best_of_them() -> None:
    driver = filled()
    for number in range(41, 41 + LEVELS_SHOWN):
        place(driver, 0, number, BUY, 1_000 - number, 1)
    rows = depth_rows(driver.state, SYMBOLS)
    bids = rows[(rows["symbol"] == 0) & (rows["side"] == BUY)]

    assert len(rows) <= depth_capacity(SYMBOLS)
    assert len(bids) == LEVELS_SHOWN
    assert bids["price"].tolist() == sorted(bids["price"].tolist(), reverse=True)
    driver.apply(blank(OP_CANCEL, symbol=0, account=1, order_id=int(bids["qty"][0])))
    after = depth_rows(driver.state, SYMBOLS)
    assert int(bids["price"][0]) not in after["price"][after["side"] == BUY].tolist()
