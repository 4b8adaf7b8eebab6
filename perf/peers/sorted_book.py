"""The peer for Titan with sortedcontainers: a SortedDict of prices a side, a dict of orders a price.

A dict keeps the order in which its keys came, so it is the queue of a price and finds an order in
it at once: nothing is left behind by a cancel.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version

from sortedcontainers import SortedDict

from components.messages.code import BUY, OP_CANCEL, OP_INSTRUMENT, OP_PLACE, TIF_IOC
from components.messages.command import UNCHANGED, Commands

NAME = "sortedcontainers book"
_SIDE, _KEY, _OPEN = 0, 1, 2
_Name = tuple[int, int]


class SortedBook:
    """A key is a price, or its negative for a bid: the smallest is the best on both sides."""

    def __init__(self) -> None:
        self.orders: dict[_Name, list[int]] = {}
        self.sides = (SortedDict(), SortedDict())
        self.trades = 0

    def place(self, name: _Name, side: int, price: int, qty: int, rests: bool) -> None:
        """Take what the price allows, then rest or end."""
        makers, worst = self.sides[1 - side], price if side == BUY else -price
        while qty and makers:
            key, queue = makers.peekitem(0)
            if key > worst:
                break
            while queue and qty:
                other = next(iter(queue))
                maker = queue[other]
                traded = min(qty, maker[_OPEN])
                qty -= traded
                maker[_OPEN] -= traded
                self.trades += 1
                if not maker[_OPEN]:
                    del queue[other], self.orders[other]
            if not queue:
                del makers[key]
        if qty and rests:
            key = -price if side == BUY else price
            order = self.orders[name] = [side, key, qty]
            self.sides[side].setdefault(key, {})[name] = order

    def cancel(self, name: _Name) -> None:
        """Out of its queue, and the price with it if it was the last."""
        order = self.orders.pop(name, None)
        if order is not None:
            side = self.sides[order[_SIDE]]
            queue = side[order[_KEY]]
            del queue[name]
            if not queue:
                del side[order[_KEY]]

    def amend(self, name: _Name, qty: int) -> None:
        """Less keeps its place, more goes to the back."""
        order = self.orders.get(name)
        if order is None:
            return
        if qty > order[_OPEN]:
            queue = self.sides[order[_SIDE]][order[_KEY]]
            queue[name] = queue.pop(name)
        order[_OPEN] = qty


def replay(commands: Commands, opening: int) -> float:
    """Nanoseconds of CPU a command after the first ``opening``, on rows unpacked beforehand."""
    rows = list(rows_of(commands))
    book = SortedBook()
    _run(book, rows[: opening + 1])
    started = time.thread_time_ns()
    _run(book, rows[opening + 1 :])
    return (time.thread_time_ns() - started) / (len(rows) - opening - 1)


def rows_of(commands: Commands) -> Iterator[tuple[int, ...]]:
    """op, account, order_id, side, price, qty, tif of each command, as plain integers."""
    fields = ("op", "account", "order_id", "side", "price", "qty", "tif")
    return zip(*(commands[name].tolist() for name in fields), strict=True)


def label() -> str:
    """Name and version, for the table."""
    return f"{NAME} {version('sortedcontainers')}"


def _run(book: SortedBook, rows: list[tuple[int, ...]]) -> None:
    for op, account, order_id, side, price, qty, tif in rows:
        if op == OP_PLACE:
            book.place((account, order_id), side, price, qty, tif != TIF_IOC)
        elif op == OP_CANCEL:
            book.cancel((account, order_id))
        elif op != OP_INSTRUMENT and qty != UNCHANGED:
            book.amend((account, order_id), qty)
