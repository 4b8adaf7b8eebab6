"""Trades that overtook each other, through the whole decoder: none lost, none doubled, in order."""

from __future__ import annotations

from decimal import Decimal

import orjson
from hypothesis import given
from hypothesis import strategies as st

from components.feed.batch import CommandBatch
from components.feed.decoder import Decoder, build_parser
from components.feed.ingress import Ingress
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow import NoOrderFlow
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.publisher import Publisher
from components.feed.reordering import WAITING_MAX, Reordering
from components.feed.settings import FeedSettings
from components.instruments import Instrument, InstrumentTable
from components.messages.code import FLAG_SUSPECT

from .conftest import Collected
from .live_feed import ticks, trade

TABLE = InstrumentTable([Instrument("BTCUSDT", 0, Decimal("0.01"), Decimal("0.00001"))])
SETTINGS = FeedSettings(order_flow=OrderFlowSettings(orders_per_second=0), reorder_ms=5.0)
MS = 1_000_000


def decoded(
    numbers: list[int], step_ns: int = 1
) -> tuple[list[int], list[int], InMemoryFeedMetrics]:
    """Prices, flags and metrics of the trades with these numbers, ``step_ns`` apart."""
    collected, metrics = Collected(), InMemoryFeedMetrics()
    batch = CommandBatch(Publisher(collected, Ingress(1, metrics), metrics, 256), 256)
    decoder = Decoder(SETTINGS, build_parser(SETTINGS, TABLE), batch, NoOrderFlow(), metrics)
    for at, number in enumerate(numbers):
        now_ns = 10**18 + at * step_ns
        decoder.take(
            now_ns, now_ns, orjson.dumps({"stream": "x", "data": orjson.Fragment(trade(number))})
        )
    decoder.finish()
    commands = collected.commands
    return commands["price"].tolist(), commands["flags"].tolist(), metrics


@given(st.lists(st.integers(2, 9), max_size=12), st.randoms(use_true_random=False))
def test_blocks_that_arrive_shuffled_and_doubled_come_out_in_order_and_once(
    sizes: list[int], random: object
) -> None:
    numbers, at = [1], 2
    for size in sizes:
        block = [*range(at, at + size), at]
        random.shuffle(block)  # type: ignore[attr-defined]
        numbers += block
        at += size
    prices, flags, metrics = decoded(numbers)

    assert prices == ticks(1, at - 1)
    assert set(flags) <= {0}
    assert metrics.duplicates.total() == len(sizes)
    assert not metrics.gaps


def test_after_its_patience_a_trade_goes_on_with_its_gap() -> None:
    prices, flags, metrics = decoded([1, 3, 4, 5], step_ns=2 * MS)

    assert prices == [*ticks(1, 1), *ticks(3, 5)]
    assert flags == [0, FLAG_SUSPECT, 0, 0]
    assert metrics.gaps == {0: 1}


def test_what_comes_after_the_patience_is_late_and_dropped() -> None:
    prices, _, metrics = decoded([1, 3, 2, 4], step_ns=6 * MS)

    assert prices == [*ticks(1, 1), *ticks(3, 4)]
    assert metrics.duplicates == {0: 1}


def test_a_flood_after_a_gap_does_not_wait_without_bound() -> None:
    prices, _, metrics = decoded([1, *range(3, 3 + 2 * WAITING_MAX)])

    assert prices == [*ticks(1, 1), *ticks(3, 2 + 2 * WAITING_MAX)]
    assert metrics.gaps == {0: 1}


def test_without_patience_nothing_is_held() -> None:
    waiting: Reordering[str] = Reordering(0)

    assert not waiting.hold(3, "c", 0)
    assert waiting.pop_first() is None
