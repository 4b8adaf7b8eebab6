"""LOBSTER's files: NASDAQ's messages of one stock, and its book after each of them.

    message    time, type, order id, size, price, direction (of the order that rested or rests)
    orderbook  ask price, ask size, bid price, bid size of each level; row k is after message k

    type 1 a new order   2 part of it cancelled   3 deleted   4 executed   5 a hidden one executed
         6 a cross trade   7 a halt

The first row of the book, before its message, is where the engine starts; what stands there has
no ids, so each of its levels is one nameless order ahead of all that come later.  Executions of
one moment and direction, hidden ones among them, are one incoming order, which must hit the same
visible orders in the same sequence; nameless ones of a price count as one.  A level that comes into sight from beyond the
last one was there before anybody looked: it is learned, and therefore only the better half of the
levels is compared.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, NamedTuple

from components.messages.code import BUY, SELL, TIF_IOC
from components.messages.json_lines import TextError
from components.titan.exchange_data.comparison import Comparison
from components.titan.exchange_data.venue import (
    Fill,
    Levels,
    Outcome,
    Step,
    Venue,
    cancel,
    place,
    reduce,
)

NEW, REDUCED, DELETED, EXECUTED, HIDDEN, CROSS, HALT = range(1, 8)
KINDS: Final = ("", "new", "reduced", "deleted", "executed", "hidden", "cross", "halt")

NAMELESS: Final = 0
"""The maker of a fill that has no id in the recording."""

_NAMELESS_IDS: Final = 1 << 40
_INCOMING_IDS: Final = 1 << 41
_SIGHT: Final = 1 << 12
"""More levels than a day's recording has in sight."""

_NO_LEVEL_PRICE: Final = 9_999_999_999
"""What LOBSTER writes, with either sign, where there is no level."""


class Message(NamedTuple):
    """One row of the message file."""

    time_ns: int
    kind: int
    order_id: int
    size: int
    price: int
    side: int


@dataclass(frozen=True)
class Recording:
    """Both files, row by row."""

    messages: list[Message]
    books: list[tuple[Levels, Levels]]  # bids, asks
    levels: int


def read(folder: Path) -> Recording:
    """The two files in a folder, gzipped or not; TextError if they are not a pair."""
    message_file, book_file = (
        _only(folder, f"*_{kind}_*.csv*") for kind in ("message", "orderbook")
    )
    messages = [_message(row, place) for place, row in _rows(message_file)]
    rows = [_numbers(row, place) for place, row in _rows(book_file)]
    if not messages or len(messages) != len(rows):
        raise TextError(
            f"{folder}: found {len(messages)} messages and {len(rows)} books; "
            "both files must have as many rows"
        )
    return Recording(messages, [_book(row) for row in rows], len(rows[0]) // 4)


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise TextError(f"{folder}: found {len(found)} files {pattern}; there must be one")
    return found[0]


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for number, row in enumerate(csv.reader(lines), 1):
            yield f"{path.name}:{number}", row


def _numbers(row: list[str], where: str) -> list[int]:
    try:
        if not row or len(row) % 4:
            raise ValueError
        return [int(value) for value in row]
    except ValueError:
        raise TextError(f"{where}: write whole numbers, four a level") from None


def _message(row: list[str], where: str) -> Message:
    try:
        time, kind, number, size, price, direction = row[:6]
        found = Message(
            int(Decimal(time) * 10**9), int(kind), int(number), int(size), int(price),
            BUY if int(direction) == 1 else SELL,
        )  # fmt: skip
        if not NEW <= found.kind <= HALT:
            raise ValueError
    except (ValueError, InvalidOperation):
        raise TextError(
            f"{where}: write time, type (1 to 7), order id, size, price, direction"
        ) from None
    return found


def _book(row: list[int]) -> tuple[Levels, Levels]:
    pairs = list(zip(row[::2], row[1::2], strict=True))
    asks, bids = pairs[::2], pairs[1::2]
    return (
        [(price, qty) for price, qty in bids if price != -_NO_LEVEL_PRICE],
        [(price, qty) for price, qty in asks if price != _NO_LEVEL_PRICE],
    )


class Replay:
    """A recording on its way through an engine."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        rows = len(recording.messages)
        self.venue = Venue(max_orders=2 * rows * (1 + recording.levels) + 100)
        self.told = Comparison()
        self._compared = max(1, recording.levels // 2)
        self._known: dict[int, int] = {}  # what is open of each order whose id was seen
        self._nameless: dict[tuple[int, int], list[int]] = {}  # (side, price): id, quantity
        self._next_id = _NAMELESS_IDS

    def run(self) -> None:
        """Every message, and the book after each step."""
        self._open()
        messages, books = self.recording.messages, self.recording.books
        at = 0
        while at < len(messages):
            run = self._together(at)
            self.told.messages.update(KINDS[message.kind] for message in run)
            where = f"message {at + 1}"
            step = self._step(run, at)
            if step is not None:
                self.told.judge_step(step, self._as_recorded(self.venue.apply(step)), where)
            at += len(run)
            self._learn(books[at - 1])
            seen = self.venue.book(self._compared)
            bids, asks = books[at - 1]
            self.told.judge_book((bids[: self._compared], asks[: self._compared]), seen, where)

    def _open(self) -> None:
        first, (bids, asks) = self.recording.messages[0], self.recording.books[0]
        before = {(BUY, price): qty for price, qty in bids}
        before |= {(SELL, price): qty for price, qty in asks}
        level = first.side, first.price
        if first.kind == NEW:
            before[level] = before.get(level, first.size) - first.size
        elif first.kind in (REDUCED, DELETED, EXECUTED):
            before[level] = before.get(level, 0) + first.size
        for (side, price), qty in before.items():
            if qty > 0:
                self._rest_nameless(side, price, qty)

    def _rest_nameless(self, side: int, price: int, qty: int) -> None:
        self._next_id += 1
        self._nameless[side, price] = [self._next_id, qty]
        step = place(self._next_id, side, price, qty)
        self.told.judge_step(step, self.venue.apply(step), "a level that was there before")

    def _together(self, begin: int) -> list[Message]:
        messages = self.recording.messages
        first, end = messages[begin], begin + 1
        if first.kind in (EXECUTED, HIDDEN):
            while end < len(messages) and messages[end].kind in (EXECUTED, HIDDEN):
                if messages[end][::5] != first[::5]:  # time and side
                    break
                end += 1
        return messages[begin:end]

    def _step(self, run: list[Message], at: int) -> Step | None:
        executed = [message for message in run if message.kind == EXECUTED]
        if executed:
            return self._incoming(executed, at)
        message = run[0]
        number, time = message.order_id, message.time_ns
        if message.kind == NEW:
            self._known[number] = message.size
            return place(number, message.side, message.price, message.size, ts=time)
        if message.kind not in (REDUCED, DELETED):
            return None
        if number not in self._known:
            return self._less_nameless(message)
        if message.kind == DELETED:
            return cancel(number, ts=time)
        self._known[number] -= message.size
        return reduce(number, self._known[number], ts=time)

    def _less_nameless(self, message: Message) -> Step | None:
        held = self._nameless.get((message.side, message.price))
        if held is None:
            return None  # beyond the levels that were ever seen
        held[1] -= message.size
        if held[1] > 0:
            return reduce(held[0], held[1], ts=message.time_ns)
        del self._nameless[message.side, message.price]
        return cancel(held[0], ts=message.time_ns)

    def _incoming(self, run: list[Message], at: int) -> Step:
        fills: list[Fill] = []
        for message in run:
            maker = message.order_id if message.order_id in self._known else NAMELESS
            fill = Fill(maker, message.price, message.size)
            if maker == NAMELESS and fills and fills[-1][:2] == (NAMELESS, fill.price):
                fill = fill._replace(qty=fill.qty + fills.pop().qty)
            fills.append(fill)
            self._execute(message)
        rests_at = run[0].side
        prices = [message.price for message in run]
        worst = min(prices) if rests_at == BUY else max(prices)
        qty = sum(message.size for message in run)
        return place(
            _INCOMING_IDS + at,
            1 - rests_at,
            worst,
            qty,
            tif=TIF_IOC,
            ts=run[0].time_ns,
            fills=fills,
        )

    def _execute(self, message: Message) -> None:
        if message.order_id in self._known:
            self._known[message.order_id] -= message.size
            return
        level = message.side, message.price
        if level in self._nameless:
            self._nameless[level][1] -= message.size
            if self._nameless[level][1] <= 0:
                del self._nameless[level]

    @staticmethod
    def _as_recorded(outcome: Outcome) -> Outcome:
        fills = tuple(
            fill._replace(maker=NAMELESS) if fill.maker >= _NAMELESS_IDS else fill
            for fill in outcome.fills
        )
        return outcome._replace(fills=fills)

    def _learn(self, book: tuple[Levels, Levels]) -> None:
        present = self.venue.book(_SIGHT)
        for side, levels in zip((BUY, SELL), book, strict=True):
            seen = {price for price, _ in present[side]}
            for price, qty in levels[self._compared + 1 :]:
                if price not in seen:
                    self._rest_nameless(side, price, qty)


def compare(folder: Path) -> tuple[Comparison, Venue]:
    """Run a recording, and compare every fill and the book after every message."""
    replay = Replay(read(folder))
    replay.run()
    return replay.told, replay.venue
