"""The peer for Titan: a price-time book as one writes it in plain Python, without its extras."""

from __future__ import annotations

import time
from collections import deque
from heapq import heappop, heappush

from components.messages.code import BUY, OP_CANCEL, OP_INSTRUMENT, OP_PLACE, TIF_IOC
from components.messages.command import UNCHANGED, Commands

NAME = "plain Python book"
_SIDE, _PRICE, _OPEN = 0, 1, 2
_Order = list[int]


class PlainBook:
    """A dict by id, a dict and a heap of prices a side, a deque of orders a price.

    A cancelled order stays in its deque with nothing open until matching meets it.
    """

    def __init__(self) -> None:
        self.orders: dict[tuple[int, int], _Order] = {}
        self.levels: tuple[dict[int, deque[_Order]], dict[int, deque[_Order]]] = ({}, {})
        self.heaps: tuple[list[int], list[int]] = ([], [])
        self.trades = 0

    def place(self, name: tuple[int, int], side: int, price: int, qty: int, rests: bool) -> None:
        """Take what the price allows, then rest or end."""
        sign = -1 if side == BUY else 1
        heap, levels = self.heaps[1 - side], self.levels[1 - side]
        while qty and heap and heap[0] <= -sign * price:
            queue = levels[-sign * heap[0]]
            while queue and qty:
                maker = queue[0]
                traded = min(qty, maker[_OPEN])
                qty -= traded
                maker[_OPEN] -= traded
                self.trades += traded > 0
                if not maker[_OPEN]:
                    queue.popleft()
            if not queue:
                del levels[-sign * heappop(heap)]
        if qty and rests:
            order = self.orders[name] = [side, price, qty]
            if price not in self.levels[side]:
                self.levels[side][price] = deque()
                heappush(self.heaps[side], sign * price)
            self.levels[side][price].append(order)

    def cancel(self, name: tuple[int, int]) -> None:
        """Nothing stays open."""
        order = self.orders.pop(name, None)
        if order is not None:
            order[_OPEN] = 0

    def amend(self, name: tuple[int, int], qty: int) -> None:
        """Less keeps its place, more goes to the back."""
        order = self.orders.get(name)
        if order is None or not order[_OPEN]:
            return
        if qty <= order[_OPEN]:
            order[_OPEN] = qty
            return
        side, price, _ = order
        order[_OPEN] = 0
        self.place(name, side, price, qty, True)


def replay(commands: Commands, opening: int) -> float:
    """Nanoseconds of CPU a command after the first ``opening``, on rows unpacked beforehand."""
    fields = ("op", "account", "order_id", "side", "price", "qty", "tif")
    rows = list(zip(*(commands[name].tolist() for name in fields), strict=True))
    book = PlainBook()
    _run(book, rows[: opening + 1])
    started = time.thread_time_ns()
    _run(book, rows[opening + 1 :])
    return (time.thread_time_ns() - started) / (len(rows) - opening - 1)


def label() -> str:
    """How the table calls it."""
    return NAME


def _run(book: PlainBook, rows: list[tuple[int, ...]]) -> None:
    for op, account, order_id, side, price, qty, tif in rows:
        if op == OP_PLACE:
            book.place((account, order_id), side, price, qty, tif != TIF_IOC)
        elif op == OP_CANCEL:
            book.cancel((account, order_id))
        elif op != OP_INSTRUMENT and qty != UNCHANGED:
            book.amend((account, order_id), qty)
