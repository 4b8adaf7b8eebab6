"""Coinbase and Kraken through real sockets: alone, mirrored, and three venues of which one lies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.settings import FeedSettings
from components.feed.venue_settings import VenueKind, VenueSettings, VenueStream
from components.instruments import InstrumentTable
from components.messages.code import FLAG_STALE, FLAG_SUSPECT, OP_PRICE
from components.venue.server import VenueServer
from disruptor.errors import ConfigurationError

from .live_feed import LIMIT_S, SETTINGS, RunningFeed, trade
from .local_book import LocalBook
from .other_venue import OtherVenue, until
from .test_kraken import ASKS, BIDS, CHECKSUM, book_frame, checksum_of

SYMBOLS = {"coinbase": "BTC-USD", "kraken": "BTC/USD", "binance": "BTCUSDT"}


def venue_settings(
    kind: VenueKind, base_url: str, streams: tuple[VenueStream, ...] = ("trade",)
) -> VenueSettings:
    return VenueSettings(
        kind,
        symbols={"BTCUSDT": SYMBOLS[kind]},
        base_url=base_url,
        streams=streams,
        backoff_base_s=0.001,
        backoff_cap_s=0.01,
    )


def match(number: int, price: str, kind: str = "match") -> bytes:
    return (
        f'{{"type":"{kind}","trade_id":{number},"time":"2024-08-08T23:54:15.{number:06}Z",'
        f'"product_id":"BTC-USD","size":"0.5","price":"{price}","side":"sell"}}'
    ).encode()


def kraken_trade(number: int, price: str) -> bytes:
    return (
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy",'
        f'"price":{price},"qty":0.5,"ord_type":"market","trade_id":{number},'
        f'"timestamp":"2024-08-08T23:54:15.{number:06}Z"}}]}}'
    ).encode()


class Feeding(RunningFeed):
    """A feed of several venues in the loop of a test."""

    def __init__(
        self, instruments: InstrumentTable, settings: FeedSettings, raw: Path | None = None
    ) -> None:
        super().__init__(settings, instruments, raw)
        self.local = LocalBook(instruments)

    @property
    def prices(self) -> list[tuple[int, int, int]]:
        """(venue, price, flags) of every price command."""
        chosen = self.commands[self.commands["op"] == OP_PRICE]
        return [(int(each["side"]), int(each["price"]), int(each["flags"])) for each in chosen]

    def local_levels(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Titan's book after all commands so far."""
        local = LocalBook(self._instruments)
        local.apply(self.commands[self.commands["op"] != OP_PRICE])
        return local.levels(0, 20)

    async def until_prices(self, count: int) -> None:
        await until(lambda: len(self.prices) >= count)


def play(
    instruments: InstrumentTable,
    settings: FeedSettings,
    script: Callable[[Feeding], Awaitable[None]],
    raw: Path | None = None,
) -> Callable[[], Awaitable[Feeding]]:
    async def run() -> Feeding:
        feed = Feeding(instruments, settings, raw)
        feeding = asyncio.create_task(feed.run())
        playing = asyncio.ensure_future(script(feed))
        await asyncio.wait({feeding, playing}, return_when=asyncio.FIRST_COMPLETED)
        if feeding.done():
            playing.cancel()
            await feeding
            raise AssertionError("the feed ended before the script")
        feed.stop()
        await feeding
        await playing
        return feed

    return run


def alone(
    instruments: InstrumentTable,
    kind: VenueKind,
    script: Callable[[Feeding, OtherVenue], Awaitable[None]],
    streams: tuple[VenueStream, ...] = ("trade",),
    flow: OrderFlowSettings | None = None,
) -> Feeding:
    """A feed of one such venue, beside its stand-in."""

    async def run() -> Feeding:
        async with asyncio.timeout(LIMIT_S), OtherVenue() as venue:
            settings = replace(
                SETTINGS,
                mode="venues",
                venues=(venue_settings(kind, venue.base_url, streams),),
                order_flow=flow or OrderFlowSettings(kind="none"),
            )
            return await play(instruments, settings, lambda feed: script(feed, venue))()

    return asyncio.run(run())


def test_coinbase_is_asked_and_its_trades_become_prices(instruments: InstrumentTable) -> None:
    async def script(feed: Feeding, venue: OtherVenue) -> None:
        asked = await venue.asked()
        assert asked == [{"type": "subscribe", "product_ids": ["BTC-USD"], "channels": ["matches"]}]
        await venue.send(match(7, "50000.01", "last_match"), match(8, "50000.02"))
        await feed.until_prices(2)

    feed = alone(instruments, "coinbase", script)

    assert feed.prices == [(0, 5_000_001, 0), (0, 5_000_002, 0)]
    assert feed.metrics.reconnects == 0
    assert not feed.metrics.malformed_by_reason


def test_kraken_is_asked_and_its_trades_become_prices(instruments: InstrumentTable) -> None:
    async def script(feed: Feeding, venue: OtherVenue) -> None:
        asked = await venue.asked(requests=2)
        assert [each["params"]["channel"] for each in asked] == ["trade", "book"]
        assert [each["params"]["symbol"] for each in asked] == [["BTC/USD"]] * 2
        assert asked[1]["params"]["depth"] == 10
        await venue.send(kraken_trade(7, "50000.1"), kraken_trade(8, "50000.2"))
        await feed.until_prices(2)

    feed = alone(instruments, "kraken", script, streams=("trade", "depth"))

    assert feed.prices == [(0, 5_000_010, 0), (0, 5_000_020, 0)]


def test_a_cut_makes_the_price_stale_and_what_is_told_again_is_dropped(
    instruments: InstrumentTable,
) -> None:
    async def script(feed: Feeding, venue: OtherVenue) -> None:
        await venue.asked()
        await venue.send(match(7, "50000.00"), match(8, "50000.01"))
        await feed.until_prices(2)
        venue.cut()
        await venue.asked(connections=2)
        await venue.send(match(8, "50000.01", "last_match"), match(9, "50000.02"))
        await feed.until_prices(4)

    feed = alone(instruments, "coinbase", script)

    assert feed.prices == [
        (0, 5_000_000, 0),
        (0, 5_000_001, 0),
        (0, 5_000_001, FLAG_STALE),
        (0, 5_000_002, 0),
    ]
    assert feed.metrics.duplicates == {0: 1}
    assert feed.metrics.reconnects == 1


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        ("coinbase", b'{"type":"error","message":"Failed to subscribe","reason":"no"}'),
        ("kraken", b'{"method":"subscribe","success":false,"error":"no","req_id":1}'),
    ],
)
def test_a_refusal_is_tried_again(
    instruments: InstrumentTable, kind: VenueKind, frame: bytes
) -> None:
    async def script(feed: Feeding, venue: OtherVenue) -> None:
        await venue.asked()
        await venue.send(frame)
        await venue.asked(connections=2)

    assert alone(instruments, kind, script).metrics.reconnects >= 1


MIRROR = OrderFlowSettings(kind="mirror", levels=10)


def lots(pairs: list[list[str]]) -> list[tuple[int, int]]:
    """Levels by the instrument's grid; below a lot there is nothing."""
    steps = [(round(float(price) * 100), int(float(qty) * 100_000 + 1e-6)) for price, qty in pairs]
    return [(price, qty) for price, qty in steps if qty]


def test_krakens_proven_book_is_mirrored_and_a_disproved_one_withdrawn(
    instruments: InstrumentTable,
) -> None:
    better = ["45284.0", "0.50000000"]

    async def script(feed: Feeding, venue: OtherVenue) -> None:
        await venue.asked(requests=2)
        await venue.send(book_frame("snapshot", BIDS, ASKS, CHECKSUM))
        await until(lambda: feed.local_levels() == (lots(BIDS), lots(ASKS)))
        bids = [better, *BIDS[:9]]
        await venue.send(book_frame("update", [better], [], checksum_of(bids, ASKS)))
        await until(lambda: feed.local_levels() == (lots(bids), lots(ASKS)))
        await venue.send(book_frame("update", [], [ASKS[0]], 1))
        await until(lambda: feed.local_levels() == ([], []))
        await venue.asked(connections=2, requests=2)
        await venue.send(book_frame("snapshot", BIDS, ASKS, CHECKSUM))
        await until(lambda: feed.local_levels() == (lots(BIDS), lots(ASKS)))

    feed = alone(instruments, "kraken", script, ("trade", "depth"), MIRROR)

    assert feed.metrics.malformed_by_reason == {"bad_checksum": 1}
    assert feed.metrics.reconnects == 1
    assert feed.local_levels() == ([], []), "the last mass cancel"


def test_coinbases_book_is_mirrored_and_withdrawn_while_nobody_tells_of_it(
    instruments: InstrumentTable,
) -> None:
    snapshot = (
        b'{"type":"snapshot","product_id":"BTC-USD","bids":[["50000.00","2.5"],'
        b'["49999.00","1"]],"asks":[["50001.00","3"]]}'
    )
    change = (
        b'{"type":"l2update","product_id":"BTC-USD","time":"2024-08-08T23:54:15.5Z",'
        b'"changes":[["buy","50000.00","0"],["sell","50000.50","0.25"]]}'
    )

    bids = [(5_000_000, 250_000), (4_999_900, 100_000)]
    first = (bids, [(5_000_100, 300_000)])
    second = (bids[1:], [(5_000_050, 25_000), (5_000_100, 300_000)])

    async def script(feed: Feeding, venue: OtherVenue) -> None:
        for connection in (1, 2):
            await venue.asked(connections=connection)
            await venue.send(snapshot)
            await until(lambda: feed.local_levels() == first)
            await venue.send(change)
            await until(lambda: feed.local_levels() == second)
            venue.cut()
            await until(lambda: feed.local_levels() == ([], []))

    feed = alone(instruments, "coinbase", script, ("trade", "depth"), MIRROR)

    assert not feed.metrics.gaps
    assert not feed.metrics.malformed_by_reason


def test_of_three_venues_one_lies_and_the_median_stands(instruments: InstrumentTable) -> None:
    """Each price names its venue, and one that falls silent is told stale by its place."""
    seen: list[float] = []

    def mark(feed: Feeding) -> float:
        """The median of each venue's last price, without those that are not to be trusted."""
        newest = {venue: (price, flags) for venue, price, flags in feed.prices}
        return median(price for price, flags in newest.values() if not flags)

    async def run() -> Feeding:
        async with (
            asyncio.timeout(LIMIT_S),
            VenueServer() as binance,
            OtherVenue() as coinbase,
            OtherVenue() as kraken,
        ):
            settings = replace(
                SETTINGS,
                mode="venues",
                venues=(
                    venue_settings("binance", binance.base_url),
                    venue_settings("coinbase", coinbase.base_url),
                    venue_settings("kraken", kraken.base_url),
                ),
            )

            async def script(feed: Feeding) -> None:
                await until(lambda: bool(binance.clients) and bool(binance.clients[-1].streams))
                await coinbase.asked()
                await kraken.asked()
                await binance.publish("btcusdt@trade", trade(1, price="50000.00"))
                await coinbase.send(match(1, "50001.00"))
                await kraken.send(kraken_trade(1, "50002.0"))
                await feed.until_prices(3)
                seen.append(mark(feed))
                await kraken.send(kraken_trade(2, "49000.0"), kraken_trade(3, "30000.0"))
                await feed.until_prices(5)
                seen.append(mark(feed))
                coinbase.cut()
                await feed.until_prices(6)
                seen.append(mark(feed))

            return await play(instruments, settings, script)()

    feed = asyncio.run(run())

    assert sorted(feed.prices[:3]) == [(0, 5_000_000, 0), (1, 5_000_100, 0), (2, 5_000_200, 0)]
    assert feed.prices[3:5] == [(2, 4_900_000, 0), (2, 3_000_000, FLAG_SUSPECT)]
    assert feed.prices[5] == (1, 5_000_100, FLAG_STALE)
    assert seen == [5_000_100, 5_000_050, 5_000_000]


def test_settings_of_venues_that_do_not_fit_are_refused() -> None:
    venue = VenueSettings("kraken", symbols={"DOGEUSDT": "DOGE/USDT"})

    with pytest.raises(ConfigurationError, match=r"feed.venues: found 0; mode venues needs 1 to 8"):
        FeedSettings(mode="venues")
    with pytest.raises(ConfigurationError, match=r"feed.venues: found 'DOGEUSDT'"):
        FeedSettings(mode="venues", venues=(venue,))
    with pytest.raises(ConfigurationError, match="name the symbols of each venue"):
        VenueSettings("kraken")
    with pytest.raises(ConfigurationError, match="must be one of binance, coinbase, kraken"):
        VenueSettings("ftx", symbols={"A": "B"})  # type: ignore[arg-type]


def test_a_simulation_has_no_book_to_mirror() -> None:
    with pytest.raises(ConfigurationError, match="a simulation has no book to mirror"):
        FeedSettings(order_flow=MIRROR)
    with pytest.raises(ConfigurationError, match=r"feed.off_grid: found 'round'"):
        FeedSettings(mode="binance", order_flow=MIRROR, off_grid="round")
