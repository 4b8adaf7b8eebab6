"""Nothing out of bounds, and no time that goes back, passes the gate."""

from __future__ import annotations

import numpy as np
import pytest

from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.messages.code import (
    FLAG_BY_AMOUNT,
    FLAG_LIQUIDATION,
    FLAG_STALE,
    FLAG_SUSPECT,
    OP_AMEND,
    OP_BRACKET,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_DEPOSIT,
    OP_PLACE,
    OP_PRICE,
    OP_REPLACE,
    TIF_GTD,
    TYPE_MARKET,
    TYPE_STOP,
)
from components.messages.command import ALL_SYMBOLS, UNCHANGED, Commands, new_commands
from components.messages.order_text import CLIENT_ORDER_ID_MAX
from components.units import MONEY_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX, TIMESTAMP_MAX

NOW = 1_700_000_000_000_000_000


def one(**fields: int) -> Commands:
    command = new_commands(1)
    for name, value in fields.items():
        command[name] = value
    return command


def price(**changed: int) -> Commands:
    return one(**{"op": OP_PRICE, "price": 100, **changed})


def place(**changed: int) -> Commands:
    return one(**{"op": OP_PLACE, "price": 100, "qty": 1, "account": 7, "order_id": 1, **changed})


def amend(**changed: int) -> Commands:
    return one(**{"op": OP_AMEND, "account": 7, "order_id": 1, "price": 5, "qty": 2, **changed})


def bracket(**changed: int) -> Commands:
    exits = {"display_qty": 110, "origin_ts": 2, "stop_price": 90, "expires": 89, "cause": 3}
    return place(**{"op": OP_BRACKET, **exits, **changed})


VALID = {
    "a price": price(qty=3, origin_ts=NOW),
    "a price not to be trusted": price(flags=FLAG_STALE | FLAG_SUSPECT),
    "a limit order": place(),
    "a market order": place(order_type=TYPE_MARKET, price=0),
    "a market order with a worst price": place(order_type=TYPE_MARKET, price=5),
    "a market order by amount": place(
        order_type=TYPE_MARKET, price=0, qty=MONEY_MAX, flags=FLAG_BY_AMOUNT
    ),
    "a stop order": place(order_type=TYPE_STOP, price=0, stop_price=90),
    "an iceberg until a time": place(tif=TIF_GTD, expires=NOW, display_qty=1),
    "a replacement": place(op=OP_REPLACE, cause=5),
    "a bracket": bracket(),
    "an amend": amend(),
    "an amend of the price alone": amend(qty=UNCHANGED),
    "a cancel": one(op=OP_CANCEL, account=7, order_id=1),
    "a mass cancel": one(op=OP_CANCEL_ALL, account=7, symbol=ALL_SYMBOLS),
    "the largest": place(price=PRICE_TICKS_MAX, qty=QTY_LOTS_MAX, order_id=CLIENT_ORDER_ID_MAX),
}
INVALID = {
    "unknown_operation": [one(op=99), one(op=0), one(op=OP_DEPOSIT, account=7, price=1)],
    "out_of_bounds_time": [
        price(origin_ts=-1),
        price(origin_ts=TIMESTAMP_MAX + 1),
        place(expires=-1),
    ],
    "unknown_symbol": [price(symbol=2), place(symbol=ALL_SYMBOLS)],
    "out_of_bounds_price": [
        price(price=0),
        price(price=-5),
        price(price=PRICE_TICKS_MAX + 1),
        place(price=0),
        place(order_type=TYPE_MARKET, price=-1),
        place(order_type=TYPE_STOP, price=0, stop_price=-1),
        amend(price=0),
        bracket(display_qty=-1),
        bracket(expires=PRICE_TICKS_MAX + 1),
    ],
    "out_of_bounds_qty": [
        place(qty=0),
        place(qty=QTY_LOTS_MAX + 1),
        place(display_qty=-1),
        price(qty=-1),
        amend(qty=0),
    ],
    "out_of_bounds_id": [
        place(account=0),
        place(order_id=0),
        place(order_id=CLIENT_ORDER_ID_MAX + 1),
        place(op=OP_REPLACE, cause=0),
        amend(order_id=0),
        one(op=OP_CANCEL, account=7),
        one(op=OP_CANCEL_ALL, symbol=ALL_SYMBOLS),
    ],
    "bad_type": [
        place(side=2),
        place(order_type=6),
        place(tif=5),
        place(stp=5),
        place(flags=FLAG_LIQUIDATION),
        price(flags=4),
        one(op=OP_CANCEL_ALL, account=7, side=3),
    ],
}


@pytest.mark.parametrize("command", VALID.values(), ids=VALID.keys())
def test_valid_commands_pass_unchanged_but_for_their_stamp(command: Commands) -> None:
    metrics = InMemoryFeedMetrics()
    expected = command.copy()
    expected["ts"] = NOW

    assert Ingress(2, metrics).stamp(command.copy(), NOW).tobytes() == expected.tobytes()
    assert not metrics.malformed_by_reason


@pytest.mark.parametrize(
    ("reason", "command"),
    [(reason, command) for reason, commands in INVALID.items() for command in commands],
)
def test_invalid_commands_are_dropped_and_counted(reason: str, command: Commands) -> None:
    metrics = InMemoryFeedMetrics()

    assert len(Ingress(2, metrics).stamp(command, NOW)) == 0
    assert dict(metrics.malformed_by_reason) == {reason: 1}


def test_the_others_of_a_batch_go_on_in_order() -> None:
    metrics = InMemoryFeedMetrics()
    batch = np.concatenate([price(price=at) for at in (1, 0, 2, -1, 3)])

    assert Ingress(2, metrics).stamp(batch, NOW)["price"].tolist() == [1, 2, 3]
    assert dict(metrics.malformed_by_reason) == {"out_of_bounds_price": 2}


def test_stamps_never_go_back() -> None:
    ingress = Ingress(2, InMemoryFeedMetrics())

    assert ingress.stamp(price(), NOW)["ts"][0] == NOW
    assert ingress.stamp(price(), NOW - 5)["ts"][0] == NOW
    assert ingress.stamp(price(), NOW + 5)["ts"][0] == NOW + 5
    assert ingress.last_ts == NOW + 5


def test_a_batchs_own_times_never_go_back() -> None:
    batch = np.concatenate([price(ts=NOW + after) for after in (0, 5, 3, 9)])
    admitted = Ingress(2, InMemoryFeedMetrics()).admit(batch)

    assert (admitted["ts"] - NOW).tolist() == [0, 5, 5, 9]
