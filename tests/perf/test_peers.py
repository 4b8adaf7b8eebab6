"""The books beside Titan do the same work: equally many trades, in the same order of makers."""

from __future__ import annotations

import numpy as np
import pytest

from components.messages.code import BUY, EVENT_TRADE
from components.messages.command import UNCHANGED
from components.titan.engine import apply_batch, depth
from perf.harness.titan_replay import fresh_state
from perf.peers import nautilus_engine, order_matching_engine, plain_python_book, sorted_book
from perf.peers.plain_python_book import PlainBook
from perf.peers.sorted_book import SortedBook, rows_of
from perf.workloads.mixed import RESTING, mixed_commands

COMMANDS = mixed_commands(6_000)


def titans_trades_and_levels() -> tuple[int, list[dict[int, int]]]:
    state, outbox = fresh_state(COMMANDS[:1], len(COMMANDS))
    trades = 0
    for number in range(1, len(COMMANDS)):
        apply_batch(state, COMMANDS[number : number + 1], number, outbox)
        kinds = outbox.slots["kind"][: int(outbox.count[0])]
        trades += int((kinds == EVENT_TRADE).sum())
        outbox.count[0] = 0
    return trades, [dict(side.tolist()) for side in depth(state, 0, 10_000)]


def test_the_sorted_book_trades_as_titan_and_ends_in_its_levels() -> None:
    trades, levels = titans_trades_and_levels()
    book = SortedBook()
    sorted_book._run(book, list(rows_of(COMMANDS)))
    found = [
        {abs(key): sum(order[2] for order in queue.values()) for key, queue in side.items()}
        for side in book.sides
    ]

    assert book.trades == trades > 1_000
    assert found == levels


def test_the_plain_book_trades_as_titan() -> None:
    trades, _ = titans_trades_and_levels()
    book = PlainBook()
    plain_python_book._run(book, list(rows_of(COMMANDS)))

    assert book.trades == trades


def test_nautilus_is_told_a_book_that_ends_in_titans_levels() -> None:
    _, levels = titans_trades_and_levels()
    orders: dict[int, tuple[int, int, int]] = {}
    takers = 0
    for found, taker in nautilus_engine.changes(COMMANDS):
        takers += taker is not None
        for action, side, price, qty, number in found:
            if action == "DELETE":
                del orders[number]
            else:
                assert (action == "ADD") == (number not in orders)
                orders[number] = (side, price, qty)
    sums: list[dict[int, int]] = [{}, {}]
    for side, price, qty in orders.values():
        sums[side][price] = sums[side].get(price, 0) + qty

    assert takers > 300
    assert sums == levels


def test_nautilus_fills_what_meets_its_book() -> None:
    pytest.importorskip(
        "nautilus_trader.backtest.engine", reason="nautilus_trader is not installed"
    )

    assert nautilus_engine.replay(COMMANDS[: 1 + RESTING + 200], RESTING) > 0


def test_order_matching_trades_as_titan_on_a_few_orders() -> None:
    pytest.importorskip("order_matching.matching_engine", reason="order-matching is not installed")
    few = COMMANDS[:300]
    peer = order_matching_engine.Peer()
    peer.run(list(rows_of(few)))
    book = SortedBook()
    sorted_book._run(book, list(rows_of(few)))

    assert peer.trades == book.trades


def test_an_amend_that_names_no_quantity_changes_no_book() -> None:
    book = SortedBook()
    row = np.array([3, 1, 1, BUY, 5, UNCHANGED, 0]).tolist()
    sorted_book._run(book, [(1, 1, 1, BUY, 5, 9, 0), tuple(row)])

    assert book.orders[1, 1][2] == 9
