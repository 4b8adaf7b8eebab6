"""The peer for Titan from PyPI: order-matching, a limit order book engine in plain Python.

It knows neither immediate-or-cancel nor amending: the rest of an order that must not rest is
cancelled after it matched, and an amended order is cancelled and placed again.  Each order is
placed and matched by itself, as it comes.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from components.messages.code import BUY, OP_CANCEL, OP_INSTRUMENT, OP_PLACE, TIF_IOC
from components.messages.command import UNCHANGED, Commands
from perf.peers.sorted_book import rows_of

NAME = "order-matching"
_START = datetime(2024, 1, 1)


class Peer:
    """The engine, driven by our commands."""

    def __init__(self) -> None:
        from loguru import logger
        from order_matching.matching_engine import MatchingEngine

        logger.disable("order_matching")
        self.engine = MatchingEngine(seed=1)
        self.clock = _START
        self.trades = 0

    def run(self, rows: list[tuple[int, ...]]) -> None:
        """Apply rows of ``rows_of``."""
        for op, account, order_id, side, price, qty, tif in rows:
            name = f"{account}-{order_id}"
            if op == OP_PLACE:
                self._place(name, side, price, qty, tif != TIF_IOC)
            elif op != OP_INSTRUMENT:
                self._change(name, None if op == OP_CANCEL else qty)

    def _place(self, name: str, side: int, price: float, qty: float, rests: bool) -> None:
        from order_matching.enums import Side
        from order_matching.order import LimitOrder
        from order_matching.orders import Orders

        self.clock += timedelta(microseconds=1)
        order = LimitOrder(
            side=Side.BUY if side == BUY else Side.SELL, price=float(price), size=float(qty),
            timestamp=self.clock, order_id=name, trader_id=name,
        )  # fmt: skip
        self.engine.place(Orders([order]))
        self.trades += len(self.engine.match(timestamp=self.clock).trades)
        if not rests and self._find(name) is not None:
            self.engine.cancel_order(name)

    def _change(self, name: str, qty: int | None) -> None:
        order = self._find(name)
        if order is None or qty == UNCHANGED:
            return
        side, price = order.side, order.price
        self.engine.cancel_order(name)
        if qty is not None:
            self._place(name, BUY if side.name == "BUY" else 1 - BUY, price, qty, True)

    def _find(self, name: str) -> Any:
        return self.engine.unprocessed_orders.find_order_by_id(name)


def replay(commands: Commands, opening: int) -> float:
    """Nanoseconds of CPU a command after the first ``opening``."""
    rows = list(rows_of(commands))
    peer = Peer()
    peer.run(rows[: opening + 1])
    started = time.thread_time_ns()
    peer.run(rows[opening + 1 :])
    return (time.thread_time_ns() - started) / (len(rows) - opening - 1)


def label() -> str:
    """Name and version, for the table."""
    return f"{NAME} {version(NAME)}"
