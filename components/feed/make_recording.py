"""Makes the small recording that comes with the project: twenty seconds of a falling market.

Every byte follows from the seed, in whole numbers alone.  The market is spot BTCUSDT, tick 0.01, lot
0.00001, in the shape of Binance's combined streams: a snapshot, then trades, best bid and ask,
and book updates whose ids and levels agree with each other, as a real venue's do.  The price falls
by about 12 % from 50,000, so that a long with tenfold leverage does not survive it.

    python -m components.feed.make_recording config/recordings/sample.gz
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import orjson

SEED: Final = 20_260_101
START_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01 00:00:00 UTC
STEP_NS: Final = 20_000_000
STEP_COUNT: Final = 1_000
STEPS_A_DEPTH_UPDATE: Final = 5
START_TICKS: Final = 5_000_000
FALL_TICKS_A_STEP: Final = 600
NOISE_TICKS: Final = 1_500
LEVEL_COUNT: Final = 10
LEVEL_SPACING_TICKS: Final = 40
LOTS_MAX: Final = 200_000
FIRST_TRADE_ID: Final = 4_000_000_000
FIRST_UPDATE_ID: Final = 60_000_000_000

Side = dict[int, int]
"""Lots by price in ticks."""


def _price(ticks: int) -> str:
    return f"{ticks // 100}.{ticks % 100:02d}000000"


def _qty(lots: int) -> str:
    return f"{lots // 100_000}.{lots % 100_000:05d}000"


def _pairs(levels: Side) -> list[list[str]]:
    return [[_price(ticks), _qty(lots)] for ticks, lots in levels.items()]


class FallingMarket:
    """The state that the messages tell of."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._bid = START_TICKS
        self._update_id = FIRST_UPDATE_ID
        self._depth_id = FIRST_UPDATE_ID
        self._trade_id = FIRST_TRADE_ID
        self._told_bids, self._told_asks = self._ladders()
        self._now_ns = START_NS

    def lines(self) -> Iterator[bytes]:
        """The lines of the recording, in order of their time."""
        snapshot = {
            "lastUpdateId": self._depth_id,
            "bids": _pairs(self._told_bids),
            "asks": _pairs(self._told_asks),
        }
        yield self._line(snapshot)
        for step in range(1, STEP_COUNT + 1):
            self._now_ns = START_NS + step * STEP_NS
            noise = self._random.randrange(-NOISE_TICKS, NOISE_TICKS + 1)
            self._bid += noise - FALL_TICKS_A_STEP if step > 1 else 0
            bids, asks = self._ladders()
            self._update_id += self._random.randrange(1, 9)
            yield self._ticker(bids, asks)
            for _ in range(self._random.randrange(3)):
                yield self._trade()
            if step % STEPS_A_DEPTH_UPDATE == 0:
                yield self._depth(bids, asks)

    def _ladders(self) -> tuple[Side, Side]:
        def side(best: int, direction: int) -> Side:
            return {
                best + direction * level * LEVEL_SPACING_TICKS: self._lots()
                for level in range(LEVEL_COUNT)
            }

        return side(self._bid, -1), side(self._bid + 1, 1)

    def _lots(self) -> int:
        return self._random.randrange(1_000, LOTS_MAX)

    def _line(self, document: dict[str, Any]) -> bytes:
        """One line; the frame took some milliseconds, and the two clocks differ a little."""
        self._now_ns += self._random.randrange(1_000, 400_000)
        return b"%d %s\n" % (self._now_ns, orjson.dumps(document))

    def _event_ms(self) -> int:
        return self._now_ns // 1_000_000 - self._random.randrange(2, 9)

    def _data(self, stream: str, data: dict[str, Any]) -> bytes:
        return self._line({"stream": f"btcusdt@{stream}", "data": data})

    def _ticker(self, bids: Side, asks: Side) -> bytes:
        ((bid, bid_lots), *_), ((ask, ask_lots), *_) = bids.items(), asks.items()
        return self._data(
            "bookTicker",
            {
                "u": self._update_id,
                "s": "BTCUSDT",
                "b": _price(bid),
                "B": _qty(bid_lots),
                "a": _price(ask),
                "A": _qty(ask_lots),
            },
        )

    def _trade(self) -> bytes:
        buyer_is_maker = self._random.randrange(3) > 0
        event_ms = self._event_ms()
        self._trade_id += 1
        return self._data(
            "trade",
            {
                "e": "trade",
                "E": event_ms,
                "s": "BTCUSDT",
                "t": self._trade_id,
                "p": _price(self._bid if buyer_is_maker else self._bid + 1),
                "q": _qty(self._random.randrange(10, 20_000)),
                "T": event_ms - 1,
                "m": buyer_is_maker,
                "M": True,
            },
        )

    def _depth(self, bids: Side, asks: Side) -> bytes:
        """What changed since the last update: levels that are gone have quantity 0."""
        first_id, self._depth_id = self._depth_id + 1, self._update_id
        changed_bids = {**dict.fromkeys(self._told_bids, 0), **bids}
        changed_asks = {**dict.fromkeys(self._told_asks, 0), **asks}
        self._told_bids, self._told_asks = bids, asks
        return self._data(
            "depth@100ms",
            {
                "e": "depthUpdate",
                "E": self._event_ms(),
                "s": "BTCUSDT",
                "U": first_id,
                "u": self._depth_id,
                "b": _pairs(changed_bids),
                "a": _pairs(changed_asks),
            },
        )


def recording_bytes() -> bytes:
    """The recording, not yet packed."""
    return b"".join(FallingMarket(SEED).lines())


@click.command(help=__doc__)
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def main(path: Path) -> None:
    """Write the recording, gzipped, to PATH."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(recording_bytes(), mtime=0))
    click.echo(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
