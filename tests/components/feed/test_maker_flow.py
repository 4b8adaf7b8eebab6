"""The makers' flow is deterministic, keeps its rate, and leaves a bounded, fresh book."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from components.feed.maker_flow import MakerFlow
from components.feed.order_flow_settings import OrderFlowSettings
from components.instruments import InstrumentTable
from components.messages.code import (
    BUY,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_PLACE,
    SOURCE_ORDER_FLOW,
    TIF_GTC,
    TIF_IOC,
    TYPE_LIMIT,
    TYPE_MARKET,
)
from components.messages.command import ALL_SYMBOLS, Commands

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
RATE = 1000.0


def new_flow(instruments: InstrumentTable, *, seed: int = 7, **changed: object) -> MakerFlow:
    rules = OrderFlowSettings(**{"orders_per_second": RATE, **changed})  # type: ignore[arg-type]
    return MakerFlow(rules, instruments, tuple(instruments.values()), seed)


def play(flow: MakerFlow, seconds: float, prices: Iterator[int]) -> Commands:
    """Both symbols follow ``prices``, one each 100 ms; the flow is asked whenever it is due."""
    batches = [flow.open(START)]
    next_price = START
    while flow.next_due_ns <= START + seconds * SECOND:
        now = flow.next_due_ns
        while next_price <= now:
            price = next(prices)
            flow.set_price(0, price)
            flow.set_price(1, price // 10)
            next_price += SECOND // 10
        batches.append(flow.due(now))
    return np.concatenate(batches)


def wandering() -> Iterator[int]:
    generator = np.random.default_rng(3)
    price = 5_000_000.0
    while True:
        price *= 1.0 + 0.002 * generator.standard_normal()
        yield round(price)


def test_same_seed_prices_and_times_give_the_same_commands(instruments: InstrumentTable) -> None:
    first = play(new_flow(instruments), 3, wandering())
    second = play(new_flow(instruments), 3, wandering())
    other = play(new_flow(instruments, seed=8), 3, wandering())

    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("rate", [0.5, 3.0, 200.0, 100_000.0])
def test_the_rate_is_kept(instruments: InstrumentTable, rate: float) -> None:
    flow = new_flow(instruments, orders_per_second=rate)
    seconds = max(4 / rate, 0.5)
    commands = play(flow, seconds, iter(lambda: 5_000_000, 0))
    sent = np.count_nonzero(commands["op"] != OP_CANCEL_ALL)

    assert sent == pytest.approx(rate * seconds, rel=0.03, abs=1)


def test_a_long_pause_is_not_made_up_for(instruments: InstrumentTable) -> None:
    flow = new_flow(instruments)
    flow.open(START)
    flow.set_price(0, 5_000_000)
    flow.set_price(1, 500_000)

    assert len(flow.due(START + 3600 * SECOND)) <= RATE / 10
    assert len(flow.due(START + 3600 * SECOND + SECOND // 100)) == RATE / 100


def test_nothing_is_sent_before_a_price(instruments: InstrumentTable) -> None:
    flow = new_flow(instruments)
    flow.open(START)

    assert len(flow.due(START + SECOND // 20)) == 0


def test_ids_are_unique_in_an_account_and_each_cancel_names_a_resting_quote(
    instruments: InstrumentTable,
) -> None:
    flow = new_flow(instruments)
    resting: dict[tuple[int, int], int] = {}
    seen: set[tuple[int, int]] = set()
    most = 0
    for command in play(flow, 10, wandering()):
        name = (int(command["account"]), int(command["order_id"]))
        if command["op"] == OP_PLACE:
            assert name not in seen
            seen.add(name)
            if command["tif"] == TIF_GTC:
                resting[name] = int(command["symbol"])
        elif command["op"] == OP_CANCEL:
            assert resting.pop(name) == command["symbol"]
        most = max(most, len(resting))

    assert most <= flow.resting_max == 40
    assert flow.resting == len(resting)


def test_makers_quote_on_both_sides_without_crossing_their_own_quotes(
    instruments: InstrumentTable,
) -> None:
    best: dict[tuple[int, int], tuple[int, int, int]] = {}
    for command in play(new_flow(instruments), 10, wandering()):
        name = (int(command["account"]), int(command["order_id"]))
        if command["op"] == OP_CANCEL:
            best.pop(name)
        elif command["op"] == OP_PLACE and command["tif"] == TIF_GTC:
            symbol, side, price = (int(command[key]) for key in ("symbol", "side", "price"))
            opposite = [p for s, d, p in best.values() if s == symbol and d != side]
            if side == BUY:
                assert all(price < each for each in opposite)
            else:
                assert all(price > each for each in opposite)
            best[name] = (symbol, side, price)

    assert {side for _, side, _ in best.values()} == {0, 1}


def test_no_quote_is_left_behind(instruments: InstrumentTable) -> None:
    placed_at: dict[tuple[int, int], int] = {}
    oldest = 0
    for command in play(new_flow(instruments), 20, iter(lambda: 5_000_000, 0)):
        name, now = (int(command["account"]), int(command["order_id"])), int(command["ts"])
        if command["op"] == OP_PLACE and command["tif"] == TIF_GTC:
            placed_at[name] = now
        elif command["op"] == OP_CANCEL:
            oldest = max(oldest, now - placed_at.pop(name))
    still = [START + 20 * SECOND - since for since in placed_at.values()]

    assert max([oldest, *still]) < 2 * SECOND


def test_after_a_jump_no_quote_stays_on_the_wrong_side(instruments: InstrumentTable) -> None:
    prices = iter([5_000_000] * 10 + [5_500_000] * 10)
    resting: dict[tuple[int, int], tuple[int, int]] = {}
    for command in play(new_flow(instruments), 1.9, prices):
        name = (int(command["account"]), int(command["order_id"]))
        if command["symbol"] != 0:
            continue
        if command["op"] == OP_CANCEL:
            resting.pop(name)
        elif command["op"] == OP_PLACE and command["tif"] == TIF_GTC:
            resting[name] = (int(command["side"]), int(command["price"]))

    assert len(resting) >= 19
    assert all((price < 5_500_000) == (side == BUY) for side, price in resting.values())


def test_takers_never_rest_and_stay_near_the_price(instruments: InstrumentTable) -> None:
    commands = play(new_flow(instruments), 5, iter(lambda: 5_000_000, 0))
    takes = commands[(commands["op"] == OP_PLACE) & (commands["account"] >= 9101)]
    limits = takes[(takes["order_type"] == TYPE_LIMIT) & (takes["symbol"] == 0)]

    assert len(takes) == pytest.approx(RATE * 5 * 0.2, rel=0.15)
    assert (takes["tif"] == TIF_IOC).all()
    assert 0 < np.count_nonzero(takes["order_type"] == TYPE_MARKET) < len(takes) / 2
    assert (np.abs(limits["price"] - 5_000_000) <= 5_000_000 * 0.0022).all()


def test_a_taker_turns_round_before_its_position_runs_away(instruments: InstrumentTable) -> None:
    commands = play(
        new_flow(instruments, taker_share_ppm=1_000_000, inventory_notional=10**12),
        20,
        iter(lambda: 5_000_000, 0),
    )
    signed = np.where(commands["side"] == BUY, commands["qty"], -commands["qty"])
    bound = (10**12 + 5_000 * 10**8) // (5_000_000 * 10)
    for account in (9101, 9102):
        mine = (commands["account"] == account) & (commands["symbol"] == 0)

        assert np.abs(np.cumsum(signed[mine])).max() <= bound


def test_quotes_stand_around_a_venues_touch(instruments: InstrumentTable) -> None:
    flow = new_flow(instruments, taker_share_ppm=0)
    flow.open(START)
    flow.set_touch(0, 6_170_000, 6_170_001)
    commands = flow.due(START + SECOND // 10)
    buys, sells = commands[commands["side"] == 0], commands[commands["side"] == 1]

    assert buys["price"].max() <= 6_170_000 < 6_170_001 <= sells["price"].min()
    assert (commands["source"] == SOURCE_ORDER_FLOW).all()


def test_it_opens_and_closes_with_a_mass_cancel_for_each_account(
    instruments: InstrumentTable,
) -> None:
    for commands in (new_flow(instruments).open(START), new_flow(instruments).close(START)):
        assert commands["op"].tolist() == [OP_CANCEL_ALL] * 4
        assert commands["account"].tolist() == [9001, 9002, 9101, 9102]
        assert (commands["symbol"] == ALL_SYMBOLS).all()


@pytest.mark.parametrize("price", [1, 2, 3, 2**40])
def test_extreme_prices_stay_on_the_grid(instruments: InstrumentTable, price: int) -> None:
    flow = new_flow(instruments)
    flow.open(START)
    flow.set_price(0, price)
    commands = flow.due(START + SECOND // 10)
    limits = commands[(commands["op"] == OP_PLACE) & (commands["order_type"] == TYPE_LIMIT)]

    assert len(limits)
    assert ((limits["price"] >= 1) & (limits["price"] <= 2**40)).all()
    assert (commands[commands["op"] == OP_PLACE]["qty"] >= 1).all()
