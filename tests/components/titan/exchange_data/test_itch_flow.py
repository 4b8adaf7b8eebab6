"""ITCH through the engine: executions hit the orders that the exchange names, or it is told."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path

import pytest

from components.messages.json_lines import TextError
from components.titan.exchange_data.itch import read_stream
from components.titan.exchange_data.itch_flow import Flow
from tests.components.titan.exchange_data import itch_bytes as spec

ROOT = Path(__file__).resolve().parents[4]


def run(*messages: bytes, only: frozenset[str] = frozenset()) -> Flow:
    flow = Flow(only)
    flow.run(read_stream(io.BytesIO(spec.file_of(*messages)), "day"))
    return flow


def test_executions_reductions_and_replacements_follow_the_exchange() -> None:
    """A reduction keeps its place, a replacement goes to the back of its level."""
    flow = run(
        spec.directory("AAPL"),
        spec.add(1, "B", 100, "AAPL", 1_500_000),
        spec.add_attributed(2, "B", 100, "AAPL", 1_500_000, "NITE"),
        spec.add(3, "B", 100, "AAPL", 1_500_000),
        spec.reduced(1, 60),
        spec.replaced(2, 4, 100, 1_500_000),
        spec.executed(1, 40, time=5),
        spec.executed(3, 100, time=5),
        spec.executed(4, 30, time=5),
        spec.add(5, "S", 10, "AAPL", 1_500_100),
        spec.executed_at(5, 4, 1_500_050),
        spec.deleted(5),
        *spec.one_of_each_other_kind(),
        spec.system("C"),
    )

    assert flow.told.differences == []
    assert (flow.told.incoming, flow.told.fills_equal, flow.told.fills) == (3, 3, 3)
    assert flow.venue.book(5) == ([(1_500_000, 70)], [])
    assert flow.told.books_equal == flow.told.books == 2
    assert flow.told.messages["order executed"] == 3
    assert sum(flow.told.messages.values()) == 13 + 14


def test_an_execution_out_of_turn_is_told_once_and_the_book_is_set_right() -> None:
    flow = run(
        spec.directory("AAPL"),
        spec.add(1, "S", 100, "AAPL", 1_500_000),
        spec.add(2, "S", 100, "AAPL", 1_500_000),
        spec.executed(2, 100),
        spec.executed(1, 100),
        spec.system("C"),
    )

    (told,) = flow.told.differences
    assert told == (
        "message 4 (AAPL): order 1152921504606846977, fill 1: "
        "recorded (2, 1500000, 100), engine (1, 1500000, 100) (maker, price, quantity)"
    )
    assert (flow.told.fills_equal, flow.told.fills) == (1, 2)
    assert flow.told.books_equal == flow.told.books


def test_an_order_that_rests_across_the_other_side_is_told() -> None:
    flow = run(
        spec.add(1, "S", 100, "AAPL", 1_500_000),
        spec.add(2, "B", 100, "AAPL", 1_500_000),
    )

    assert flow.told.differences[0].startswith("message 2 (AAPL): order 2, fill 1: recorded none")


def test_stocks_are_kept_apart_and_can_be_chosen() -> None:
    messages = [
        spec.add(1, "S", 100, "AAPL", 1_500_000, locate=13),
        spec.add(2, "B", 100, "MSFT", 1_500_000, locate=8000),
        spec.add(3, "B", 50, "AAPL", 1_400_000, locate=13),
        spec.executed(2, 20, locate=8000),
    ]
    both, one = run(*messages), run(*messages, only=frozenset({"AAPL"}))

    assert both.stocks == ["AAPL", "MSFT"]
    assert both.venue.book(5, 1) == ([(1_500_000, 80)], [])
    assert both.told.is_identical
    assert (one.stocks, one.told.fills) == (["AAPL"], 0)
    assert one.venue.book(5) == ([(1_400_000, 50)], [(1_500_000, 100)])


def test_an_order_that_was_never_added_is_an_error_that_says_where() -> None:
    with pytest.raises(TextError) as told:
        run(spec.directory("AAPL"), spec.deleted(99))

    assert str(told.value).startswith("message 2 (AAPL): order 99 was never added")


def test_a_long_random_day_of_a_price_time_exchange_is_identical() -> None:
    """The exchange here is a plain list a side: executions take its best and oldest order."""
    rng = random.Random(11)
    messages = [spec.directory("AAPL"), spec.directory("MSFT", 2)]
    books: dict[tuple[int, str], list[list[int]]] = {
        (locate, side): [] for locate in (1, 2) for side in "BS"
    }
    for reference in range(1, 4_000):
        locate, side = rng.choice((1, 2)), rng.choice("BS")
        book = books[locate, side]
        draw = rng.random()
        if draw < 0.5 or not book:
            price = 10_000 + (rng.randint(1, 30) if side == "S" else -rng.randint(1, 30))
            order = [price if side == "S" else -price, reference, rng.randint(1, 9) * 100]
            book.append(order)
            stock = ("AAPL", "MSFT")[locate - 1]
            messages.append(spec.add(reference, side, order[2], stock, price, locate=locate))
        elif draw < 0.7:
            best = min(book)
            shares = rng.randint(1, best[2])
            best[2] -= shares
            messages.append(spec.executed(best[1], shares, locate=locate))
        elif draw < 0.8:
            order = rng.choice(book)
            shares = rng.randint(1, order[2])
            order[2] -= shares
            messages.append(spec.reduced(order[1], shares, locate=locate))
        elif draw < 0.9:
            messages.append(spec.deleted(book.pop(rng.randrange(len(book)))[1], locate=locate))
        else:
            order = book.pop(rng.randrange(len(book)))
            book.append([order[0], reference, rng.randint(1, 900)])
            price = abs(order[0])
            messages.append(spec.replaced(order[1], reference, book[-1][2], price, locate=locate))
        book[:] = [order for order in book if order[2]]
    flow = run(*messages, spec.system("C"))

    assert flow.told.differences == []
    assert flow.told.fills_equal == flow.told.fills > 500
    assert flow.told.books_equal == flow.told.books == 4


def test_the_program_says_what_differs_and_fails(tmp_path: Path) -> None:
    day = tmp_path / "day.itch"
    good = [spec.add(1, "S", 100, "AAPL", 10_000), spec.add(2, "S", 100, "AAPL", 10_000)]
    command = [sys.executable, "-m", "components.titan.cli", "itch", str(day)]
    shown = []
    for reference in (1, 2):
        day.write_bytes(spec.file_of(*good, spec.executed(reference, 100)))
        ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=100)
        shown.append((ran.returncode, ran.stdout.splitlines(), ran.stderr))

    assert shown[0][0] == 0
    assert "fills             1 of 1 identical" in shown[0][1]
    assert "differences       0" in shown[0][1]
    assert shown[1][0] == 1
    assert "differences       1" in shown[1][1]
    assert shown[0][2] == shown[1][2] == ""
