"""The Shanghai exchange's order-by-order log: every order and trade of one stock, and its book.

    192  an order event: an add is what of an order came to rest, told after its trades
    191  a trade, with the numbers of both orders and who was the aggressor
    111  a snapshot of ten levels, every three seconds, with the number of trades so far

The true order of events is BizIndex.  An order that fills at once has no add at all, so incoming
orders are put together again from runs of trades with one aggressor; the add that follows, if it
is the same order's, says its limit and what must rest of it.  What the call auction left in the
book is the start.  A snapshot carries no BizIndex: it must be the book at some moment with the
same number of trades.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from components.messages.code import BUY, SELL, TIF_IOC
from components.messages.json_lines import TextError
from components.titan.exchange_data.comparison import Comparison
from components.titan.exchange_data.venue import Fill, Levels, Step, Venue, cancel, place

TRADE, ORDER, SNAPSHOT = 191, 192, 111
_ADD: Final = 65
_BUYER: Final = 66
_CONTINUOUS_FROM: Final = 9_30_00_00
"""TransactTime is HHMMSScc; before it, all trading is the call auction's."""
_SNAPSHOTS_FROM: Final = 9_25_00
"""Earlier ones show the auction's indicative price."""
_LEVELS: Final = 10

_ORDER_FIELDS: Final = ("OrderNo", "OrdType", "Side", "Price", "OrderQty")
_TRADE_FIELDS: Final = ("ExecType", "BidApplSeqNum", "OfferApplSeqNum", "LastPx", "LastQty")

Row = dict[str, int]


@dataclass
class Recording:
    """The log, sorted: events by BizIndex, snapshots by their number of trades."""

    events: list[Row] = field(default_factory=list)
    snapshots: dict[int, list[tuple[Levels, Levels]]] = field(default_factory=dict)

    @property
    def auction(self) -> int:
        """How many events come before continuous trading."""
        return sum(row["TransactTime"] < _CONTINUOUS_FROM for row in self.events)


def read(path: Path) -> Recording:
    """The log of one stock, gzipped or not; TextError at a line that is none of its messages."""
    found = Recording()
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for number, line in enumerate(lines, 1):
            row = _fields(line)
            try:
                kind = row["MsgType"]
                if kind in (TRADE, ORDER):
                    found.events.append(_complete(row, kind))
                elif kind == SNAPSHOT and row["DataTimeStamp"] >= _SNAPSHOTS_FROM:
                    found.snapshots.setdefault(row["NumTrades"], []).append(_levels(row))
            except KeyError as error:
                raise TextError(f"{path.name}:{number}: {error.args[0]} is missing") from None
    found.events.sort(key=lambda row: row["BizIndex"])
    return found


def _fields(line: str) -> Row:
    row = {}
    for pair in line.strip().lstrip("/").split():
        key, _, value = pair.partition("=")
        if value.lstrip("-").isdigit():
            row[key] = int(value)
    return row


def _complete(row: Row, kind: int) -> Row:
    own = _ORDER_FIELDS if kind == ORDER else _TRADE_FIELDS
    for name in ("BizIndex", "TransactTime", *own):
        if name not in row:
            raise KeyError(name)
    return row


def _levels(row: Row) -> tuple[Levels, Levels]:
    sides = []
    for side in ("Bid", "Ask"):
        names = [f"{side}Level[{number}]" for number in range(_LEVELS)]
        levels = [(row[f"{name}.Price"], row[f"{name}.Qty"]) for name in names]
        sides.append([level for level in levels if level[1]])
    return sides[0], sides[1]


def opening(events: list[Row]) -> Iterator[Step]:
    """What the call auction left of its orders, in the order in which they came."""
    book: dict[int, Row] = {}
    try:
        for row in events:
            if row["MsgType"] == TRADE:
                for side in ("BidApplSeqNum", "OfferApplSeqNum"):
                    book[row[side]]["OrderQty"] -= row["LastQty"]
            elif row["OrdType"] == _ADD:
                book[row["OrderNo"]] = dict(row)
            else:
                del book[row["OrderNo"]]
    except KeyError as error:
        raise TextError(
            f"order {error.args[0]} of the call auction was never added; "
            "give the log from the auction's beginning"
        ) from None
    for row in book.values():
        if row["OrderQty"] > 0:
            yield place(row["OrderNo"], _side(row), row["Price"], row["OrderQty"])


def _side(row: Row) -> int:
    return BUY if row["Side"] == _BUYER else SELL


def steps(events: list[Row]) -> Iterator[Step]:
    """Continuous trading, an order or a cancel a step."""
    at = 0
    while at < len(events):
        row = events[at]
        if row["MsgType"] == ORDER:
            number = row["OrderNo"]
            if row["OrdType"] == _ADD:
                yield place(number, _side(row), row["Price"], row["OrderQty"])
            else:
                yield cancel(number)
            at += 1
            continue
        buys = row["ExecType"] == _BUYER
        own, other = ("BidApplSeqNum", "OfferApplSeqNum")[:: 1 if buys else -1]
        run = _run_of_trades(events, at, own)
        at += len(run)
        fills = [Fill(trade[other], trade["LastPx"], trade["LastQty"]) for trade in run]
        side, qty = BUY if buys else SELL, sum(fill.qty for fill in fills)
        add = events[at] if at < len(events) else {}
        if add.get("OrderNo") == row[own] and add.get("OrdType") == _ADD:
            at += 1
            yield place(row[own], side, add["Price"], qty + add["OrderQty"], fills=fills)
        else:
            prices = [fill.price for fill in fills]
            worst = max(prices) if buys else min(prices)
            yield place(row[own], side, worst, qty, tif=TIF_IOC, fills=fills)


def _run_of_trades(events: list[Row], begin: int, own: str) -> list[Row]:
    first = events[begin]
    end = begin + 1
    while end < len(events):
        row = events[end]
        if row["MsgType"] != TRADE:
            break
        if (row["ExecType"], row[own]) != (first["ExecType"], first[own]):
            break
        end += 1
    return events[begin:end]


def compare(path: Path) -> tuple[Comparison, Venue]:
    """Run a log, and compare every fill and every snapshot."""
    recording = read(path)
    told = Comparison()
    told.messages["order events"] = sum(row["MsgType"] == ORDER for row in recording.events)
    told.messages["trades"] = sum(row["MsgType"] == TRADE for row in recording.events)
    told.messages["snapshots"] = sum(len(each) for each in recording.snapshots.values())
    venue = Venue(max_orders=max(1, told.messages["order events"]))
    auction = recording.events[: recording.auction]
    for step in opening(auction):
        told.judge_step(step, venue.apply(step), "opening book")
    trades = sum(row["MsgType"] == TRADE for row in auction)
    missing = {count: list(books) for count, books in recording.snapshots.items()}
    _look(missing, trades, venue, told)
    for step in steps(recording.events[recording.auction :]):
        told.judge_step(step, venue.apply(step), f"after {trades:,} trades")
        trades += len(step.fills)
        _look(missing, trades, venue, told)
    for count, books in missing.items():
        for _ in books:
            told.miss_book(f"snapshot at {count:,} trades")
    return told, venue


def _look(
    missing: dict[int, list[tuple[Levels, Levels]]], trades: int, venue: Venue, told: Comparison
) -> None:
    expected = missing.get(trades)
    if not expected:
        return
    seen = venue.book(_LEVELS)
    for book in expected:
        if book == seen:
            told.judge_book(book, seen, "")
    missing[trades] = [book for book in expected if book != seen]
