"""The positions shown are those nearest to liquidation, with the price at which each falls."""

from __future__ import annotations

import pytest

from components.messages import code
from components.sentinel.exposure_view import EXPOSURES_SHOWN, nearest_exposures
from tests.components.sentinel.driver import MAX_ACCOUNTS, MONEY, Engine, event, set_up

ENTRY = 5_000_000


def engine_with(positions: dict[int, int], collateral: int = 2_500) -> Engine:
    """Accounts by number, each with so many lots at 50,000."""
    engine = Engine()
    for record in set_up(0, 1_000, ((0, 5_000),)):
        engine.apply(record)
    engine.apply(event(code.EVENT_PRICE, price=ENTRY))
    for account, qty in positions.items():
        engine.apply(event(code.EVENT_DEPOSIT, account=account, price=collateral * MONEY))
        side = code.BUY if qty > 0 else code.SELL
        engine.apply(
            event(
                code.EVENT_POSITION, account=account, qty=abs(qty), price=ENTRY, side=side,
                leverage=10,
            )
        )  # fmt: skip
    return engine


def liquidated(positions: dict[int, int], price: int) -> int:
    """How many liquidations a fresh engine decides at this price."""
    engine = engine_with(positions)
    engine.apply(event(code.EVENT_PRICE, price=price))
    return sum(int(each["kind"]) == code.RISK_LIQUIDATION for each in engine.risks)


@pytest.mark.parametrize(("qty", "safe"), [(500, 1), (-400, -1)])
def test_it_falls_at_the_price_shown_and_not_one_tick_before(qty: int, safe: int) -> None:
    (view,) = nearest_exposures(engine_with({1001: qty}).state)
    price = int(view["liquidation_price"])

    assert (int(view["account"]), int(view["qty"]), int(view["mark"])) == (1001, qty, ENTRY)
    assert liquidated({1001: qty}, price) == 1
    assert liquidated({1001: qty}, price + safe) == 0


def test_the_wallet_nearest_to_liquidation_comes_first_and_who_has_nothing_not_at_all() -> None:
    engine = engine_with({1001: 100, 1002: 450, 1003: -300})
    engine.apply(event(code.EVENT_DEPOSIT, account=1004, price=MONEY))
    views = nearest_exposures(engine.state)

    assert views["account"].tolist() == [1002, 1003, 1001]
    assert views["margin_ratio_ppm"].tolist() == sorted(views["margin_ratio_ppm"], reverse=True)


def test_without_positions_nothing_is_shown() -> None:
    assert len(nearest_exposures(engine_with({}).state)) == 0
    assert EXPOSURES_SHOWN > MAX_ACCOUNTS
