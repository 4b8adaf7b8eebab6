"""A price-time book in plain Python that writes the league's reports: short, to be read as true.

    0,seq,side,id,price,qty       new              3,seq,side,id,price,newqty    modified
    1,seq,price,qty,maker,taker   trade            4,seq,id                      cancel refused
    2,seq,side,id,price           cancelled        5,seq,id                      modify refused

Within one message reports are sorted by kind, trades in the order in which they happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush

from components.messages.code import BUY
from perf.workloads.league import CANCEL, MODIFY, Messages

_Order = list[int]  # id, side, price, open quantity


class ReferenceBook:
    """Orders by id; for each side a queue a price, and a heap of the prices that have one.

    A cancelled order stays in its queue with nothing open until matching meets it.
    """

    def __init__(self) -> None:
        self.orders: dict[int, _Order] = {}
        self.queues: tuple[dict[int, deque[_Order]], dict[int, deque[_Order]]] = ({}, {})
        self.heaps: tuple[list[int], list[int]] = ([], [])

    def match(self, taker: _Order) -> Iterator[tuple[int, int, int]]:
        """Price, quantity and maker of each trade."""
        _, side, price, _ = taker
        sign = 1 if side == BUY else -1
        heap, queues = self.heaps[1 - side], self.queues[1 - side]
        while taker[3] and heap and heap[0] <= sign * price:
            queue = queues[sign * heap[0]]
            while queue and taker[3]:
                maker = queue[0]
                traded = min(maker[3], taker[3])
                if traded:
                    maker[3] -= traded
                    taker[3] -= traded
                    yield maker[2], traded, maker[0]
                if not maker[3]:
                    self.orders.pop(queue.popleft()[0], None)
            if not queue:
                del queues[sign * heappop(heap)]

    def rest(self, order: _Order) -> None:
        """To the back of its price's queue."""
        number, side, price, _ = order
        self.orders[number] = order
        if price not in self.queues[side]:
            self.queues[side][price] = deque()
            heappush(self.heaps[side], -price if side == BUY else price)
        self.queues[side][price].append(order)

    def take_out(self, number: int) -> _Order | None:
        """The order as it was, which is no longer in the book; None if it is not there."""
        order = self.orders.pop(number, None)
        if order is None:
            return None
        found = order.copy()
        order[0], order[3] = 0, 0
        return found


def reports(flow: Messages) -> Iterator[str]:
    """All report lines of a flow."""
    book = ReferenceBook()
    columns = (flow[name].tolist() for name in ("kind", "id", "side", "price", "qty", "ioc"))
    for seq, (kind, number, side, price, qty, ioc) in enumerate(zip(*columns, strict=True)):
        if kind in (CANCEL, MODIFY):
            old = book.take_out(number)
            if old is None:
                yield f"{4 if kind == CANCEL else 5},{seq},{number}"
                continue
            if kind == CANCEL:
                yield f"2,{seq},{old[1]},{number},{old[2]}"
                continue
        else:
            yield f"0,{seq},{side},{number},{price},{qty}"
        order = [number, side, price, qty]
        for at, traded, maker in book.match(order):
            yield f"1,{seq},{at},{traded},{maker},{number}"
        if order[3] and ioc:
            yield f"2,{seq},{side},{number},{price}"
        elif order[3]:
            book.rest(order)
        if kind == MODIFY:
            yield f"3,{seq},{side},{number},{price},{qty}"
