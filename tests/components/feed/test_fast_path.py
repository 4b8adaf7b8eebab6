"""The compiled step for common frames: it takes what a venue sends, and changes nothing but the speed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feed.batch import CommandBatch
from components.feed.binance_messages import Parser
from components.feed.decoder import Decoder
from components.feed.ingress import Ingress
from components.feed.latency import DIFFERENCES_MAX
from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow import NoOrderFlow
from components.feed.publisher import Publisher
from components.feed.recording import read_recording
from components.feed.settings import FeedSettings, PriceFrom
from components.feed.venue_messages import AggTrade, BookTicker, Trade
from tests.recordings import recording

from .conftest import Collected
from .fast_frames import ScannedFrames
from .test_parser_fuzz import PARSER
from .test_real_recordings import MARKETS, Market, market_parser

START_MS = 1_700_000_000_000


class WatchedFlow(NoOrderFlow):
    """Keeps what the decoder tells an order flow."""

    def __init__(self) -> None:
        self.told: list[tuple[int, ...]] = []

    def set_price(self, symbol_index: int, price_ticks: int) -> None:
        self.told.append((symbol_index, price_ticks))

    def set_touch(self, symbol_index: int, bid_ticks: int, ask_ticks: int) -> None:
        self.told.append((symbol_index, bid_ticks, ask_ticks))


class Decoded:
    """A decoder, and all that it gives; a frame that is not ``bytes`` goes the long way."""

    def __init__(self, parser: Parser, price_from: PriceFrom) -> None:
        self.metrics = InMemoryFeedMetrics()
        self.collected = Collected()
        self.flow = WatchedFlow()
        publisher = Publisher(self.collected, Ingress(2**16, self.metrics), self.metrics, 7)
        batch = CommandBatch(publisher, 7)
        rules = FeedSettings(price_from=price_from, reorder_ms=2.0)
        self.decoder = Decoder(rules, parser, batch, self.flow, self.metrics)

    def everything(self) -> tuple[object, ...]:
        """To be compared with another's."""
        states = dict(self.decoder.board.streams())
        return self.collected.commands.tobytes(), vars(self.metrics), self.flow.told, states


@pytest.mark.parametrize("market", MARKETS, ids=lambda each: each.file)
def test_every_common_frame_of_a_recording_is_taken_and_read_as_the_parser_reads_it(
    market: Market,
) -> None:
    parser = market_parser(market)
    scanned = ScannedFrames(parser.symbols)
    common = 0
    path = recording("binance-hftbacktest", market.file)
    for number, (_, frame, *_) in enumerate(
        read_recording(path, lambda *_: None, line_bytes_max=2**20)
    ):
        messages = parser.parse(frame)
        is_common = isinstance(messages[0], Trade | AggTrade | BookTicker)

        assert (scanned.read(frame) or messages[0]) == messages[0]
        assert (scanned.read(frame) is not None) == is_common
        common += is_common
        if number == 10_000:
            break
    assert common > 1_000


STEPS = st.tuples(
    st.sampled_from(["trade", "aggTrade", "bookTicker", "depth", "broken"]),
    st.sampled_from(PARSER.symbols),
    st.sampled_from([1, 1, 1, 1, 2, 3, 0, -1]),  # how far its number is from the last
    st.sampled_from([0, 0, 0, 1, -1, 30, -40_000, 300_000]),  # and its price, in ppm
    st.sampled_from([0, 0, 1, 3, 12_000]),  # milliseconds that pass before it
)


class StepMarket:
    """Makes frames of steps."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._ticks = dict.fromkeys((each.name for each in PARSER.symbols), 4_000_000)
        self.ms = START_MS

    def frame(self, step: tuple[str, Any, int, int, int]) -> bytes:
        kind, symbol, ahead, move_ppm, passed_ms = step
        self.ms += passed_ms
        number = self._numbers[symbol.name, kind] = (
            self._numbers.get((symbol.name, kind), 1_000) + ahead
        )
        ticks = self._ticks[symbol.name]
        price = symbol.tick_size * (ticks + ticks * move_ppm // 1_000_000)
        if abs(move_ppm) < 1_000:
            self._ticks[symbol.name] = int(price / symbol.tick_size)
        times = {"E": self.ms, "T": self.ms - 1}
        sides = {"b": f"{price}", "B": "3.0", "a": f"{price + symbol.tick_size}", "A": "4.0"}
        said: dict[str, Any] = {"s": symbol.name, "e": kind, **times, "m": True}
        if kind == "depth":
            said |= {"e": "depthUpdate", "U": number, "u": number, "b": [], "a": []}
        elif kind == "bookTicker":
            said |= {"u": number, **sides}
        else:
            said |= {"t": number, "a": number, "p": f"{price}", "q": "2"}
        if kind == "broken":
            said |= {"e": "trade", "p": "1e5"}
        return orjson.dumps({"stream": f"{symbol.name.lower()}@{kind}", "data": said})


@settings(max_examples=150)
@given(st.lists(STEPS, max_size=60), st.sampled_from(["trade", "agg_trade"]))
def test_a_decoder_gives_the_same_with_and_without_it(
    steps: list[tuple[str, Any, int, int, int]], price_from: PriceFrom
) -> None:
    fast, plain = Decoded(PARSER, price_from), Decoded(PARSER, price_from)
    market = StepMarket()
    for step in steps:
        frame = market.frame(step)
        now_ns = market.ms * 1_000_000 + 17
        taken = fast.decoder.take(now_ns, now_ns, frame)

        assert plain.decoder.take(now_ns, now_ns, frame.decode()) == taken
    fast.decoder.finish()
    plain.decoder.finish()

    assert fast.everything() == plain.everything()


def test_a_flood_between_two_reports_loses_no_latency() -> None:
    decoded = Decoded(PARSER, "trade")
    market = StepMarket()
    count = DIFFERENCES_MAX + 10
    for _ in range(count):
        frame = market.frame(("trade", PARSER.symbols[0], 1, 0, 1))
        decoded.decoder.take(market.ms * 1_000_000, market.ms * 1_000_000, frame)
    decoded.decoder.flush()

    assert len(decoded.metrics.latencies) == decoded.metrics.prices.total() == count
