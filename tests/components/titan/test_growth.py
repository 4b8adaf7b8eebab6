"""The book while it grows: every order is found, nothing is lost, no state is out of shape."""

from __future__ import annotations

import random

from components.messages import code as c
from components.titan.engine import check_invariants, new_state, restore, state_hash
from components.titan.engine.snapshot import canonical_bytes
from components.titan.engine.state import LIVE, ORDER_TABLE, TABLE_CURSOR, TABLE_SIZE
from tests.components.titan.driver import Driver
from tests.strategies import blank, listings

KIND, REASON = 0, 7
ORDERS = 4_000


def _order(number: int, rng: random.Random) -> dict[str, int]:
    """One that rests: buys are below 50,000, sells above."""
    side = number % 2
    return blank(
        c.OP_PLACE,
        account=rng.randint(1, 5),
        order_id=number,
        side=side,
        price=side * 50_000 + rng.randint(1, 49_999),
        qty=rng.randint(1, 9),
    )


def test_orders_are_found_while_their_index_grows_and_after() -> None:
    rng = random.Random(7)
    driver = Driver(new_state(max_orders=1 << 13, max_symbols=4))
    driver.apply_all(listings())
    live: dict[int, dict[str, int]] = {}
    sizes, moving = set(), 0
    for number in range(1, ORDERS + 1):
        if rng.random() < 0.3 and live:
            gone = live.pop(rng.choice(list(live)))
            names = {name: gone[name] for name in ("account", "order_id")}
            assert driver.apply(blank(c.OP_CANCEL, **names))[0][KIND] == c.EVENT_CANCELLED
        live[number] = _order(number, rng)
        assert driver.apply(live[number])[0][KIND] == c.EVENT_ACCEPTED
        sizes.add(int(driver.state.totals[ORDER_TABLE + TABLE_SIZE]))
        moving += int(driver.state.totals[ORDER_TABLE + TABLE_CURSOR] != 0)
        if number % 400 == 0:
            check_invariants(driver.state)

    assert len(sizes) > 1
    assert moving > 100
    assert driver.state.totals[LIVE] == len(live)
    for order in live.values():
        assert driver.apply(order)[0][REASON] == c.REASON_DUPLICATE_ID
    restored = restore(canonical_bytes(driver.state), max_orders=1 << 13, max_symbols=4)
    check_invariants(restored)
    assert state_hash(restored) == state_hash(driver.state)
