"""The handlers of pipeline.yaml, which says who reads what and who is behind whom."""

from __future__ import annotations

from typing import Any

import click
import numpy as np
from numba import njit
from numpy.typing import NDArray

from disruptor import Compiled, Lifecycle, PerBatch, ProcessContext

TRADE = np.dtype(
    [("price", np.int64), ("quantity", np.int64), ("notional", np.int64), ("side", "i8")]
)
VOLUME = np.dtype([("trades", np.int64), ("bought", np.int64), ("sold", np.int64)])


def produce(context: ProcessContext) -> None:
    """A source has no ring to read: it owns its loop, and may end by itself."""
    producer, count = context.producer("trades"), int(context.options["trades"])
    context.ready()
    trades = np.zeros(count, TRADE)
    trades["price"], trades["quantity"] = np.arange(count), 1
    producer.write(trades)


def compute_notional(trades: NDArray[Any], first_sequence: int) -> None:
    trades["notional"] = trades["price"] * trades["quantity"]


NOTIONAL = PerBatch(compute_notional)


def mark_side(trade: Any, sequence: int, end_of_batch: bool) -> None:
    trade.side = -1 if sequence % 3 == 0 else 1


def make_report(context: ProcessContext) -> PerBatch:
    """A handler that writes another ring is made by a function, which is given the context."""
    producer = context.producer("volumes")

    def report(trades: NDArray[Any], first_sequence: int) -> None:
        volume = np.zeros(1, VOLUME)
        volume["trades"] = len(trades)
        volume["bought"] = trades["notional"][trades["side"] > 0].sum()
        volume["sold"] = trades["notional"][trades["side"] < 0].sum()
        producer.write(volume)

    return PerBatch(report)


@njit
def add_volume(state: Any, volume: Any, sequence: int, end_of_batch: bool) -> None:
    state[0] += volume.trades
    state[1] += volume.bought
    state[2] += volume.sold


TOTAL = Compiled(add_volume, np.zeros(3, np.int64))


class Farewell(Lifecycle):
    """Prints the total when the pipeline ends."""

    def on_shutdown(self) -> None:
        trades, bought, sold = TOTAL.state
        click.echo(f"{trades} trades, bought {bought}, sold {sold}")
