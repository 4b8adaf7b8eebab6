"""What the page is told: each trade once, everything else as it is now."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from components.messages.code import BUY, EVENT_TRADE
from components.messages.event import EVENT
from components.monitor.page_state import POINTS_KEPT, TRADES_KEPT, PageState
from components.monitor.platform_view import SharedMemoryView
from tests.components.monitor.conftest import Platform

SECOND = 10**9


class Clock:
    """Monotonic nanoseconds that only a test moves."""

    def __init__(self) -> None:
        self.now = SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(busy: Platform, clock: Clock) -> Iterator[PageState]:
    view = SharedMemoryView(busy.name)
    yield PageState(view, busy.name, lambda: {"streams": {}}, clock)
    view.close()


def trade(busy: Platform, *prices: int) -> None:
    events = np.zeros(len(prices), EVENT)
    events["kind"], events["side"], events["price"], events["qty"] = EVENT_TRADE, BUY, prices, 250
    producer = busy.ring.producer()
    for event in events:
        producer.write(event.reshape(1))
        busy.ring.consumer("sentinel").advance(busy.ring.cursor)


def test_each_trade_is_told_once_however_seldom_somebody_asks(
    busy: Platform, page: PageState
) -> None:
    page.gather()
    trade(busy, 500_001, 500_002)
    page.gather()
    first = page.moment(0)
    trade(busy, 500_003)
    page.gather()
    page.gather()
    second = page.moment(first["number"])

    assert [each["price"] for each in first["trades"]] == [50_000.1, 50_000.2]
    assert [each["price"] for each in second["trades"]] == [50_000.3]
    assert page.moment(second["number"])["trades"] == []


def test_history_is_bounded(busy: Platform, page: PageState, clock: Clock) -> None:
    page.gather()
    for _ in range(6):
        trade(busy, *range(500_000, 500_050))
        page.gather()
    for _ in range(POINTS_KEPT + 5):
        clock.now += SECOND // 2
        page.gather()
    moment = page.moment(0)

    assert len(moment["trades"]) == TRADES_KEPT
    points = [each["symbol"] for each in moment["points"]]
    assert (points.count("BTCUSDT"), points.count("ETHUSDT")) == (POINTS_KEPT, POINTS_KEPT)


def test_a_moment_holds_everything_that_the_page_draws(busy: Platform, page: PageState) -> None:
    page.gather()
    moment, greeting = page.moment(0), page.greeting()

    assert greeting["symbols"][0] == {"name": "BTCUSDT", "price": 1, "qty": 3}
    assert moment["prices"]["BTCUSDT"]["last"] == 50_000
    assert moment["books"]["BTCUSDT"] == {"bids": (), "asks": ()}
    (ring,) = moment["rings"]
    assert (ring["name"], ring["capacity"], ring["cursor"]) == ("events", 64, 40)
    assert ring["consumers"] == [{"name": "sentinel", "at": 0}]
    assert [each.account for each in moment["liquidations"]] == [1003]
    assert moment["up"] is True
    assert {each.name for each in moment["latencies"]} >= {"→titan", "→sentinel", "→durable"}


def test_while_nobody_watches_it_looks_once_a_second(page: PageState, clock: Clock) -> None:
    for _ in range(10):
        page.gather(watched=False)
        clock.now += SECOND // 10
    assert len(page.moment(0)["points"]) == 2  # one of each symbol

    page.gather(watched=False)
    assert len(page.moment(0)["points"]) == 4


def test_a_platform_that_is_gone_is_told_as_down(
    busy: Platform, page: PageState, clock: Clock
) -> None:
    page.gather()
    busy.control.unlink()
    clock.now += 2 * SECOND
    page.gather()

    assert page.moment(0)["up"] is False
