"""A handler that is compiled together with the loop around it, and never enters the interpreter.

    python -m disruptor.examples.compiled_handler

It prints ``200000 events, the largest 199999``; the first run compiles for some seconds.
"""

from __future__ import annotations

import os
from typing import Any

import click
import numpy as np
from numba import njit

from disruptor import Compiled, Disruptor

EVENT = np.dtype([("value", np.int64)])
COUNT = 200_000


@njit
def count_and_keep_largest(state: Any, event: Any, sequence: int, end_of_batch: bool) -> None:
    state[0] += 1
    state[1] = max(state[1], event.value)


def main() -> None:
    state = np.zeros(2, np.int64)
    disruptor = Disruptor(EVENT, 1024, name=f"example.{os.getpid()}.values")
    disruptor.handle_events_with(Compiled(count_and_keep_largest, state))
    with disruptor:  # the handler runs in a thread, without the GIL
        disruptor.publish(np.arange(COUNT).view(EVENT))
    click.echo(f"{state[0]} events, the largest {state[1]}")


if __name__ == "__main__":
    main()
