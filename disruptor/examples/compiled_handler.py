"""A handler that is compiled together with the loop around it, and never enters the interpreter.

    python -m disruptor.examples.compiled_handler

It prints ``200000 events, the largest 199999``; the first run compiles for some seconds.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import click
import numpy as np
from numba import njit

from disruptor import BatchEventProcessor, Compiled, RingBuffer

EVENT = np.dtype([("value", np.int64)])
COUNT = 200_000


@njit
def count_and_keep_largest(state: Any, event: Any, sequence: int, end_of_batch: bool) -> None:
    state[0] += 1
    state[1] = max(state[1], event["value"])


def main() -> None:
    ring = RingBuffer.create(f"example.{os.getpid()}.values", EVENT, 1024)
    consumer, producer = ring.consumer("counter"), ring.producer()
    state = np.zeros(2, np.int64)
    processor = BatchEventProcessor(consumer, Compiled(count_and_keep_largest, state))
    thread = threading.Thread(target=processor.run)  # compiled code runs without the GIL
    thread.start()
    producer.write(np.arange(COUNT).view(EVENT))
    producer.next(ring.capacity)  # room for a whole ring: the consumer has seen everything
    processor.halt()
    thread.join()
    ring.unlink()
    click.echo(f"{state[0]} events, the largest {state[1]}")


if __name__ == "__main__":
    # The loop imports its handler by name, and nothing can import it from ``__main__``.
    from disruptor.examples.compiled_handler import main as run

    run()
