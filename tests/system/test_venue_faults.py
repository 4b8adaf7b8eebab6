"""The platform on a stand-in venue: what is not to be believed liquidates nobody, and all is recorded."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from components.messages.code import OP_PLACE, SOURCE_SENTINEL
from components.oracle.api import Journal
from components.venue.server import VenueServer
from tests.system.platform_run import ROOT, PlatformRun, oracle

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

CONFIGURATION = """\
extends: {root}/config/binance.yaml
feed:
  symbols: [BTCUSDT]
  binance:
    base_url: {venue}
    streams: [trade]
    stale_after_s: 3600
accounts:
  - user: 1001                 # falls at about 45,226
    collateral: "2500"
    positions:
      - {{symbol: BTCUSDT, side: long, qty: "0.5", entry: "50000", leverage: 10}}
  - user: 1003                 # falls at about 37,688
    collateral: "2500"
    positions:
      - {{symbol: BTCUSDT, side: long, qty: "0.2", entry: "50000", leverage: 4}}
"""


class VenueInAThread:
    """A venue with a loop of its own, told what to do from the test's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.server = VenueServer()
        self.call(self.server.__aenter__())
        self._number = 0
        self.published = 0

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def cut(self) -> None:
        async def cut() -> None:
            self.server.cut_all()

        self.call(cut())

    def wait_for_a_client(self, connections: int) -> None:
        """Wait until so many connections were made and the newest has subscribed."""
        deadline = time.monotonic() + 60
        clients = self.server.clients
        while self.server.connected < connections or not (clients and clients[-1].streams):
            assert time.monotonic() < deadline, "the feed never subscribed"
            time.sleep(0.01)

    def trade(self, price: str, *, after_a_gap_of: int = 0) -> None:
        self._number += 1 + after_a_gap_of
        self.published += 1
        data = {
            "e": "trade",
            "E": 1_723_161_255_000 + self._number,
            "s": "BTCUSDT",
            "t": self._number,
            "p": price,
            "q": "0.5",
            "T": 1_723_161_255_000 + self._number,
            "m": False,
        }
        self.call(self.server.publish("btcusdt@trade", orjson.dumps(data)))

    def close(self) -> None:
        self.call(self.server.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()


@pytest.fixture
def venue() -> Iterator[VenueInAThread]:
    made = VenueInAThread()
    yield made
    made.close()


def mark_is(run: PlatformRun, price: float) -> None:
    """Wait until Sentinel values positions at this price, so that it has seen it."""
    wanted = ("sentinel_mark_price", frozenset({("symbol", "BTCUSDT")}))
    run.wait_until(lambda metrics: metrics.get(wanted) == price)


def first_causes(journal: Path) -> dict[int, int]:
    """By account: the price, in ticks, of the first command that made Sentinel close its position."""
    with Journal.open(journal) as opened:
        commands = opened.commands()
        prices = dict(zip(commands.sequences.tolist(), commands["price"].tolist(), strict=True))
    closing = commands[(commands["op"] == OP_PLACE) & (commands["source"] == SOURCE_SENTINEL)]
    first: dict[int, int] = {}
    for account, cause in closing[["account", "cause"]].tolist():
        first.setdefault(account, prices[cause])
    return first


def test_no_liquidation_follows_a_price_that_is_suspect_or_stale(
    segment_prefix: str, tmp_path: Path, venue: VenueInAThread
) -> None:
    name, journal = segment_prefix.rstrip("."), tmp_path / "events"
    configuration = tmp_path / "venue.yaml"
    configuration.write_text(CONFIGURATION.format(root=ROOT, venue=venue.server.base_url))
    with PlatformRun(name, journal, "--config", str(configuration)) as run:
        venue.wait_for_a_client(1)
        venue.trade("50000")
        mark_is(run, 50_000)
        venue.trade("44000")  # a jump: suspect
        mark_is(run, 44_000)
        venue.cut()  # stale: the same price again, flagged
        run.wait_for_metric("price_feed_stale_total", 1, symbol="BTCUSDT")
        venue.wait_for_a_client(2)
        venue.trade("44001")
        mark_is(run, 44_001)
        venue.trade("44002")  # the third that agrees
        run.read_until("LIQUIDATION  account 1001")
        for price in ("42500", "41000", "39500", "38000"):
            venue.trade(price)
        mark_is(run, 38_000)
        venue.trade("37500", after_a_gap_of=3)
        mark_is(run, 37_500)
        venue.trade("37499")
        run.read_until("LIQUIDATION  account 1003")
        metrics = run.metrics()
        assert run.stop() == 0, run.output

    assert first_causes(journal) == {1001: 4_400_200, 1003: 3_749_900}
    symbol = ("symbol", "BTCUSDT")
    assert metrics["price_feed_suspect_total", frozenset({symbol, ("reason", "gap")})] == 1
    assert metrics["price_feed_suspect_total", frozenset({symbol, ("reason", "jump")})] == 2
    assert metrics["price_feed_gaps_total", frozenset({symbol})] == 1
    assert metrics["price_feed_reconnects_total", frozenset()] == 1
    assert metrics["price_feed_recorded_bytes_total", frozenset()] > 0

    proof = oracle(journal, "verify", "--json")
    assert proof.returncode == 0, proof.stderr
    assert json.loads(proof.stdout)["raw"]["ok"]
    assert oracle(journal, "replay").returncode == 0
    replayed = oracle(journal, "replay", "--raw", "--json")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    report = json.loads(replayed.stdout)
    assert report["frames"]["trade"] == report["prices"] == venue.published
    assert report["journaled"] == report["matched"] == venue.published
    assert report["gaps"] == 1
