"""A handler that is given whole batches as numpy views of the shared memory, without a copy.

    python -m disruptor.examples.numpy_batch

It prints ``1000 trades, turnover 99000``.
"""

from __future__ import annotations

import os
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from disruptor import BatchEventProcessor, PerBatch, RingBuffer

TRADE = np.dtype([("price", np.int64), ("quantity", np.int64)])
seen = {"trades": 0, "turnover": 0}


def add_up(trades: NDArray[Any], first_sequence: int) -> None:
    seen["trades"] += len(trades)
    seen["turnover"] += int(trades["price"] @ trades["quantity"])


def main() -> None:
    ring = RingBuffer.create(f"example.{os.getpid()}.trades", TRADE, 256)
    processor = BatchEventProcessor(ring.consumer("adder"), PerBatch(add_up))
    producer = ring.producer()
    trades = np.zeros(100, TRADE)
    trades["price"], trades["quantity"] = np.arange(100), 2
    for _ in range(10):
        producer.write(trades)
        processor.run_once(timeout_ns=1_000_000)
    ring.unlink()
    click.echo(f"{seen['trades']} trades, turnover {seen['turnover']}")


if __name__ == "__main__":
    main()
