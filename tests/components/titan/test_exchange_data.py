"""Real exchanges' order flow: the engine fills what the exchange filled, and shows its book."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from components.messages.code import (
    BUY,
    EVENT_TRADE,
    OP_CANCEL,
    OP_INSTRUMENT,
    OP_PLACE,
    SELL,
    TIF_IOC,
)
from components.titan.engine import apply_batch, check_invariants, depth, new_outbox, new_state
from tests.recordings import recording
from tests.strategies import blank, records

Fill = tuple[int, int, int]  # maker's id, price, quantity
Row = dict[str, int]
Levels = list[tuple[int, int]]


class Venue:
    """One symbol of an engine; every order belongs to account 1."""

    def __init__(self) -> None:
        self.state = new_state(max_orders=1 << 15, max_symbols=1)
        self.outbox = new_outbox(1 << 17)
        self.sequence = 0
        self.apply(blank(OP_INSTRUMENT, price=1, qty=1, stop_price=1))

    def apply(self, command: Row) -> list[Fill]:
        """The fills of one command."""
        self.sequence += 1
        apply_batch(self.state, records([command]), self.sequence, self.outbox)
        events = self.outbox.slots[: int(self.outbox.count[0])]
        trades = events[events["kind"] == EVENT_TRADE]
        fills = zip(
            trades["maker_order_id"].tolist(),
            trades["price"].tolist(),
            trades["qty"].tolist(),
            strict=True,
        )
        self.outbox.count[0] = 0
        return list(fills)

    def place(self, number: int, side: int, price: int, qty: int, tif: int = 0) -> list[Fill]:
        """A limit order."""
        names = {"account": 1, "order_id": number, "side": side}
        return self.apply(blank(OP_PLACE, **names, price=price, qty=qty, tif=tif))

    def cancel(self, number: int) -> None:
        """The rest of an order."""
        self.apply(blank(OP_CANCEL, account=1, order_id=number))

    def top(self, levels: int) -> tuple[Levels, Levels]:
        """Best bids and asks as (price, quantity)."""
        bids, asks = depth(self.state, 0, levels)
        return [(price, qty) for price, qty in bids.tolist()], [(p, q) for p, q in asks.tolist()]


# Shanghai: orders and trades of 600519, one morning.

AUCTION_ENDS = 9_30_00_00
FLAG_BUYER, FLAG_SELLER = 66, 83


@dataclass
class Shanghai:
    """The recording, sorted: events by BizIndex, snapshots by number of trades."""

    events: list[Row] = field(default_factory=list)
    snapshots: dict[int, list[Row]] = field(default_factory=dict)


def shanghai() -> Shanghai:
    """Read the log."""
    path = recording("sse-600519-20230207", "AX_sbe_sse_600519_am.log.gz")
    found = Shanghai()
    with gzip.open(path, "rt") as lines:
        for line in lines:
            row = {}
            for pair in line.strip().lstrip("/").split():
                key, _, value = pair.partition("=")
                if value.lstrip("-").isdigit():
                    row[key] = int(value)
            if row.get("MsgType") in (191, 192):
                found.events.append(row)
            elif row.get("MsgType") == 111 and row["DataTimeStamp"] >= 92_500:
                found.snapshots.setdefault(row["NumTrades"], []).append(row)
    found.events.sort(key=lambda row: row["BizIndex"])
    return found


def opening_orders(events: list[Row]) -> list[Row]:
    """What is left of the call auction's orders, in order of arrival."""
    book: dict[int, Row] = {}
    for row in events:
        if row["MsgType"] == 191:
            for side in ("BidApplSeqNum", "OfferApplSeqNum"):
                book[row[side]]["OrderQty"] -= row["LastQty"]
        elif row["OrdType"] == 65:
            book[row["OrderNo"]] = dict(row)
        else:
            del book[row["OrderNo"]]
    return [row for row in book.values() if row["OrderQty"] > 0]


@dataclass
class Step:
    """One incoming order or cancel of continuous trading, with the fills that are recorded."""

    row: Row
    number: int
    side: int
    price: int
    qty: int
    fills: list[Fill]
    rests: bool


def steps(events: list[Row]) -> Iterator[Step]:
    """Runs of trades with one aggressor become one order, as SOURCE.md says."""
    place = 0
    while place < len(events):
        row = events[place]
        if row["MsgType"] == 192:
            side = BUY if row["Side"] == FLAG_BUYER else SELL
            yield Step(row, row["OrderNo"], side, row["Price"], row["OrderQty"], [], True)
            place += 1
            continue
        buys = row["ExecType"] == FLAG_BUYER
        own, other = ("BidApplSeqNum", "OfferApplSeqNum")[:: 1 if buys else -1]
        number, fills = row[own], []
        same = (row["ExecType"], number)
        while place < len(events):
            trade = events[place]
            if trade["MsgType"] != 191 or (trade["ExecType"], trade[own]) != same:
                break
            fills.append((trade[other], trade["LastPx"], trade["LastQty"]))
            place += 1
        qty = sum(fill[2] for fill in fills)
        prices = [fill[1] for fill in fills]
        price = max(prices) if buys else min(prices)
        rests = False
        if place < len(events):
            following = events[place]
            if following["MsgType"] == 192 and following["OrderNo"] == number:
                rests = following["OrdType"] == 65
        if rests:
            qty, price = qty + events[place]["OrderQty"], events[place]["Price"]
            place += 1
        yield Step(row, number, BUY if buys else SELL, price, qty, fills, rests)


def shown(snapshot: Row) -> tuple[Levels, Levels]:
    """A snapshot's ten levels a side."""
    sides = []
    for side in ("Bid", "Ask"):
        levels = [
            (snapshot[f"{side}Level[{n}].Price"], snapshot[f"{side}Level[{n}].Qty"])
            for n in range(10)
        ]
        sides.append([level for level in levels if level[1]])
    return sides[0], sides[1]


def test_shanghai_fills_and_snapshots_are_identical() -> None:
    """Every fill in maker, price, quantity and sequence; every snapshot at its trade count."""
    log = shanghai()
    auction = [row for row in log.events if row["TransactTime"] < AUCTION_ENDS]
    venue = Venue()
    for row in opening_orders(auction):
        side = BUY if row["Side"] == FLAG_BUYER else SELL
        assert venue.place(row["OrderNo"], side, row["Price"], row["OrderQty"]) == []
    trades = sum(row["MsgType"] == 191 for row in auction)
    missing = {count: [shown(each) for each in rows] for count, rows in log.snapshots.items()}
    aggressive = filled = matched = 0

    def look() -> int:
        expected = missing.get(trades, [])
        if not expected:
            return 0
        seen = venue.top(10)
        missing[trades] = [each for each in expected if each != seen]
        return len(expected) - len(missing[trades])

    matched += look()
    for step in steps(log.events[len(auction) :]):
        if step.row["MsgType"] == 192 and step.row["OrdType"] == 68:
            venue.cancel(step.number)
        else:
            tif = 0 if step.rests else TIF_IOC
            fills = venue.place(step.number, step.side, step.price, step.qty, tif)
            assert step.fills == fills
            aggressive += bool(fills)
            filled += len(fills)
            trades += len(fills)
        matched += look()
    check_invariants(venue.state)

    assert (aggressive, filled) == (8_157, 11_203)
    assert matched == sum(len(rows) for rows in log.snapshots.values()) == 2_422


# NASDAQ: messages and book of AAPL, from LOBSTER.

ANONYMOUS = 1 << 40


def lobster(name: str) -> list[list[int]]:
    """Rows of one of the two files; the time becomes nanoseconds."""
    file = f"AAPL_2012-06-21_34200000_57600000_{name}_10.first999.csv.gz"
    with gzip.open(recording("lobster-aapl-20120621", file), "rt") as lines:
        return [
            [int(float(value) * 1e9) if "." in value else int(value) for value in row]
            for row in csv.reader(lines)
        ]


def levels_of(row: list[int], count: int) -> tuple[Levels, Levels]:
    """Bids and asks of one row of the book."""
    asks = [(row[4 * n], row[4 * n + 1]) for n in range(count)]
    bids = [(row[4 * n + 2], row[4 * n + 3]) for n in range(count)]
    return bids, asks


def test_lobster_fills_and_book_are_identical() -> None:
    """98 fills, 94 of them of orders known by id, and five levels a side after every message."""
    messages, books = lobster("message"), lobster("orderbook")
    venue = Venue()
    first = messages[0]
    for side, levels in zip((BUY, SELL), levels_of(books[0], 10), strict=True):
        for number, (price, qty) in enumerate(levels):
            is_first = (side == BUY) == (first[5] == 1) and price == first[4]
            added = first[3] if is_first else 0
            if qty - added:
                venue.place(ANONYMOUS + 100 * side + number, side, price, qty - added)
    known: set[int] = set()
    fills: list[Fill] = []
    expected: list[Fill] = []
    place = recorded = 0
    while place < len(messages):
        time, kind, number, size, price, direction = messages[place]
        side = BUY if direction == 1 else SELL
        end = place + 1
        if kind == 1:
            assert venue.place(number, side, price, size) == []
            known.add(number)
        elif kind == 3 and number in known:
            venue.cancel(number)
        elif kind == 3:
            _reduce_anonymous(venue, side, price, size)
        elif kind == 4:
            while end < len(messages) and messages[end][:2] == [time, 4] == [messages[end][0], 4]:
                if messages[end][5] != direction:
                    break
                end += 1
            run = messages[place:end]
            prices = [row[4] for row in run]
            worst = min(prices) if side == BUY else max(prices)
            total = sum(row[3] for row in run)
            fills += venue.place(ANONYMOUS * 2 + place, 1 - side, worst, total, TIF_IOC)
            recorded += len(run)
            expected += _known_apart(run, known)
        place = end
        _learn_deep_levels(venue, books[place - 1], place)
        assert levels_of(books[place - 1], 5) == venue.top(5), place
    assert recorded == 98
    assert [each[1:] for each in expected] == [each[1:] for each in fills]
    by_id = [(one, other) for one, other in zip(expected, fills, strict=True) if one[0]]
    assert len(by_id) == 94
    assert all(one == other for one, other in by_id)


def _known_apart(run: list[list[int]], known: set[int]) -> list[Fill]:
    """The fills of one incoming order; opening orders of one price, nameless, are one (id 0)."""
    fills: list[Fill] = []
    for _, _, number, size, price, _ in run:
        if number in known:
            fills.append((number, price, size))
        elif fills and fills[-1][:2] == (0, price):
            fills[-1] = (0, price, fills[-1][2] + size)
        else:
            fills.append((0, price, size))
    return fills


def _learn_deep_levels(venue: Venue, row: list[int], place: int) -> None:
    """Levels 7 to 10 that come into sight from beyond were there before anyone looked."""
    for side, levels in zip((BUY, SELL), levels_of(row, 10), strict=True):
        present = {price for price, _ in venue.top(100)[side]}
        for deep, (price, qty) in enumerate(levels[6:]):
            if price not in present:
                number = ANONYMOUS * 3 + place * 100 + side * 10 + deep
                assert venue.place(number, side, price, qty) == []


def _reduce_anonymous(venue: Venue, side: int, price: int, size: int) -> None:
    """Cancel part of the opening quantity at a price, which has no ids."""
    orders = venue.state.orders
    rows = np.flatnonzero((orders["order_id"] >= ANONYMOUS) & (orders["price"] == price))
    for slot in rows.tolist():
        if int(orders[slot]["side"]) == side:
            number, qty = int(orders[slot]["order_id"]), int(orders[slot]["qty"])
            venue.apply(
                blank(3, account=1, order_id=number, price=price, qty=qty - size)
                if qty > size
                else blank(OP_CANCEL, account=1, order_id=number)
            )
            return
    raise AssertionError(f"no opening order at {price}")
