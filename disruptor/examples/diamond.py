"""Three handlers in a diamond, each in a process of its own.

                ┌──► double ──┐
    producer ───┤             ├──► check
                └──► square ──┘

    python -m disruptor.examples.diamond

It prints ``check saw 1000 events that both others had finished``.
"""

from __future__ import annotations

import os
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from disruptor import BatchEventProcessor, PerBatch, RingBuffer

EVENT = np.dtype([("value", np.int64), ("double", np.int64), ("square", np.int64)])
COUNT = 1000


def double(events: NDArray[Any], first_sequence: int) -> None:
    events["double"] = 2 * events["value"]


def square(events: NDArray[Any], first_sequence: int) -> None:
    events["square"] = events["value"] ** 2


def check(events: NDArray[Any], first_sequence: int) -> None:
    assert (events["double"] ** 2 == 4 * events["square"]).all()
    if first_sequence + len(events) > COUNT:
        click.echo(f"check saw {COUNT} events that both others had finished")


def main() -> None:
    ring = RingBuffer.create(f"example.{os.getpid()}.diamond", EVENT, 64)
    graph = {double: (), square: (), check: ("double", "square")}
    for handler in graph:
        ring.register_consumer(handler.__name__, start=0)
    children = []
    for handler, after in graph.items():
        children.append(os.fork())
        if children[-1] == 0:
            consumer = ring.consumer(handler.__name__, after=after)
            processor = BatchEventProcessor(consumer, PerBatch(handler))
            while consumer.sequence < COUNT:
                processor.run_once(timeout_ns=100_000_000)
            os._exit(0)
    events = np.zeros(COUNT, EVENT)
    events["value"] = np.arange(1, COUNT + 1)
    ring.producer().write(events)
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    ring.unlink()


if __name__ == "__main__":
    main()
