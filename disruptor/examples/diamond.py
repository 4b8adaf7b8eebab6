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

from disruptor import Disruptor, PerBatch

EVENT = np.dtype([("value", np.int64), ("double", np.int64), ("square", np.int64)])
COUNT = 1000


def double(events: NDArray[Any], first_sequence: int) -> None:
    events["double"] = 2 * events["value"]


def square(event: Any, sequence: int, end_of_batch: bool) -> None:
    event.square = event.value**2


def check(event: Any, sequence: int, end_of_batch: bool) -> None:
    assert event.double**2 == 4 * event.square
    if sequence == COUNT:
        click.echo(f"check saw {COUNT} events that both others had finished")


def main() -> None:
    diamond = Disruptor(EVENT, 64, run_in="processes", name=f"example.{os.getpid()}.diamond")
    diamond.handle_events_with(PerBatch(double), square).then(check)
    with diamond:
        for value in range(COUNT):
            diamond.publish(value=value)


if __name__ == "__main__":
    main()
