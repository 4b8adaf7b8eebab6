"""The stand-in venue is what it stands for: shapes, numbers, rules, and faults as they were asked."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import aiohttp
from hypothesis import given
from hypothesis import strategies as st

from components.feed.binance_messages import Parser
from components.feed.gaps import IN_ORDER, SequenceCheck
from components.feed.symbol_words import new_words
from components.feed.venue_messages import (
    AggTrade,
    BookTicker,
    DepthUpdate,
    MarkPrice,
    Trade,
    VenueSymbol,
)
from components.venue.faults import Faults, FaultSettings
from components.venue.market import SimulatedMarket
from components.venue.playing import play_recording
from components.venue.server import Conduct, VenueServer

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "config" / "recordings" / "sample.gz"


def test_a_simulated_market_is_valid_complete_and_its_book_follows_from_its_updates() -> None:
    for is_futures in (False, True):
        market = SimulatedMarket({"BTCUSDT": 5_000_000}, 7, is_futures=is_futures)
        parser = Parser([VenueSymbol("BTCUSDT", 0, Decimal("0.01"), Decimal("0.00001"))])
        check = SequenceCheck(new_words(4))
        symbol = market.symbols["BTCUSDT"]
        before = symbol.book()
        book: dict[str, dict[str, str]] = {side: dict(before[side]) for side in ("bids", "asks")}
        seen: Counter[type] = Counter()
        for step in range(400):
            for stream, data in market.step(1_700_000_000_000 + 20 * step):
                frame = b'{"stream":"%s","data":%s}' % (stream.encode(), data)
                (message,) = parser.parse(frame)
                seen[type(message)] += 1
                if isinstance(message, Trade):
                    assert check.trade(message) == IN_ORDER
                elif isinstance(message, AggTrade):
                    assert check.agg_trade(message) == IN_ORDER
                elif isinstance(message, BookTicker):
                    assert check.book_ticker(message) == IN_ORDER
                elif isinstance(message, DepthUpdate):
                    assert check.depth(message) == IN_ORDER
                    for side, pairs in (("bids", message.bids), ("asks", message.asks)):
                        book[side].update(dict(pairs))
        after = symbol.book()
        for side in ("bids", "asks"):
            alive = {price: qty for price, qty in book[side].items() if Decimal(qty)}
            assert alive == dict(after[side])

        assert set(seen) - {MarkPrice} == {Trade, AggTrade, BookTicker, DepthUpdate}
        assert (MarkPrice in seen) == is_futures


@given(
    st.integers(0, 60),
    st.builds(FaultSettings, *[st.integers(0, 5)] * 3, st.integers(0, 5), st.just(0)),
)
def test_faults_do_what_they_were_asked_and_nothing_else(
    count: int, settings: FaultSettings
) -> None:
    faults = Faults(settings)
    frames = [b"frame %04d" % number for number in range(1, count + 1)]
    sent = [each for frame in frames for each in faults.frames(frame)]
    whole = Counter(each for each in sent if each in set(frames))
    every = settings.drop_every
    dropped = {f for n, f in enumerate(frames, 1) if every and n % every == 0}
    is_reordering = settings.reorder_every > 0

    assert not dropped & set(whole)
    assert len(set(frames) - dropped - set(whole)) <= (1 if is_reordering else 0)
    assert settings.duplicate_every or set(whole.values()) <= {1}
    assert is_reordering or [f for f in sent if f in whole] == sorted(f for f in sent if f in whole)


def test_it_answers_as_binance_does_and_enforces_its_limits() -> None:
    async def talk() -> tuple[list[object], int | None, list[str]]:
        async with VenueServer(Conduct(frames_per_s_max=5)) as venue, aiohttp.ClientSession() as s:
            answers: list[object] = []
            socket = await s.ws_connect(venue.base_url.replace("ws", "http") + "/ws")
            for request in (
                '{"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@depth"],"id":1}',
                '{"method":"UNSUBSCRIBE","params":["btcusdt@depth"],"id":2}',
                '{"method":"LIST_SUBSCRIPTIONS","id":3}',
                "nonsense",
            ):
                await socket.send_str(request)
                answers.append(await socket.receive_json())
            for _ in range(2):
                await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":4}')
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            return answers, socket.close_code, venue.violations

    answers, code, violations = asyncio.run(asyncio.wait_for(talk(), 60))

    assert answers == [
        {"result": None, "id": 1},
        {"result": None, "id": 2},
        {"result": ["btcusdt@trade"], "id": 3},
        {"code": 2, "msg": "Invalid request"},
    ]
    assert (code, violations) == (1008, ["too many frames a second"])


def test_a_recording_reaches_a_client_message_by_message() -> None:
    async def listen() -> tuple[int, Counter[str]]:
        kinds: Counter[str] = Counter()
        async with VenueServer() as venue, aiohttp.ClientSession() as session:
            streams = "btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms"
            address = f"{venue.base_url}/stream?streams={streams}"
            socket = await session.ws_connect(address.replace("ws", "http"))
            while not venue.clients:
                await asyncio.sleep(0.001)
            playing = asyncio.create_task(play_recording(venue, SAMPLE, 0.0, asyncio.Event()))
            while not playing.done() or kinds.total() < playing.result():
                kinds[(await socket.receive_json())["stream"]] += 1
            return playing.result(), kinds

    published, kinds = asyncio.run(asyncio.wait_for(listen(), 90))

    assert published == kinds.total()
    assert kinds["btcusdt@bookTicker"] == 1_000
    assert kinds["btcusdt@depth@100ms"] == 200


def test_the_program_serves_and_ends_at_a_signal() -> None:
    program = subprocess.Popen(
        [sys.executable, "-u", "-m", "components.venue.cli", "--port", "0", "--futures"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdout is not None
    try:
        address = program.stdout.readline().split()[4].rstrip(";")

        async def first() -> dict[str, object]:
            path = "/market/stream?streams=btcusdt@markPrice@1s"
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(address.replace("ws", "http") + path) as socket,
            ):
                return json.loads((await socket.receive()).data)

        mark = asyncio.run(asyncio.wait_for(first(), 60))
        program.send_signal(signal.SIGTERM)
        status = program.wait(60)
    finally:
        program.kill()
        program.stdout.close()

    assert mark["stream"] == "btcusdt@markPrice@1s"
    assert status == 0
