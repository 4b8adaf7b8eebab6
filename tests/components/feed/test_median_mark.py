"""Three venues through real sockets, Titan and Sentinel behind them: one lies, nobody is liquidated."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from components.configuration.load import load_platform
from components.instruments import InstrumentTable
from components.messages.code import EVENT_PRICE
from components.messages.command import Commands
from components.venue.server import VenueServer
from tests.components.configuration.platforms import TRADING
from tests.components.sentinel.driver import Engine

from .live_feed import LIMIT_S, SETTINGS, trade
from .local_book import LocalBook
from .other_venue import OtherVenue, until
from .test_other_venues import Feeding, kraken_trade, match, play, venue_settings

LIE = ("48000.0", "46000.0", "44000.0")
"""A fall in steps too small to be suspect, to where an account of the default set-up is liquidated."""


def prices_of_three_venues(instruments: InstrumentTable) -> Commands:
    """What the feed makes of two venues that stay at 50,000 and one that falls by itself."""

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
                symbols=("BTCUSDT",),
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
                await feed.until_prices(2)
                await kraken.send(kraken_trade(1, "50000.0"))
                for number, price in enumerate(LIE, 2):
                    await kraken.send(kraken_trade(number, price))
                await feed.until_prices(6)

            return await play(instruments, settings, script)()

    return asyncio.run(run()).commands


@pytest.mark.parametrize(
    ("mark", "liquidated", "last_mark"), [("last", {1001}, 4_400_000), ("median", set(), 5_000_000)]
)
def test_a_lie_liquidates_who_is_marked_to_it_and_nobody_at_the_median(
    mark: str, liquidated: set[int], last_mark: int
) -> None:
    platform = load_platform(TRADING, [f"instruments.BTCUSDT.mark={mark}"], {})
    table = platform.instrument_table()
    prices = prices_of_three_venues(table)
    titan, sentinel = LocalBook(InstrumentTable(())), Engine()
    events = titan.apply(np.concatenate([platform.setup_commands(), prices]))
    for event in events:
        sentinel.apply(event)
    marks = events["price"][(events["kind"] == EVENT_PRICE) & (events["symbol"] == 0)]
    begun = {int(order["account"]) for order in sentinel.orders}

    assert (prices["flags"] == 0).all(), "nothing about the lie is suspect by itself"
    assert sorted(set(prices["side"].tolist())) == [0, 1, 2]
    assert marks[-1] == last_mark
    assert begun == liquidated, "whose positions Sentinel orders to be closed"
