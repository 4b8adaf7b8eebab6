"""The adding handler and the counting producer in the other tiers: Python, and numpy batches."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor import PerBatch, Producer
from disruptor.processors.handler import Handler
from perf.ring.events import VALUE
from perf.ring.handlers import BATCHES, RESULT

_PIECE: Final = 4_096


def per_event_tier(handler: Any, words: Any, control: Any) -> Handler:
    """A Python callable for each event."""
    total = 0

    def add(event: Any, sequence: int, end_of_batch: bool) -> None:
        nonlocal total
        total += event.value
        if end_of_batch:
            words[RESULT] = total
            words[BATCHES] += 1

    return add


def per_batch_tier(handler: Any, words: Any, control: Any) -> Handler:
    """A Python callable for each batch, which numpy adds up."""

    def add(events: NDArray[Any], first_sequence: Any) -> None:
        words[RESULT] += int(events["value"].sum())
        words[BATCHES] += 1

    return PerBatch(add)


def produce_in_python(producer: Producer, count: int) -> int:
    """Each event claimed, written and published by itself, from Python."""
    for number in range(count):
        sequence = producer.next()
        producer.slot(sequence)["value"] = number
        producer.publish(sequence)
    return count


def produce_in_batches(producer: Producer, count: int) -> int:
    """Numpy arrays of 4,096 events at a time."""
    events = np.zeros(_PIECE, VALUE)
    for low in range(0, count, _PIECE):
        size = min(_PIECE, count - low)
        events["value"][:size] = np.arange(low, low + size)
        producer.write(events[:size])
    return count
