"""A simulated market in Binance's shapes: trades, aggregates, tickers, books and marks that agree.

Every number follows from the seed; only the times are the caller's.  The tick is 0.01 and the lot 0.00001, as
in config/instruments.yaml.  Each step moves the price of every symbol a little; the book's ids and levels
follow, so that a client that follows the rules has the venue's book.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

LEVELS: Final = 10
SPACING_TICKS: Final = 25
DEPTH_EVERY: Final = 5
LOTS_MAX: Final = 200_000
MARK_EVERY_MS: Final = 1_000
_TICKS_A_UNIT: Final = 100
_PPM: Final = 1_000_000

Message = tuple[str, bytes]
"""A stream's name and its data, JSON."""


def price_text(ticks: int) -> str:
    """A price as Binance writes it."""
    return f"{ticks // _TICKS_A_UNIT}.{ticks % _TICKS_A_UNIT:02d}"


def qty_text(lots: int) -> str:
    """A quantity as Binance writes it."""
    return f"{lots // 100_000}.{lots % 100_000:05d}"


class SimulatedSymbol:
    """One symbol's market."""

    def __init__(self, name: str, ticks: int, seed: str, *, is_futures: bool) -> None:
        self.name: Final = name
        self._random = random.Random(f"{seed}/{name}")
        self._bid = ticks
        self._is_futures = is_futures
        self._steps = 0
        self._trade_id = 1_000
        self._agg_id = 500
        self._update_id = 10_000
        self._told_id = self._update_id
        self._levels: dict[str, dict[int, int]] = {}
        self._move_book()
        self._told = {side: dict(levels) for side, levels in self._levels.items()}
        self._mark_ms = 0

    def step(self, now_ms: int, jump_ppm: int = 0) -> Iterator[Message]:
        """What happens at ``now_ms``, the venue's time; ``jump_ppm`` is added to the random move."""
        self._steps += 1
        move = self._random.randrange(-200, 201) * self._bid // _PPM
        self._bid = max(self._bid + move + self._bid * jump_ppm // _PPM, LEVELS * SPACING_TICKS + 1)
        self._update_id += self._random.randrange(1, 5)
        self._move_book()
        yield self._message("bookTicker", self._ticker(now_ms))
        for _ in range(self._random.randrange(3)):
            yield from self._trade(now_ms)
        if self._steps % DEPTH_EVERY == 0:
            yield self._message("depth@100ms", self._depth(now_ms))
        if self._is_futures and now_ms - self._mark_ms >= MARK_EVERY_MS:
            self._mark_ms = now_ms
            mark = {"e": "markPriceUpdate", "E": now_ms, "s": self.name}
            yield self._message("markPrice@1s", {**mark, "p": price_text(self._bid)})

    def book(self) -> dict[str, Any]:
        """The whole book as of the last update that was told."""
        return {
            "lastUpdateId": self._told_id,
            "bids": self._pairs(self._told["b"]),
            "asks": self._pairs(self._told["a"]),
        }

    def _move_book(self) -> None:
        for side, best, direction in (("b", self._bid, -1), ("a", self._bid + 1, 1)):
            self._levels[side] = {
                best + direction * level * SPACING_TICKS: self._random.randrange(1, LOTS_MAX)
                for level in range(LEVELS)
            }

    def _message(self, kind: str, data: dict[str, Any]) -> Message:
        return f"{self.name.lower()}@{kind}", orjson.dumps(data)

    def _ticker(self, now_ms: int) -> dict[str, Any]:
        bid, ask = self._bid, self._bid + 1
        ticker = {
            "u": self._update_id,
            "s": self.name,
            "b": price_text(bid),
            "B": qty_text(self._levels["b"][bid]),
            "a": price_text(ask),
            "A": qty_text(self._levels["a"][ask]),
        }
        return (
            {"e": "bookTicker", "E": now_ms, "T": now_ms, **ticker} if self._is_futures else ticker
        )

    def _trade(self, now_ms: int) -> Iterator[Message]:
        self._trade_id += 1
        self._agg_id += 1
        is_maker = self._random.randrange(2) == 0
        said = {
            "E": now_ms,
            "T": now_ms,
            "s": self.name,
            "p": price_text(self._bid if is_maker else self._bid + 1),
            "q": qty_text(self._random.randrange(1, 20_000)),
            "m": is_maker,
        }
        kind = {"X": "MARKET"} if self._is_futures else {"M": True}
        yield self._message("trade", {"e": "trade", "t": self._trade_id, **said, **kind})
        ids = {"a": self._agg_id, "f": self._trade_id, "l": self._trade_id}
        yield self._message("aggTrade", {"e": "aggTrade", **ids, **said})

    def _depth(self, now_ms: int) -> dict[str, Any]:
        before, self._told_id = self._told_id, self._update_id
        changes = {
            side: self._pairs({**dict.fromkeys(self._told[side], 0), **levels})
            for side, levels in self._levels.items()
        }
        self._told = {side: dict(levels) for side, levels in self._levels.items()}
        ids = {"U": before + 1, "u": self._told_id}
        futures = {"T": now_ms, "pu": before} if self._is_futures else {}
        head = {"e": "depthUpdate", "E": now_ms, "s": self.name}
        return {**head, **ids, **futures, **changes}

    @staticmethod
    def _pairs(levels: Mapping[int, int]) -> list[list[str]]:
        return [[price_text(ticks), qty_text(lots)] for ticks, lots in levels.items()]


class SimulatedMarket:
    """Several symbols, stepped together."""

    def __init__(self, prices: Mapping[str, int], seed: int, *, is_futures: bool) -> None:
        """``prices``: where each symbol starts, in ticks of 0.01."""
        self.symbols: Final = {
            name: SimulatedSymbol(name, ticks, str(seed), is_futures=is_futures)
            for name, ticks in prices.items()
        }

    def step(self, now_ms: int, jump_ppm: int = 0) -> Iterator[Message]:
        """What happens in all of them at ``now_ms``."""
        for symbol in self.symbols.values():
            yield from symbol.step(now_ms, jump_ppm)
